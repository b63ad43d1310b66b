"""The owner's two links to Asterisk, and which of its events are worth sending."""

from collections.abc import Callable
from typing import Final

from ccserver.domain.normalise import WANTED_EVENTS
from ccserver.settings import Settings
from ccserver.telephony.ami import AmiLink
from ccserver.telephony.ari import AriLink
from ccserver.telephony.link_state import AmiSink, AriSink

ALLOWED_EVENTS: Final = ("StasisStart", "ChannelDtmfReceived")
"""Of ARI; everything else of a channel's life is taken from AMI (decision 0007)."""


def ami_link(settings: Settings, sink: AmiSink, clock: Callable[[], float]) -> AmiLink:
    """The global eye, not started. Raises Invalid for an account that cannot be sent."""
    return AmiLink(
        settings.asterisk_host,
        settings.ami_port,
        settings.ami_user,
        settings.ami_secret,
        sink,
        clock,
        wanted=WANTED_EVENTS,
    )


def ari_link(settings: Settings, sink: AriSink, clock: Callable[[], float]) -> AriLink:
    """Who enters our application, not started. Raises Invalid, ValueError for what cannot be sent."""
    return AriLink(
        settings.ari_url,
        settings.ari_app,
        settings.ari_user,
        settings.ari_secret,
        sink,
        clock,
        allowed=ALLOWED_EVENTS,
    )
