"""Where the application keeps its parts, and where a request keeps what the middleware found out.

Handlers reach parts by these keys only. Each owner of a part adds its key here.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from aiohttp import web

from ccserver.domain.access import Actor
from ccserver.domain.errors import DomainError
from ccserver.live.view import LiveView
from ccserver.services.accounts import Accounts
from ccserver.services.calls import Calls
from ccserver.services.config import Config
from ccserver.services.dids import Dids
from ccserver.services.health import HealthRegistry
from ccserver.services.imports import Imports
from ccserver.services.phones import Phones
from ccserver.services.provisioning import SipPlace
from ccserver.services.routes import Routes
from ccserver.services.schedules import Schedules
from ccserver.services.sessions import Sessions
from ccserver.services.sites import Sites
from ccserver.services.trunks import Trunks
from ccserver.services.users import Users
from ccserver.settings import Settings
from ccserver.web.address import Addresses
from ccserver.web.csrf import Csrf
from ccserver.web.i18n import DEFAULT, Catalogues
from ccserver.web.problem import Problem
from ccserver.web.published import Published
from ccserver.web.route import Route
from ccserver.web.tokens import AccessTokens


class PageRenderer(Protocol):
    """Turns what a page's handler returned, or a problem, into HTML; given by whoever owns the pages."""

    @property
    def watching(self) -> bool:
        """Whether templates may change while the server runs: nothing that was rendered may be kept."""
        ...

    def page(self, request: web.Request, template: str, value: Any) -> web.StreamResponse: ...

    def text(self, template: str, value: Any) -> str:
        """The page's text alone; may be called in a thread."""
        ...

    def error(self, request: web.Request, told: Problem) -> web.StreamResponse: ...


SETTINGS = web.AppKey("SETTINGS", Settings)
ACCOUNTS = web.AppKey("ACCOUNTS", Accounts)
SESSIONS = web.AppKey("SESSIONS", Sessions)
USERS = web.AppKey("USERS", Users)
SITES = web.AppKey("SITES", Sites)
TRUNKS = web.AppKey("TRUNKS", Trunks)
DIDS = web.AppKey("DIDS", Dids)
SCHEDULES = web.AppKey("SCHEDULES", Schedules)
OUTGOING_ROUTES = web.AppKey("OUTGOING_ROUTES", Routes)
PHONES = web.AppKey("PHONES", Phones)
IMPORTS = web.AppKey("IMPORTS", Imports)
SIP_PLACE = web.AppKey("SIP_PLACE", SipPlace)
CALLS = web.AppKey("CALLS", Calls)
CONFIG = web.AppKey("CONFIG", Config)
LIVE = web.AppKey("LIVE", LiveView)
HEALTH = web.AppKey("HEALTH", HealthRegistry)
CATALOGUES = web.AppKey("CATALOGUES", Catalogues)
RENDERER: web.AppKey[PageRenderer] = web.AppKey("RENDERER")
ROUTES: web.AppKey[Sequence[Route]] = web.AppKey("ROUTES")
PUBLISHED = web.AppKey("PUBLISHED", Published)
ADDRESSES = web.AppKey("ADDRESSES", Addresses)
CSRF = web.AppKey("CSRF", Csrf)
ACCESS_TOKENS = web.AppKey("ACCESS_TOKENS", AccessTokens)


ACTOR = web.RequestKey("ACTOR", Actor)
AUTH_ERROR = web.RequestKey("AUTH_ERROR", DomainError)
LOCALE = web.RequestKey("LOCALE", str)
REQUEST_ID = web.RequestKey("REQUEST_ID", str)
CSP_NONCE = web.RequestKey("CSP_NONCE", str)


def actor_of(request: web.Request) -> Actor | None:
    """Who the middleware found, None when nobody is logged in."""
    found: Actor | None = request.get(ACTOR)
    return found


def locale_of(request: web.Request) -> str:
    """The reader's language: the user's own, else Accept-Language, else French."""
    found: str = request.get(LOCALE, DEFAULT)
    return found


def request_id_of(request: web.Request) -> str:
    """The request's id, as on its log lines and in the X-Request-Id header."""
    found: str = request.get(REQUEST_ID, "")
    return found


def nonce_of(request: web.Request) -> str:
    """The nonce that inline scripts and styles of this response must carry."""
    found: str = request.get(CSP_NONCE, "")
    return found
