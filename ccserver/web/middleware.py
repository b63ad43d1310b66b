"""Around every request: an id on each log line, who the caller is, safe headers, errors told as problems."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import structlog
from aiohttp import web
from prometheus_client import Counter, Histogram

from ccserver.domain.errors import DomainError, Forbidden, Unauthenticated, Unavailable
from ccserver.logs import bound
from ccserver.web import auth, keys, problem
from ccserver.web.rendering import content_security_policy
from ccserver.web.route import Route
from ccserver.web.routing import route_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUESTS = Histogram(
    "ccserver_http_request_seconds",
    "Time from request to answer, by route template",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
FAILURES = Counter("ccserver_http_failures_total", "Requests that ended in an internal error", ["route"])

_SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_NO_LOOKUP = "/static/"
_log = structlog.get_logger(__name__)


@web.middleware
async def request_context(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost: names the request, times it, and turns whatever goes wrong into an answer."""
    given = request.headers.get("X-Request-Id", "")
    request[keys.REQUEST_ID] = given if _SAFE_ID.fullmatch(given) else secrets.token_hex(8)
    request[keys.CSP_NONCE] = secrets.token_urlsafe(16)
    languages = request.headers.get("Accept-Language", "")
    request[keys.LOCALE] = request.app[keys.CATALOGUES].negotiate(languages)
    started = time.perf_counter()
    template = _template(request)
    with bound(request_id=request[keys.REQUEST_ID]):
        response = await _guarded(request, handler, template)
        seconds = time.perf_counter() - started
        REQUESTS.labels(request.method, template, str(response.status)).observe(seconds)
        _log.debug(
            "request",
            method=request.method,
            route=template,
            status=response.status,
            milliseconds=round(seconds * 1000, 1),
        )
    return response


async def _guarded(request: web.Request, handler: Handler, template: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        told = problem.from_http(error.status, request.app[keys.CATALOGUES], *_reader(request))
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _tell(request, told, headers)
    except DomainError as error:
        if redirect := _page_redirect(request, error):
            return redirect
        told = problem.from_domain(error, request.app[keys.CATALOGUES], *_reader(request))
        return _tell(request, told, problem.headers_of(error))
    except ConnectionError:
        # The client went away while we were answering: nobody is left to tell.
        raise
    except Exception:
        FAILURES.labels(template).inc()
        _log.exception("request failed", method=request.method, route=template)
        told = problem.from_http(500, request.app[keys.CATALOGUES], *_reader(request))
        return _tell(request, told, {})


@web.middleware
async def who(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Sets ``request[keys.ACTOR]`` and the reader's language; what was wrong is kept for routes that care."""
    if not request.path.startswith(_NO_LOOKUP):
        try:
            actor = await auth.authenticate(request)
        except (Unauthenticated, Unavailable) as error:
            request[keys.AUTH_ERROR] = error
        else:
            request[keys.ACTOR] = actor
            request[keys.LOCALE] = actor.locale
            with bound(user_id=str(actor.user_id), tenant_id=str(actor.tenant_id)):
                return await handler(request)
    return await handler(request)


async def safe_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Headers of every response, streams and errors included."""
    headers = response.headers
    nonce = keys.nonce_of(request)
    headers["X-Request-Id"] = keys.request_id_of(request)
    headers["Server"] = "ccserver"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(self), payment=(), usb=()"
    if response.content_type == "text/html":
        headers.setdefault("Content-Security-Policy", content_security_policy(nonce))
    else:
        headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    headers.setdefault("Cache-Control", "no-store")
    if request.app[keys.ADDRESSES].is_secure(request):
        headers["Strict-Transport-Security"] = "max-age=31536000"


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "(none)"


def _reader(request: web.Request) -> tuple[str, str]:
    return keys.locale_of(request), keys.request_id_of(request)


def _wants_page(request: web.Request) -> bool:
    route = route_of(request)
    if route is not None:
        return bool(route.page)
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def _tell(request: web.Request, told: problem.Problem, headers: dict[str, str]) -> web.StreamResponse:
    if _wants_page(request) and keys.RENDERER in request.app:
        try:
            page = request.app[keys.RENDERER].error(request, told)
        except Exception:
            _log.exception("error page failed")
        else:
            page.headers.update(headers)
            return page
    return problem.respond(told, headers)


def _page_redirect(request: web.Request, error: DomainError) -> web.Response | None:
    """Where somebody who opened a page is sent to put things right, None when it is not as simple."""
    route: Route | None = route_of(request)
    if route is None or not route.page:
        return None
    if isinstance(error, Unauthenticated):
        reason = "" if error.code == "unauthenticated" else f"&reason={quote(error.code)}"
        target = f"/login?next={quote(request.rel_url.raw_path_qs, safe='')}{reason}"
    elif isinstance(error, Forbidden) and error.code == "must_change_password":
        target = "/password"
    else:
        return None
    return web.Response(status=303, headers={"Location": target})
