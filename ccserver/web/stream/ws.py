"""GET /ws: the live stream on a WebSocket."""

import msgspec
from aiohttp import WSMsgType, web

from ccserver.domain.access import Actor
from ccserver.web.stream import codec, metrics
from ccserver.web.stream.endpoint import Endpoint
from ccserver.web.stream.hub import Hub, Refused
from ccserver.web.stream.protocol import (
    MAX_BAD_MESSAGES,
    MAX_MESSAGE_BYTES,
    ClientMessage,
    CloseCode,
    Ping,
    Pong,
    Subscribe,
    error,
)
from ccserver.web.stream.session import Allowance, Client
from ccserver.web.stream.sinks import WebSocketSink

PING_SECONDS = 25.0
"""A peer that does not answer a WebSocket ping within half of this is gone (a sleeping laptop, a lost route)."""

_decoder = msgspec.json.Decoder(ClientMessage)


class WebSocketEndpoint(Endpoint):
    """The handler of /ws."""

    async def handle(self, request: web.Request, actor: Actor | None = None) -> web.StreamResponse:
        """Serve one client until either side closes; ``actor`` is given when the route has found out."""
        actor = await self._admit(request, actor)
        socket = web.WebSocketResponse(
            compress=False, autoclose=False, heartbeat=PING_SECONDS, max_msg_size=MAX_MESSAGE_BYTES
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket  # it left during the handshake
        sink = WebSocketSink(transport, self._hub.scheduler)
        client = Client(actor, sink)
        try:
            self._hub.attach(client)
            await self._converse(client, socket)
            if not sink.closing.is_set():  # the client closes: answer its close frame
                await socket.close(code=CloseCode.NORMAL, drain=False)
        finally:
            self._hub.detach(client)
            sink.release()
        return socket

    async def _converse(self, client: Client, socket: web.WebSocketResponse) -> None:
        talk = Conversation(self._hub, client)
        while True:
            received = await socket.receive()
            if received.type is WSMsgType.TEXT:
                talk.hear(received.data)
            elif received.type is WSMsgType.BINARY:
                talk.refuse("malformed")
            else:
                return


class Conversation:
    """What one client says, and what it is answered."""

    def __init__(self, hub: Hub, client: Client) -> None:
        self._hub = hub
        self._client = client
        self._bad = 0
        self._allowance = Allowance(hub.scheduler.time())

    def hear(self, text: str) -> None:
        """Act on one message. What cannot be understood or is not allowed is answered and counted."""
        if not self._allowance.take(self._hub.scheduler.time()):
            self.refuse("too_many_messages")
            return
        try:
            said = _decoder.decode(text)
        except msgspec.ValidationError as problem:
            self.refuse("unknown_type" if problem.args[0].endswith("`$.type`") else "malformed")
            return
        except (msgspec.DecodeError, UnicodeError):
            self.refuse("malformed")
            return
        match said:
            case Subscribe():
                try:
                    self._hub.subscribe(self._client, said.topics, said.epoch, said.seq)
                except Refused as refused:
                    self.refuse(refused.code)
            case Ping():
                self._client.send(codec.message(Pong(id=said.id)))

    def refuse(self, code: str) -> None:
        """Answer with an error; the fifth closes the socket."""
        metrics.REFUSED.labels(code=code).inc()
        self._bad += 1
        self._client.send(codec.message(error(code, self._client.actor.locale)))
        if self._bad >= MAX_BAD_MESSAGES:
            self._hub.end(self._client, CloseCode.BAD_MESSAGES, "too many bad messages")
