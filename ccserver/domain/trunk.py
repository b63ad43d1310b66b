"""What a trunk may be: presets of gateways and operators, and every value checked before anybody stores it."""

from collections.abc import Sequence
from typing import Final

import msgspec

from ccserver.domain.account import TrunkRow
from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.network import is_address, read_host, read_networks, within
from ccserver.domain.pbx_values import ACCOUNT, DIAL_PREFIX, TRUNK_SECRET
from ccserver.domain.site import read_codecs, slug_errors


class TrunkPreset(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind of gateway or operator usually wants; ``needs``: the fields that only its owner can know.

    ``in_vpn``: it stands at the site, so its address lies in one of the site's networks.
    """

    preset: str
    mode: str = "peer"
    host: str = ""
    port: int = 5060
    transport: str = "udp"
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    from_domain: str = ""
    number_format: str = "national"
    dial_prefix: str = ""
    qualify_seconds: int = 10
    needs: tuple[str, ...] = ("host",)
    in_vpn: bool = False


PRESETS: Final = {
    made.preset: made
    for made in (
        TrunkPreset(preset="yeastar_s", in_vpn=True),
        TrunkPreset(preset="yeastar_p", in_vpn=True),
        # An operator is asked less often: it counts every OPTIONS, and may take many for an attack.
        TrunkPreset(
            preset="ovh",
            mode="register",
            host="siptrunk.ovh.net",
            from_domain="siptrunk.ovh.net",
            qualify_seconds=30,
            needs=("username", "secret"),
        ),
        TrunkPreset(preset="generic"),
    )
}


def check_trunk(row: TrunkRow, secret: str | None, subnets: Sequence[str]) -> TrunkRow:
    """The trunk as it is kept; ``secret``: the new one, None when it stays as ``has_secret`` says.

    ``subnets`` are its site's networks. Raises Invalid naming every wrong field.
    """
    errors = slug_errors(row.slug)
    host = read_host(row.host)
    if host is None:
        errors.append(FieldError("host", "host_format"))
    from_domain = read_host(row.from_domain) if row.from_domain else ""
    if from_domain is None:
        errors.append(FieldError("from_domain", "host_format"))
    if not DIAL_PREFIX.fullmatch(row.dial_prefix):
        errors.append(FieldError("dial_prefix", "dial_prefix_format"))
    kept = msgspec.structs.replace(
        row,
        name=row.name.strip() or row.slug,
        host=host or "",
        from_domain=from_domain or "",
        codecs=read_codecs(row.codecs, errors),
        addresses=read_networks(row.addresses, "addresses", errors),
        has_secret=row.has_secret if secret is None else bool(secret),
    )
    errors.extend(_login_errors(kept, secret))
    if not errors:
        errors.extend(vpn_errors(kept, subnets))
    if errors:
        raise Invalid(*errors)
    return kept


def _login_errors(row: TrunkRow, secret: str | None) -> list[FieldError]:
    errors = []
    if row.username and not ACCOUNT.fullmatch(row.username):
        errors.append(FieldError("username", "trunk_username_format"))
    if secret and not TRUNK_SECRET.fullmatch(secret):
        errors.append(FieldError("secret", "trunk_secret_format"))
    if (row.mode == "register" or row.has_secret) and not row.username:
        errors.append(FieldError("username", "required"))
    if row.mode == "register" and not row.has_secret:
        errors.append(FieldError("secret", "required"))
    return errors


def vpn_errors(row: TrunkRow, subnets: Sequence[str]) -> list[FieldError]:
    """What of a gateway lies outside its site's networks, from where nothing of it could ever come.

    A host name cannot be judged; a site without networks has no border; an operator is on the Internet.
    """
    if not subnets or row.mode != "peer" or not PRESETS[row.preset].in_vpn:
        return []
    told = (("networks", ", ".join(subnets)),)
    errors = []
    if is_address(row.host) and not within(row.host, subnets):
        errors.append(FieldError("host", "address_outside_vpn", told))
    errors.extend(
        FieldError(f"addresses[{index}]", "address_outside_vpn", told)
        for index, network in enumerate(row.addresses)
        if not within(network, subnets)
    )
    return errors
