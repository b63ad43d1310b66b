"""ARI over HTTP: one pooled session, the secret in a header only, typed errors, a deadline on each
request.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from yarl import URL

from ccserver.domain.errors import FieldError, Invalid
from ccserver.telephony.ari_operations import OPERATIONS, Operation
from ccserver.telephony.errors import (
    AriAllocationFailed,
    AriConflict,
    AriError,
    AriNotFound,
    AriRefused,
    AriUnprocessable,
    away,
    refuse_unsafe_text,
)

Value = str | int | float | bool | Sequence[str] | None
"""A query parameter; a sequence becomes a comma-separated list, None is left out."""

KEEP_ALIVE_SECONDS: Final = 10.0
"""Below Asterisk's own 15 s (``session_keep_alive``): a request must not meet a connection being closed."""

CONNECTIONS: Final = 16
SOCKET_BYTES: Final = 8 * 1024 * 1024

_ERRORS: Final[Mapping[int, type[AriError]]] = {
    404: AriNotFound,
    409: AriConflict,
    412: AriConflict,
    422: AriUnprocessable,
}
_MAKES_A_CHANNEL: Final = ("channels.originate", "channels.create")


class Carrier(Protocol):
    """Takes one ARI request to Asterisk and brings back status and body. Raises ``Unavailable``."""

    async def carry(self, verb: str, target: str, body: bytes | None, seconds: float) -> tuple[int, bytes]:
        """``target`` is the path below ``/ari`` with its query, percent-encoded."""
        ...


async def no_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Asterisk never redirects; whoever does is not Asterisk and shall not get our secret at another
    place.
    """
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise aiohttp.ClientResponseError(
            response.request_info, (), status=response.status, message="redirect refused"
        )
    return response


class AriHttp:
    """``Carrier`` over pooled keep-alive connections; also opens the event WebSocket.

    ``base_url`` ends with ``/ari``. The session is made at first use, inside the running loop.
    """

    def __init__(self, base_url: str, user: str, secret: str, *, connections: int = CONNECTIONS) -> None:
        url = URL(base_url)
        if url.scheme not in ("http", "https") or not url.host or url.user or url.password:
            raise ValueError("the ARI address must be http(s)://host:port/ari, with no user or secret in it")
        refuse_unsafe_text("user", user)
        refuse_unsafe_text("secret", secret)
        self._base = base_url.rstrip("/")
        token = base64.b64encode(f"{user}:{secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._connections = connections
        self._open: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<AriHttp {self._base}>"

    async def carry(self, verb: str, target: str, body: bytes | None, seconds: float) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} if body is not None else None
        url = URL(self._base + target, encoded=True)
        try:
            async with (
                asyncio.timeout(seconds),
                self._session().request(
                    verb, url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                return response.status, await response.read()
        except TimeoutError:
            raise away("ari", "deadline") from None
        except aiohttp.ClientResponseError as error:
            return error.status, b""
        except (aiohttp.ClientError, OSError) as error:
            raise away("ari", type(error).__name__) from None

    async def websocket(
        self, app: str, *, subscribe_all: bool, heartbeat_seconds: float
    ) -> aiohttp.ClientWebSocketResponse:
        """Register ``app`` and open its event stream. Raises ``aiohttp.ClientError``, ``OSError``."""
        query: dict[str, Value] = {"app": app, "subscribeAll": subscribe_all}
        url = self._base + target_of(OPERATIONS["events.websocket"], {}, query)
        return await self._session().ws_connect(
            URL(url, encoded=True),
            heartbeat=heartbeat_seconds,
            max_msg_size=SOCKET_BYTES,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
        )

    async def close(self) -> None:
        session, self._open = self._open, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:
            self._open = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_ALIVE_SECONDS),
                headers=self._headers,
                # Each request has a deadline of its own; the event stream has pings instead.
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(no_redirects,),
                trust_env=False,
            )
        return self._open


class AriCaller:
    """Operations as data in, parsed JSON or a typed error out, whatever carries them."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    async def call(
        self,
        name: str,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Value] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Raises ``Invalid`` (nothing was sent), an ``AriError``, or ``Unavailable``.

        After ``Unavailable`` with ``why=deadline`` the command may have been carried out all the same.
        """
        operation = OPERATIONS[name]
        target = target_of(operation, path or {}, query or {})
        content = None
        if body is not None:
            refuse_unsafe_tree(operation.body, body)
            # "filter" is the body itself, the others are named inside it (api-docs: paramType body).
            content = msgspec.json.encode(body if operation.body == "filter" else {operation.body: body})
        status, raw = await self._carrier.carry(operation.verb, target, content, operation.seconds)
        if 200 <= status < 300:
            return msgspec.json.decode(raw) if raw else None
        raise error_of(operation, status, raw)


def target_of(operation: Operation, path: Mapping[str, str], query: Mapping[str, Value]) -> str:
    """Path and query, percent-encoded. Raises ``Invalid`` for text that must not reach Asterisk."""
    parts: dict[str, str] = {}
    for name, value in path.items():
        refuse_unsafe_text(name, value)
        if value in ("", ".", ".."):
            raise Invalid(FieldError(name, "not_an_id"))
        parts[name] = quote(value, safe="")
    pairs: list[tuple[str, str]] = []
    for name, given in query.items():
        if name not in operation.query:
            raise TypeError(f"{operation.name} has no parameter {name}")
        text = _text_of(name, given)
        if text is not None:
            refuse_unsafe_text(name, text)
            pairs.append((name, text))
    target = operation.path.format_map(parts)
    return f"{target}?{urlencode(pairs, quote_via=quote, safe='')}" if pairs else target


def _text_of(name: str, value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if any("," in item for item in value):
        raise Invalid(FieldError(name, "comma"))
    return ",".join(value)


def refuse_unsafe_tree(field: str, value: object) -> None:
    """``refuse_unsafe_text`` for every name and value of a JSON body."""
    if isinstance(value, str):
        refuse_unsafe_text(field, value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            refuse_unsafe_text(field, name)
            refuse_unsafe_tree(name, inner)
    elif isinstance(value, Sequence):
        for inner in value:
            refuse_unsafe_tree(field, inner)


def error_of(operation: Operation, status: int, raw: bytes) -> Exception:
    """The typed error for an answer that is no success.

    A 404 without a JSON message is not about the channel: HTTP is up and ARI is not yet (Asterisk is
    booting).
    """
    message = _message_of(raw)
    if status == 404 and message is None:
        return away("ari", "booting")
    if status >= 500:
        if operation.name in _MAKES_A_CHANNEL and status == 500:
            return AriAllocationFailed(operation.name, status, message or "")
        return away("ari", f"http_{status} {message or ''}".strip())
    return _ERRORS.get(status, AriRefused)(operation.name, status, message or "")


def _message_of(raw: bytes) -> str | None:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    return str(body.get("message") or body.get("error") or "")
