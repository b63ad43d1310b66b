"""Puts the web floor together: parts in, an application out. Nothing is constructed twice or looked up later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web

from ccserver.services.accounts import Accounts
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
from ccserver.web import keys, middleware
from ccserver.web.address import Addresses
from ccserver.web.api import (
    auth,
    dids,
    docs,
    health,
    imports,
    me,
    metrics,
    phones,
    schedules,
    sites,
    trunks,
    users,
)
from ccserver.web.api import routes as outgoing
from ccserver.web.csrf import Csrf
from ccserver.web.decoding import BODY_LIMIT
from ccserver.web.i18n import Catalogues
from ccserver.web.published import Published
from ccserver.web.route import Route
from ccserver.web.routing import register
from ccserver.web.tokens import AccessTokens

ROUTES: tuple[Route, ...] = (
    *auth.ROUTES,
    *me.ROUTES,
    # Before the users and phones themselves: "import" would otherwise be taken for somebody's id.
    *imports.ROUTES,
    *users.ROUTES,
    *phones.ROUTES,
    *sites.ROUTES,
    *trunks.ROUTES,
    *dids.ROUTES,
    *schedules.ROUTES,
    *outgoing.ROUTES,
    *health.ROUTES,
    *metrics.ROUTES,
    *docs.ROUTES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """What the application serves from. ``routes``: tables of other owners (pages, calls, stream).

    ``setups`` are called with the application before it starts: they add their keys and signals.
    """

    settings: Settings
    accounts: Accounts
    sessions: Sessions
    users: Users
    phones: Phones
    imports: Imports
    sites: Sites
    trunks: Trunks
    dids: Dids
    schedules: Schedules
    outgoing_routes: Routes
    health: HealthRegistry
    catalogues: Catalogues
    routes: Sequence[Route] = ()
    setups: Sequence[Callable[[web.Application], None]] = ()
    renderer: keys.PageRenderer | None = field(default=None)


def make_app(parts: WebParts) -> web.Application:
    """The application, ready to run. Raises ValueError for a JWT secret that is too short."""
    app = web.Application(
        middlewares=[middleware.request_context, middleware.who], client_max_size=BODY_LIMIT
    )
    settings = parts.settings
    app[keys.SETTINGS] = settings
    app[keys.ACCOUNTS] = parts.accounts
    app[keys.SESSIONS] = parts.sessions
    app[keys.USERS] = parts.users
    app[keys.PHONES] = parts.phones
    app[keys.IMPORTS] = parts.imports
    app[keys.SIP_PLACE] = SipPlace(settings, urlsplit(settings.public_url).hostname or "")
    app[keys.SITES] = parts.sites
    app[keys.TRUNKS] = parts.trunks
    app[keys.DIDS] = parts.dids
    app[keys.SCHEDULES] = parts.schedules
    app[keys.OUTGOING_ROUTES] = parts.outgoing_routes
    app[keys.HEALTH] = parts.health
    app[keys.CATALOGUES] = parts.catalogues
    app[keys.ADDRESSES] = Addresses(settings.trusted_proxies, settings.public_url)
    app[keys.CSRF] = Csrf(settings.jwt_secret)
    app[keys.ACCESS_TOKENS] = AccessTokens(settings.jwt_secret, settings.access_token_minutes)
    if parts.renderer is not None:
        app[keys.RENDERER] = parts.renderer
    routes = (*ROUTES, *parts.routes)
    app[keys.ROUTES] = routes
    app[keys.PUBLISHED] = Published()
    register(app, routes)
    for setup in parts.setups:
        setup(app)
    app.on_response_prepare.append(middleware.safe_headers)
    return app
