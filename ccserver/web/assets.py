"""Static files: read once, compressed once, served under URLs that change with their content.

No build step: modules are the files of the tree, joined by an import map; the style sheets are joined in the
order of their layers. A URL with the right ``v`` is immutable for a year; any other is revalidated.
"""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

WEB_ROOT = Path(__file__).resolve().parents[2] / "web"
PREFIX = "/static/"
STYLESHEET = "css/ccserver.css"
"""Virtual: every file below css/, joined. It lives in css/ so that url() in the parts stays relative."""

_STYLE_ORDER = ("css/tokens.css", "css/base.css", "css/layout.css", "css/components/", "css/pages/")
_URL = re.compile(r'url\("(\.\./[^"?#]+)"\)')
_COMPRESSED = {".css", ".js", ".svg", ".txt", ".json", ".webmanifest"}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file ready to send."""

    body: bytes
    compressed: bytes | None
    content_type: str
    digest: str


def _stamp(paths: list[Path]) -> tuple[tuple[str, int, int], ...]:
    """What tells a tree of files from the one before: two writes within one tick of the disk's clock differ in size."""
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)


def _asset(path: str, body: bytes) -> Asset:
    suffix = Path(path).suffix
    content_type = mimetypes.types_map.get(suffix, "application/octet-stream")
    if suffix == ".js":
        content_type = "text/javascript"
    elif suffix == ".woff2":
        content_type = "font/woff2"
    compressed = gzip.compress(body, 9, mtime=0) if suffix in _COMPRESSED else None
    return Asset(body, compressed, content_type, hashlib.sha256(body).hexdigest()[:12])


class Assets:
    """The static tree. ``watch`` (development): changed files are seen without a restart."""

    def __init__(self, root: Path = WEB_ROOT / "static", *, watch: bool = False) -> None:
        self._root = root
        self._watch = watch
        self._stamp: tuple[tuple[str, int, int], ...] = ()
        self._files: dict[str, Asset] = {}
        self._load()

    def _paths(self) -> list[Path]:
        return sorted(p for p in self._root.rglob("*") if p.is_file())

    def _load(self) -> None:
        paths = self._paths()
        files = {}
        for path in paths:
            name = path.relative_to(self._root).as_posix()
            files[name] = _asset(name, path.read_bytes())
        self._stamp = _stamp(paths)
        self._files = files
        self._files[STYLESHEET] = _asset(STYLESHEET, self._joined_styles())

    def _joined_styles(self) -> bytes:
        names = [name for prefix in _STYLE_ORDER for name in self._files if name.startswith(prefix)]
        text = "\n".join(self._files[name].body.decode() for name in names)
        # Fonts and images named by a style sheet get their content's URL too.
        return _URL.sub(lambda m: f'url("{self.url(m[1].lstrip("./"))}")', text).encode()

    def refresh(self) -> None:
        """In development, read the tree again if a file changed."""
        if self._watch and _stamp(self._paths()) != self._stamp:
            self._load()

    @property
    def watching(self) -> bool:
        """Whether files are read again when they change."""
        return self._watch

    def names(self, prefix: str = "") -> list[str]:
        """Names of the files below ``prefix``, relative to the tree."""
        return [name for name in self._files if name.startswith(prefix)]

    def text(self, name: str) -> str:
        """A file's text; KeyError when there is none."""
        return self._files[name].body.decode()

    def url(self, name: str) -> str:
        """The URL of a file, with its content's digest; KeyError for a file that does not exist."""
        return f"{PREFIX}{name}?v={self._files[name].digest}"

    def import_map(self) -> dict[str, dict[str, str]]:
        """``lib/socket`` -> the hashed URL of js/lib/socket.js, for every module."""
        return {"imports": {name[3:-3]: self.url(name) for name in self.names("js/") if name.endswith(".js")}}

    def module_urls(self, *folders: str) -> list[str]:
        """Hashed URLs of the modules in some folders of js/, to be preloaded."""
        return [self.url(n) for f in folders for n in self.names(f"js/{f}/") if n.endswith(".js")]

    async def favicon(self, request: web.Request) -> web.Response:
        """Handler of ``/favicon.ico``."""
        return self._send(request, "favicon.svg")

    async def serve(self, request: web.Request) -> web.Response:
        """Handler of ``/static/{name:.+}``."""
        self.refresh()
        return self._send(request, request.match_info["name"])

    def _send(self, request: web.Request, name: str) -> web.Response:
        asset = self._files.get(name)
        if asset is None:
            raise web.HTTPNotFound
        etag = f'"{asset.digest}"'
        known = request.query.get("v") == asset.digest
        headers = {
            "ETag": etag,
            "Cache-Control": _FOREVER if known else "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        body = asset.body
        if asset.compressed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = asset.compressed
            headers["Content-Encoding"] = "gzip"
        charset = "utf-8" if asset.content_type.startswith("text/") else None
        return web.Response(body=body, content_type=asset.content_type, charset=charset, headers=headers)


def setup_assets(app: web.Application, assets: Assets) -> None:
    """Mount the tree."""
    app.router.add_get(PREFIX + "{name:.+}", assets.serve)
    # Asked for by browsers on whatever has no <link rel="icon"> (the API's page, a bare JSON answer).
    app.router.add_get("/favicon.ico", assets.favicon)
