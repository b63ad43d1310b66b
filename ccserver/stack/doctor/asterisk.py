"""Asterisk: reached by AMI and ARI, new enough, with the modules that calls need, its trunks up."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from ccserver.domain.errors import Invalid, Unavailable
from ccserver.settings import Settings
from ccserver.stack.doctor.exposure import check_exposure
from ccserver.stack.doctor.finding import Finding, advice, bad, good, unknown
from ccserver.telephony.ami import AmiLink
from ccserver.telephony.ari_http import AriHttp
from ccserver.telephony.errors import AmiError

OLDEST: Final = 20
NEEDED_MODULES: Final = (
    "chan_pjsip",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_sdp_rtp",
    "res_pjsip_registrar",
    "res_pjsip_authenticator_digest",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_outbound_registration",
    "res_rtp_asterisk",
    "res_srtp",
    "res_stasis",
    "res_stasis_answer",
    "res_stasis_playback",
    "res_stasis_recording",
    "res_ari",
    "res_ari_applications",
    "res_ari_asterisk",
    "res_ari_bridges",
    "res_ari_channels",
    "res_ari_endpoints",
    "res_ari_events",
    "app_stasis",
    "app_dial",
    "pbx_config",
    "bridge_simple",
    "codec_alaw",
    "codec_ulaw",
    "cel_custom",
)
"""Without one of these a call cannot be placed, joined, or told."""
_SECONDS: Final = 8.0


async def check_asterisk(
    settings: Settings, trunks: Sequence[tuple[str, str]] | None
) -> AsyncIterator[Finding]:
    """Every look at Asterisk. ``trunks``: slug and mode of those in use, None when the database was not reached."""
    if settings.role == "web":
        yield good("Asterisk", "not needed by a web node")
        return
    if not settings.ami_secret:
        yield bad("Asterisk", "AMI_SECRET is not set: which Asterisk?", "set AMI_SECRET and ARI_SECRET")
        return
    registrations: Mapping[str, str] | None = None
    async for item in _by_ami(settings):
        if isinstance(item, Finding):
            yield item
        else:
            registrations = item
    endpoints = None
    async for found in _by_ari(settings):
        if isinstance(found, Finding):
            yield found
        else:
            endpoints = found
    yield await asyncio.to_thread(
        check_exposure, "AMI", settings.asterisk_host, settings.ami_port, "manager.conf (bindaddr)"
    )
    ari = urlsplit(settings.ari_url)
    yield await asyncio.to_thread(
        check_exposure,
        "ARI",
        ari.hostname or "",
        ari.port or 8088,
        "http.conf (bindaddr), with the proxy in front of /ws",
    )
    for finding in _trunks(trunks, endpoints, registrations):
        yield finding
    yield await asyncio.to_thread(_event_log, settings)


async def _by_ami(settings: Settings) -> AsyncIterator[Finding | Mapping[str, str]]:
    """Findings, and at the end what became of each registration."""
    where = f"{settings.asterisk_host}:{settings.ami_port}"
    heard = asyncio.Event()
    try:
        link = AmiLink(
            *(settings.asterisk_host, settings.ami_port, settings.ami_user, settings.ami_secret),
            lambda _: heard.set(),
            time.time,
        )
    except Invalid:
        yield bad("AMI", "AMI_USER or AMI_SECRET cannot be sent: control characters", "mend them")
        return
    await link.start()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS):
                await heard.wait()
        if not link.up:
            yield bad(
                "AMI",
                f"{where}: {link.reason or 'no answer'}",
                "start Asterisk, or mend ASTERISK_HOST and AMI_*",
            )
            return
        yield good("AMI", f"{where}: logged in as {settings.ami_user}")
        yield _version((await link.action("CoreSettings")).get("AsteriskVersion", "?"))
        yield await _modules(link)
        rows = await link.action_list("PJSIPShowRegistrationsOutbound")
        yield {str(row.get("ObjectName", "")): str(row.get("Status", "")) for row in rows}
    except (AmiError, Unavailable) as error:
        yield unknown(
            "AMI", f"refused a question ({error})", "give the AMI user read and write = system,reporting"
        )
    finally:
        await link.close()


def _version(version: str) -> Finding:
    major = version.removeprefix("certified/").split(".")[0].split("-")[0]
    if not major.isdigit() or int(major) < OLDEST:
        return bad("Asterisk version", version, f"install Asterisk {OLDEST} or newer (tested with 22)")
    return good("Asterisk version", version)


async def _modules(link: AmiLink) -> Finding:
    missing = []
    for module in NEEDED_MODULES:
        try:
            await link.action("ModuleCheck", Module=module)
        except AmiError:
            missing.append(module)
    if missing:
        return bad(
            "Asterisk modules",
            f"not loaded: {', '.join(missing)}",
            "load them in modules.conf, and restart Asterisk",
        )
    return good("Asterisk modules", f"all {len(NEEDED_MODULES)} that calls need are loaded")


async def _by_ari(settings: Settings) -> AsyncIterator[Finding | dict[str, str]]:
    """Findings, and at the end the state of each SIP endpoint."""
    try:
        http = AriHttp(settings.ari_url, settings.ari_user, settings.ari_secret)
    except (ValueError, Invalid) as error:
        yield bad("ARI", str(error), "mend ARI_URL, ARI_USER or ARI_SECRET")
        return
    try:
        status, _ = await http.carry("GET", "/asterisk/ping", None, _SECONDS)
        if status != 200:
            yield bad("ARI", f"{settings.ari_url} answers {status}", _mend_of(status))
            return
        yield good("ARI", f"{settings.ari_url}: logged in as {settings.ari_user}")
        status, body = await http.carry("GET", "/endpoints/PJSIP", None, _SECONDS)
        rows: list[dict[str, Any]] = json.loads(body) if status == 200 else []
        yield {str(row["resource"]): str(row.get("state", "unknown")) for row in rows}
    except (Unavailable, ValueError):
        yield bad("ARI", f"{settings.ari_url} does not answer", "start Asterisk, or mend ARI_URL")
    finally:
        await http.close()


def _mend_of(status: int) -> str:
    if status == 401:
        return "ARI_USER and ARI_SECRET must be those of ari.conf"
    return "res_ari must be loaded (modules.conf), and ARI_URL end with /ari"


def _trunks(
    trunks: Sequence[tuple[str, str]] | None,
    endpoints: Mapping[str, str] | None,
    registrations: Mapping[str, str] | None,
) -> list[Finding]:
    if trunks is None or endpoints is None:
        return [unknown("trunks", "the database or ARI was not reached")]
    if not trunks:
        return [advice("trunks", "none: nobody can call out or in", "enter a site's trunk on the page Sites")]
    return [_trunk(slug, mode, endpoints, registrations or {}) for slug, mode in trunks]


def _trunk(slug: str, mode: str, endpoints: Mapping[str, str], registrations: Mapping[str, str]) -> Finding:
    name, endpoint = f"trunk {slug}", f"trunk-{slug}"
    state = endpoints.get(endpoint)
    if state is None:
        return bad(name, "Asterisk does not know it", "apply the configuration: ccserver asterisk apply")
    if mode == "register":
        found = next((value for key, value in registrations.items() if key.startswith(endpoint)), "none")
        if found != "Registered":
            return bad(
                name,
                f"is not registered at its provider (Asterisk: {found or 'no answer yet'})",
                "check user, secret and address; the provider's own page may tell",
            )
    if state == "offline":
        return bad(
            name,
            "does not answer to OPTIONS",
            "check the VPN, the gateway, and its list of allowed addresses",
        )
    if state != "online":
        return advice(
            name, f"state {state}: it is not watched", "give it a keep-alive (qualify) other than 0"
        )
    return good(name, "registered, and answers" if mode == "register" else "answers")


def _event_log(settings: Settings) -> Finding:
    """Calls of the time when the server was away enter the history from this file."""
    name, path = "Asterisk's event log", settings.asterisk_cel_file
    mend = "ASTERISK_CEL_FILE=<astlogdir>/cel-custom/cel.csv: else calls during an outage never enter the history"
    if path is None:
        return advice(name, "ASTERISK_CEL_FILE is not set", mend)
    try:
        with path.open("rb"):
            return good(name, f"{path} can be read")
    except OSError as error:
        return bad(name, f"{path}: {error.strerror}", mend)
