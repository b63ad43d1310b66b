"""Settings, read once from the environment into one frozen object; the README's table lists them."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
# A name whose last part is all digits is a mistyped IPv4 address.
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?!(?:.*\.)?[0-9]+\Z){_LABEL}(?:\.{_LABEL})*")


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the server is told from outside. Secrets never appear in ``repr``."""

    database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    jwt_secret: str = field(default="", repr=False)
    secrets_key: str = field(default="", repr=False)
    bootstrap_password: str = field(default="", repr=False)
    access_token_minutes: int = 15
    session_hours: int = 16
    session_outage_minutes: int = 240
    host: str = "127.0.0.1"
    port: int = 1128
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    role: str = "all"
    node: str = ""
    data_dir: Path = Path("data")
    backup_dir: Path | None = None
    sip_server: str = ""
    sip_port: int = 0
    sip_transport: str = "udp"
    asterisk_host: str = "127.0.0.1"
    ami_port: int = 5038
    ami_user: str = "ccserver"
    ami_secret: str = field(default="", repr=False)
    ari_url: str = "http://127.0.0.1:8088/ari"
    ari_user: str = "ccserver"
    ari_secret: str = field(default="", repr=False)
    ari_app: str = "ccserver"
    asterisk_cel_file: Path | None = None
    asterisk_apply: str = "manual"
    log_format: str = "text"
    log_level: str = "INFO"
    development: bool = False

    def with_role(self, role: str) -> "Settings":
        """The same settings for another role: all, web or telephony."""
        return replace(self, role=role)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the web port: on loopback, and no proxy brings others in."""
        beyond = bool(self.public_url or self.trusted_proxies)
        return self.host in ("127.0.0.1", "::1", "localhost") and not beyond


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    raw = env.get(name, "")
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise SettingsError(f"{name}={raw!r} is not a whole number") from None
    if not low <= value <= high:
        raise SettingsError(f"{name}={value} is outside {low}..{high}")
    return value


def _choice(env: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env.get(name, "") or default
    if value not in choices:
        raise SettingsError(f"{name}={value!r} is not one of {', '.join(choices)}")
    return value


def _networks(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks = tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise SettingsError(f"{name}: {network!r} is not an IP address or network") from None
    return networks


def _host(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    try:
        return str(ipaddress.ip_address(value)) if value else ""
    except ValueError:
        if _HOST_NAME.fullmatch(value):
            return value
    raise SettingsError(f"{name}={value!r} is not a host name or an IP address")


def _url(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise SettingsError(f"{name}={value!r} is not an address such as https://calls.example.org")
    return value


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``env`` (the process environment by default). Raises SettingsError."""
    env = os.environ if env is None else env
    cel = env.get("ASTERISK_CEL_FILE", "")
    backups = env.get("CCSERVER_BACKUPS", "")
    return Settings(
        database_url=env.get("DATABASE_URL", ""),
        redis_url=env.get("REDIS_URL", ""),
        jwt_secret=env.get("JWT_SECRET", ""),
        secrets_key=env.get("SECRETS_KEY", ""),
        bootstrap_password=env.get("BOOTSTRAP_PASSWORD", ""),
        access_token_minutes=_integer(env, "ACCESS_TOKEN_EXPIRE_MINUTES", 15, 1, 1440),
        session_hours=_integer(env, "SESSION_EXPIRE_HOURS", 16, 1, 720),
        session_outage_minutes=_integer(env, "SESSION_OUTAGE_MINUTES", 240, 0, 1440),
        host=env.get("CCSERVER_HOST", "127.0.0.1"),
        port=_integer(env, "CCSERVER_PORT", 1128, 0, 65535),
        public_url=_url(env, "PUBLIC_URL"),
        trusted_proxies=_networks(env, "TRUSTED_PROXIES"),
        role=_choice(env, "CCSERVER_ROLE", "all", ("all", "web", "telephony")),
        node=env.get("CCSERVER_NODE", ""),
        data_dir=Path(env.get("CCSERVER_DATA", "data")),
        backup_dir=Path(backups) if backups else None,
        sip_server=_host(env, "SIP_SERVER"),
        sip_port=_integer(env, "SIP_PORT", 0, 1, 65535),
        sip_transport=_choice(env, "SIP_TRANSPORT", "udp", ("udp", "tcp", "tls")),
        asterisk_host=env.get("ASTERISK_HOST", "127.0.0.1"),
        ami_port=_integer(env, "AMI_PORT", 5038, 1, 65535),
        ami_user=env.get("AMI_USER", "ccserver"),
        ami_secret=env.get("AMI_SECRET", ""),
        ari_url=env.get("ARI_URL", "http://127.0.0.1:8088/ari"),
        ari_user=env.get("ARI_USER", "ccserver"),
        ari_secret=env.get("ARI_SECRET", ""),
        ari_app=env.get("ARI_APP", "ccserver"),
        asterisk_cel_file=Path(cel) if cel else None,
        asterisk_apply=_choice(env, "ASTERISK_APPLY", "manual", ("manual", "automatic")),
        log_format=_choice(env, "LOG_FORMAT", "text", ("text", "json")),
        log_level=_choice(
            {"LOG_LEVEL": env.get("LOG_LEVEL", "").upper()},
            "LOG_LEVEL",
            "INFO",
            ("DEBUG", "INFO", "WARNING", "ERROR"),
        ),
        development=env.get("CCSERVER_DEVELOPMENT", "") not in ("", "0"),
    )
