"""The three cookies of a browser session."""

from uuid import UUID

from aiohttp import web

from ccserver.web import keys

ACCESS = "ccs_access"
REFRESH = "ccs_refresh"
CSRF = "ccs_csrf"
REFRESH_PATH = "/api/auth"
"""The refresh token travels to these routes only."""


def set_session(request: web.Request, response: web.Response, session_id: UUID, refresh: str) -> None:
    """Give the browser a session: access and refresh tokens that scripts cannot read, a CSRF token they can."""
    secure = request.app[keys.ADDRESSES].is_secure(request)
    lifetime = request.app[keys.SETTINGS].session_hours * 3600
    tokens = request.app[keys.ACCESS_TOKENS]
    response.set_cookie(
        ACCESS,
        tokens.sign(session_id),
        max_age=tokens.seconds,
        httponly=True,
        secure=secure,
        samesite="Lax",
        path="/",
    )
    response.set_cookie(
        REFRESH,
        refresh,
        max_age=lifetime,
        httponly=True,
        secure=secure,
        samesite="Strict",
        path=REFRESH_PATH,
    )
    response.set_cookie(
        CSRF,
        request.app[keys.CSRF].token(session_id),
        max_age=lifetime,
        secure=secure,
        samesite="Strict",
        path="/",
    )


def clear_session(request: web.Request, response: web.StreamResponse) -> None:
    """Take the session's cookies back."""
    secure = request.app[keys.ADDRESSES].is_secure(request)
    response.del_cookie(ACCESS, path="/", secure=secure, httponly=True, samesite="Lax")
    response.del_cookie(REFRESH, path=REFRESH_PATH, secure=secure, httponly=True, samesite="Strict")
    response.del_cookie(CSRF, path="/", secure=secure, samesite="Strict")
