"""Whether a request that opens a stream comes from our own pages."""

from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from ccserver.domain.errors import Forbidden

IsOwnOrigin = Callable[[web.Request, str], bool]
"""Whether an Origin header names this server."""

_SAME_SITE = ("same-origin", "none")


def is_own_host(request: web.Request, origin: str) -> bool:
    """Whether the Origin is the host that was asked for; enough where no proxy renames it."""
    try:
        return urlsplit(origin).netloc.lower() == request.host.lower()
    except ValueError:
        return False


def check_origin(request: web.Request, is_own: IsOwnOrigin) -> None:
    """Refuse a cookie client that another site's page has opened. Raises Forbidden csrf, 405 for a HEAD.

    Browsers send cookies along with WebSockets of any page, so the Origin must be ours. Bearer clients are not
    browsers that act on somebody's behalf and need none.
    """
    if request.method != hdrs.METH_GET:  # routes of GET answer HEAD as well; a stream has none
        raise web.HTTPMethodNotAllowed(request.method, [hdrs.METH_GET])
    if request.headers.get(hdrs.AUTHORIZATION):
        return
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        # Browsers always send it with a WebSocket; for an event stream of the same site they leave it out.
        if hdrs.UPGRADE in request.headers or request.headers.get("Sec-Fetch-Site", "none") not in _SAME_SITE:
            raise Forbidden("csrf")
    elif not is_own(request, origin):
        raise Forbidden("csrf")
