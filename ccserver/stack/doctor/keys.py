"""Secrets: there, long enough, nobody's default, not the same twice, and not readable by others."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ccserver.domain.errors import Invalid
from ccserver.domain.passwords import check_password
from ccserver.settings import Settings
from ccserver.stack.doctor.finding import Finding, bad, good, unknown

LONG: Final = 32
_ACCOUNT_LENGTH: Final = 16
_SIGNS: Final = 8
_WELL_KNOWN: Final = re.compile(
    r"change.?me|change.?this|secret|password|passw0rd|default|example|asterisk|amp111|mysecret|ccserver|test|admin|"
    r"(0123456789|1234567890|abcdef){2}",
    re.IGNORECASE,
)


def weakness(value: str, length: int = LONG) -> str:
    """Why this is no secret, or nothing. The value itself is never repeated."""
    if not value:
        return "not set"
    if len(value) < length:
        return f"only {len(value)} characters, {length} are needed"
    if len(set(value)) < _SIGNS:
        return "made of a few characters over and over"
    # A word that stands in a longer random text by chance is no weakness: what is left must be long enough itself.
    if len(_WELL_KNOWN.sub("", value)) < length // 2:
        return "a well-known default"
    return ""


def check_secrets(settings: Settings) -> Iterator[Finding]:
    """JWT_SECRET, SECRETS_KEY, BOOTSTRAP_PASSWORD, AMI_SECRET and ARI_SECRET."""
    yield from _server_secrets(settings)
    yield _first_password(settings)
    for name, value in (("AMI_SECRET", settings.ami_secret), ("ARI_SECRET", settings.ari_secret)):
        why = weakness(value, _ACCOUNT_LENGTH)
        if settings.role == "web":
            yield good(name, "not needed by a web node")
        elif why:
            yield bad(name, why, f"openssl rand -hex 24, in {name} and in Asterisk's configuration")
        else:
            yield good(name, "set, and no default")
    if settings.ami_secret and settings.ami_secret == settings.ari_secret:
        yield bad("AMI and ARI", "share one secret", "give each its own: who learns one has the other too")
    yield _development(settings)


def _server_secrets(settings: Settings) -> Iterator[Finding]:
    made = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
    why = weakness(settings.jwt_secret)
    if why:
        yield bad("JWT_SECRET", why, f"{made}; everybody logs in again")
    else:
        yield good("JWT_SECRET", "set, and no default")
    keys = [key.strip() for key in settings.secrets_key.split(",")]
    whys = [why for why in map(weakness, keys) if why]
    if whys:
        yield bad("SECRETS_KEY", whys[0], f"{made}, in front of the old one with a comma")
    elif settings.jwt_secret in keys:
        yield bad("SECRETS_KEY", "the same as JWT_SECRET", f"{made}, in front of the old one with a comma")
    else:
        yield good(
            "SECRETS_KEY", "set, and no default" if len(keys) == 1 else f"{len(keys)} keys, none a default"
        )


def _first_password(settings: Settings) -> Finding:
    name = "BOOTSTRAP_PASSWORD"
    if not settings.bootstrap_password:
        if settings.is_loopback:
            # Only before the first start is that a risk; afterwards the line "first account" knows better.
            return good(name, "not set: on loopback the first account begins as admin / admin")
        return good(name, "not set: the first password is made up and printed once")
    try:
        check_password(settings.bootstrap_password, "admin")
    except Invalid as error:
        return bad(name, error.errors[0].code.replace("_", " "), "choose a better one, or unset it")
    return good(name, "set, and no default")


def _development(settings: Settings) -> Finding:
    if settings.development:
        return bad("CCSERVER_DEVELOPMENT", "on: errors show how the server is made", "unset it")
    return good("CCSERVER_DEVELOPMENT", "off")


def check_secret_file(settings: Settings) -> Finding:
    """The file of generated secrets, where there is one."""
    path = settings.data_dir / "secrets.json"
    return private_file("secrets.json", path) if path.exists() else good("secrets.json", "not used")


def private_file(name: str, path: Path) -> Finding:
    """Whether only its owner may read a file."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return unknown(name, f"{path}: {error.strerror}")
    if mode & 0o077:
        return bad(name, f"{path} may be read by others (mode {mode:03o})", f"chmod 600 {path}")
    return good(name, f"{path} is its owner's only")
