"""A stand-in for a site's Yeastar gateway: a second Asterisk that plays the public telephone network.

It lives on a loopback address of its own (127.0.0.2, 127.0.0.3...), because the central Asterisk tells its
gateways apart by address. Calls that the central sends it end as the last digit of the number says (see
``asterisk-config/gateway/extensions.conf.j2``), and it places calls to the central on request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ccserver.domain.pbx import PbxDirectories, PbxModelError
from ccserver.stack.asterisk_process import AsteriskProcess
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.telephony.render import TEMPLATES, render_all

_OWN: Final = TEMPLATES / "gateway"
_SHARED: Final = (
    "asterisk.conf",
    "logger.conf",
    "musiconhold.conf",
    "indications.conf",
    "features.conf",
    "ccss.conf",
    "udptl.conf",
    "acl.conf",
    "pjproject.conf",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayModel:
    """One stand-in gateway: ``ring_seconds`` before an answer, then ``talk_seconds`` at most."""

    name: str
    directories: PbxDirectories
    address: str
    sip: int
    rtp_first: int
    rtp_last: int
    central_host: str
    central_port: int
    ring_seconds: int = 1
    talk_seconds: int = 60
    revision: int = 0


def render_gateway(model: GatewayModel) -> Mapping[str, str]:
    """The gateway's ``etc`` directory: file name to text."""
    shared = render_all(TEMPLATES, {"model": model}, only=_SHARED)
    return {**shared, **render_all(_OWN, {"model": model})}


class GatewayProcess(AsteriskProcess):
    """A running stand-in gateway."""

    def __init__(self, binary: AsteriskBinary, model: GatewayModel) -> None:
        super().__init__(
            binary, model.directories, render_gateway(model), name=f"the stand-in gateway {model.name}"
        )
        self.model = model

    async def call(
        self, caller: str, number: str, *, talk_seconds: int = 20, patience_seconds: int = 60
    ) -> None:
        """Place a call from ``caller`` to ``number`` (digits and ``+``).

        The caller gives up when nobody answers in ``patience_seconds``, and hangs up after the talk. Returns
        once the call is under way, not when it is answered. Raises PbxModelError, AsteriskFailed.
        """
        for value in (caller, number):
            if not value or not set(value) <= set("+0123456789"):
                raise PbxModelError("number", "digits and '+' only")
        await self.rx(
            f"channel originate Local/{caller}*{number}*{int(patience_seconds)}@callers/n"
            f" application MusicOnHold default,{int(talk_seconds)}"
        )
