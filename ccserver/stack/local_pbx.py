"""The local Asterisk's own part of the model: its folders, ports and accounts, all under our data folder."""

from datetime import UTC, datetime
from pathlib import Path

from ccserver.domain.pbx import PbxDirectories, PbxModel, PbxModelError, PbxPorts, PbxTls, PbxUser
from ccserver.settings import Settings
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.kept import AsteriskPorts, Secrets
from ccserver.stack.problems import StackProblem
from ccserver.stack.self_signed import keep_certificate
from ccserver.telephony.pbx_layout import FILE_NAME, PbxLayout, write_layout

RTP_FIRST, RTP_LAST = 10_000, 11_999


def local_model(
    folder: Path, binary: AsteriskBinary, ports: AsteriskPorts, secrets: Secrets, settings: Settings
) -> PbxModel:
    """A model without sites or phones yet, and beside the folders the layout by which the server fills it.

    Raises `StackProblem` for a folder that Asterisk cannot name. Blocks.
    """
    tls = PbxTls()
    if ports.sip_tls or ports.https:
        tls = keep_certificate(folder / "tls", datetime.now(tz=UTC))
    try:
        model = PbxModel(
            revision=0,
            tenant="main",
            ports=PbxPorts(
                sip=ports.sip,
                sip_tcp=ports.sip_tcp,
                sip_tls=ports.sip_tls,
                http=ports.http,
                https=ports.https,
                ami=ports.ami,
                rtp_first=RTP_FIRST,
                rtp_last=RTP_LAST,
            ),
            tls=tls,
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
    write_layout(
        folder / FILE_NAME, PbxLayout(ports=model.ports, directories=model.directories, tls=model.tls)
    )
    return model
