"""The local Asterisk's own part of the model: its folders, ports and accounts, all under our data folder."""

from pathlib import Path

from ccserver.domain.pbx import PbxDirectories, PbxModel, PbxModelError, PbxPorts, PbxUser
from ccserver.settings import Settings
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.kept import AsteriskPorts, Secrets
from ccserver.stack.problems import StackProblem

RTP_FIRST, RTP_LAST = 10_000, 11_999


def local_model(
    folder: Path, binary: AsteriskBinary, ports: AsteriskPorts, secrets: Secrets, settings: Settings
) -> PbxModel:
    """A model without sites or phones yet. Raises `StackProblem` for a folder that Asterisk cannot name."""
    try:
        return PbxModel(
            revision=0,
            tenant="main",
            ports=PbxPorts(
                sip=ports.sip, http=ports.http, ami=ports.ami, rtp_first=RTP_FIRST, rtp_last=RTP_LAST
            ),
            directories=PbxDirectories.under(
                str(folder), modules=str(binary.moddir), data=str(binary.datadir)
            ),
            ami=PbxUser(name=settings.ami_user, secret=secrets.ami_secret),
            ari=PbxUser(name=settings.ari_user, secret=secrets.ari_secret),
            application=settings.ari_app,
        )
    except PbxModelError as error:
        raise StackProblem(
            f"Asterisk cannot work in {folder}: {error}. Move the checkout to a shorter path of plain "
            "characters, or set CCSERVER_DATA (and CCSERVER_CACHE) to such folders."
        ) from error
