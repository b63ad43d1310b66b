"""The ARI operations that we use, as data: verb, path and parameters exactly as Asterisk's own API
description names them. A test compares every line with the ``/ari/api-docs`` of a running Asterisk.
"""

from dataclasses import dataclass
from typing import Final

REQUEST_SECONDS: Final = 5.0
"""Asterisk answers in about a millisecond, ``answer`` in 40 (measured on 22.10); five mean trouble."""


@dataclass(frozen=True, slots=True)
class Operation:
    """``name`` is ari-py's ``resource.operation``; ``body`` names the JSON body's parameter, if any."""

    name: str
    verb: str
    path: str
    query: tuple[str, ...] = ()
    body: str = ""
    seconds: float = REQUEST_SECONDS

    @property
    def resource(self) -> str:
        return self.name.partition(".")[0]


_CREATE: Final = "endpoint app appArgs channelId otherChannelId originator formats"
_ORIGINATE: Final = f"{_CREATE} extension context priority label callerId timeout"
_ADD: Final = "channel role absorbDTMF mute inhibitConnectedLineUpdates"
_PLAY: Final = "media lang offsetms skipms"
_RECORD: Final = "name format maxDurationSeconds maxSilenceSeconds ifExists beep terminateOn"

_LINES: Final = f"""
asterisk.info           GET    /asterisk/info                              only
asterisk.ping           GET    /asterisk/ping
asterisk.get_variable   GET    /asterisk/variable                          variable
asterisk.set_variable   POST   /asterisk/variable                          variable value

applications.list             GET    /applications
applications.get              GET    /applications/{{applicationName}}
applications.subscribe        POST   /applications/{{applicationName}}/subscription  eventSource
applications.unsubscribe      DELETE /applications/{{applicationName}}/subscription  eventSource
applications.set_event_filter PUT    /applications/{{applicationName}}/eventFilter   =filter

channels.list            GET    /channels
channels.get             GET    /channels/{{channelId}}
channels.originate       POST   /channels                    {_ORIGINATE} =variables
channels.create          POST   /channels/create             {_CREATE} =variables
channels.dial            POST   /channels/{{channelId}}/dial         caller timeout
channels.answer          POST   /channels/{{channelId}}/answer
channels.hangup          DELETE /channels/{{channelId}}              reason_code reason
channels.ring            POST   /channels/{{channelId}}/ring
channels.ring_stop       DELETE /channels/{{channelId}}/ring
channels.progress        POST   /channels/{{channelId}}/progress
channels.hold            POST   /channels/{{channelId}}/hold
channels.unhold          DELETE /channels/{{channelId}}/hold
channels.mute            POST   /channels/{{channelId}}/mute         direction
channels.unmute          DELETE /channels/{{channelId}}/mute         direction
channels.start_moh       POST   /channels/{{channelId}}/moh          mohClass
channels.stop_moh        DELETE /channels/{{channelId}}/moh
channels.start_silence   POST   /channels/{{channelId}}/silence
channels.stop_silence    DELETE /channels/{{channelId}}/silence
channels.play            POST   /channels/{{channelId}}/play         {_PLAY} playbackId
channels.record          POST   /channels/{{channelId}}/record       {_RECORD}
channels.send_dtmf       POST   /channels/{{channelId}}/dtmf         dtmf before between duration after
channels.get_variable    GET    /channels/{{channelId}}/variable     variable
channels.set_variable    POST   /channels/{{channelId}}/variable     variable value
channels.set_variables   POST   /channels/{{channelId}}/variables    =variables
channels.snoop           POST   /channels/{{channelId}}/snoop        spy whisper app appArgs snoopId
channels.continue_in_dialplan POST /channels/{{channelId}}/continue  context extension priority label
channels.move            POST   /channels/{{channelId}}/move         app appArgs
channels.redirect        POST   /channels/{{channelId}}/redirect     endpoint
channels.rtp_statistics  GET    /channels/{{channelId}}/rtp_statistics

bridges.list             GET    /bridges
bridges.get              GET    /bridges/{{bridgeId}}
bridges.create           POST   /bridges/{{bridgeId}}                type name
bridges.destroy          DELETE /bridges/{{bridgeId}}
bridges.add_channel      POST   /bridges/{{bridgeId}}/addChannel     {_ADD}
bridges.remove_channel   POST   /bridges/{{bridgeId}}/removeChannel  channel
bridges.start_moh        POST   /bridges/{{bridgeId}}/moh            mohClass
bridges.stop_moh         DELETE /bridges/{{bridgeId}}/moh
bridges.play             POST   /bridges/{{bridgeId}}/play           {_PLAY} playbackId
bridges.record           POST   /bridges/{{bridgeId}}/record         {_RECORD}

endpoints.list           GET    /endpoints
endpoints.list_by_tech   GET    /endpoints/{{tech}}
endpoints.get            GET    /endpoints/{{tech}}/{{resource}}

deviceStates.list        GET    /deviceStates
deviceStates.get         GET    /deviceStates/{{deviceName}}
deviceStates.update      PUT    /deviceStates/{{deviceName}}         deviceState
deviceStates.delete      DELETE /deviceStates/{{deviceName}}

playbacks.get            GET    /playbacks/{{playbackId}}
playbacks.stop           DELETE /playbacks/{{playbackId}}
playbacks.control        POST   /playbacks/{{playbackId}}/control    operation

recordings.get_live      GET    /recordings/live/{{recordingName}}
recordings.cancel        DELETE /recordings/live/{{recordingName}}
recordings.stop          POST   /recordings/live/{{recordingName}}/stop
recordings.pause         POST   /recordings/live/{{recordingName}}/pause
recordings.unpause       DELETE /recordings/live/{{recordingName}}/pause
recordings.mute          POST   /recordings/live/{{recordingName}}/mute
recordings.unmute        DELETE /recordings/live/{{recordingName}}/mute
recordings.list_stored   GET    /recordings/stored
recordings.get_stored    GET    /recordings/stored/{{recordingName}}
recordings.delete_stored DELETE /recordings/stored/{{recordingName}}

events.websocket         GET    /events                              app subscribeAll
events.user_event        POST   /events/user/{{eventName}}           application source =variables
"""


def _operation(line: str) -> Operation:
    name, verb, path, *parameters = line.split()
    body = "".join(p[1:] for p in parameters if p.startswith("="))
    return Operation(name, verb, path, tuple(p for p in parameters if not p.startswith("=")), body)


OPERATIONS: Final = {made.name: made for line in _LINES.splitlines() if line for made in (_operation(line),)}
"""Every operation by its name."""
