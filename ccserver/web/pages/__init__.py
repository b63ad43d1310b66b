"""Server-rendered shells. ``setup_pages`` gives the application its static files and its page renderer."""

from aiohttp import web

from ccserver.web import keys
from ccserver.web.assets import Assets, setup_assets
from ccserver.web.i18n import Catalogues
from ccserver.web.pages import admin, gate, pbx, sites, work
from ccserver.web.pages.renderer import Pages
from ccserver.web.rendering import Renderer

ROUTES = (*gate.ROUTES, *work.ROUTES, *admin.ROUTES, *sites.ROUTES, *pbx.ROUTES)


def setup_pages(app: web.Application, catalogues: Catalogues, *, development: bool) -> None:
    """Static files under /static/ and the renderer under its key; the routes are registered with the others."""
    assets = Assets(watch=development)
    setup_assets(app, assets)
    app[keys.RENDERER] = Pages(Renderer(assets, catalogues))
