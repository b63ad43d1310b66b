"""GET /api/events/stream: the live stream as server-sent events, for programs and browsers behind odd proxies."""

import asyncio
import contextlib

from aiohttp import HttpVersion11, hdrs, web

from ccserver.domain.access import Actor
from ccserver.domain.errors import FieldError, Forbidden, Invalid
from ccserver.web.stream.endpoint import Endpoint
from ccserver.web.stream.hub import Refused, check_topics
from ccserver.web.stream.protocol import MAX_TOPICS
from ccserver.web.stream.session import Client
from ccserver.web.stream.sinks import EventStreamSink

LOOK_SECONDS = 1.0
"""A client that left is forgotten after this long at the most."""

RETRY_MILLISECONDS = 2000
"""How long browsers wait before they connect again."""


class EventStreamEndpoint(Endpoint):
    """The handler of /api/events/stream?topics=agents,calls; resumes by Last-Event-ID."""

    async def handle(self, request: web.Request, actor: Actor | None = None) -> web.StreamResponse:
        """Serve one client until either side closes. Raises Invalid and Forbidden for the topics.

        ``actor`` is given when the route has found out who calls.
        """
        actor = await self._admit(request, actor)
        topics, (epoch, seq) = _topics(request, actor), _last_seen(request)
        if request.version < HttpVersion11:
            raise Invalid(FieldError("version", "http_1_1_needed"))
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
                hdrs.CACHE_CONTROL: "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"retry: %d\n\n" % RETRY_MILLISECONDS)  # sends the head too
        transport = request.transport
        if transport is None:
            return response  # it left before the first event
        sink = EventStreamSink(transport, self._hub.scheduler)
        client = Client(actor, sink)
        try:
            self._hub.attach(client)
            self._hub.subscribe(client, topics, epoch, seq)
            await _until_closed(sink, transport)
        finally:
            self._hub.detach(client)
            sink.release()
        return response


def _topics(request: web.Request, actor: Actor) -> frozenset[str]:
    topics = frozenset(filter(None, request.query.get("topics", "").split(",")))
    if not topics or len(topics) > MAX_TOPICS:
        raise Invalid(FieldError("topics", "required" if not topics else "too_many"))
    try:
        check_topics(actor, topics)
    except Refused as refused:
        if refused.code == "topic_forbidden":
            raise Forbidden(refused.code) from None
        raise Invalid(FieldError("topics", refused.code)) from None
    return topics


def _last_seen(request: web.Request) -> tuple[str | None, int | None]:
    """The position in Last-Event-ID (or ?last=, for programs that cannot set it); nonsense means none."""
    last = request.headers.get("Last-Event-ID") or request.query.get("last", "")
    epoch, _, seq = last.rpartition(":")
    if not epoch or not (seq.isascii() and seq.isdigit() and len(seq) < 16):
        return None, None
    return epoch, int(seq)


async def _until_closed(sink: EventStreamSink, transport: asyncio.Transport) -> None:
    """Wait for our goodbye, or for the client to leave: aiohttp has no event for that, so look now and then."""
    while not transport.is_closing():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await sink.closing.wait()
                return
