"""The other nouns of ARI: bridges, applications, endpoints, device states, playbacks, recordings,
Asterisk.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ccserver.telephony.ari_http import AriCaller
from ccserver.telephony.errors import AriNotFound

Json = dict[str, Any]

ALWAYS_WANTED: Final = ("ApplicationReplaced", "RESTResponse")
"""Never filtered out: the first ends our ownership; without the second, answers over the socket are lost."""


class Bridges:
    """ARI bridges. They outlive their members and their client: whoever makes one destroys it."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def list(self) -> Sequence[Json]:
        bridges: Sequence[Json] = await self._call("bridges.list")
        return bridges

    async def get(self, bridge_id: str) -> Json:
        bridge: Json = await self._call("bridges.get", {"bridgeId": bridge_id})
        return bridge

    async def create(self, bridge_id: str, *, type: str = "mixing", name: str | None = None) -> Json:
        """Make the bridge with an id of our choice; made twice, it is the same bridge.

        ``type`` lists ``mixing`` or ``holding``, ``dtmf_events``, ``proxy_media``, separated by commas.
        """
        bridge: Json = await self._call(
            "bridges.create", {"bridgeId": bridge_id}, {"type": type, "name": name}
        )
        return bridge

    async def destroy(self, bridge_id: str) -> None:
        """Its channels stay in the application, alone.

        Answered before it is done: the bridge can be read a moment longer, and ``BridgeDestroyed`` comes only
        to who subscribed to ``bridge:ID`` (seen on 22.10).
        """
        await self._call("bridges.destroy", {"bridgeId": bridge_id})

    async def add_channel(
        self,
        bridge_id: str,
        channel: str | Sequence[str],
        *,
        role: str | None = None,
        absorb_dtmf: bool | None = None,
        mute: bool | None = None,
        inhibit_connected_line_updates: bool | None = None,
    ) -> None:
        """Put channels in, out of whatever bridge they were in. ``AriUnprocessable`` if one is not in
        Stasis.
        """
        query = {
            "channel": channel,
            "role": role,
            "absorbDTMF": absorb_dtmf,
            "mute": mute,
            "inhibitConnectedLineUpdates": inhibit_connected_line_updates,
        }
        await self._call("bridges.add_channel", {"bridgeId": bridge_id}, query)

    async def remove_channel(self, bridge_id: str, channel: str | Sequence[str]) -> None:
        await self._call("bridges.remove_channel", {"bridgeId": bridge_id}, {"channel": channel})

    async def start_moh(self, bridge_id: str, *, moh_class: str | None = None) -> None:
        await self._call("bridges.start_moh", {"bridgeId": bridge_id}, {"mohClass": moh_class})

    async def stop_moh(self, bridge_id: str) -> None:
        await self._call("bridges.stop_moh", {"bridgeId": bridge_id})

    async def play(
        self,
        bridge_id: str,
        media: str | Sequence[str],
        *,
        lang: str | None = None,
        offsetms: int | None = None,
        skipms: int | None = None,
        playback_id: str | None = None,
    ) -> Json:
        query = {
            "media": media,
            "lang": lang,
            "offsetms": offsetms,
            "skipms": skipms,
            "playbackId": playback_id,
        }
        playback: Json = await self._call("bridges.play", {"bridgeId": bridge_id}, query)
        return playback

    async def record(
        self,
        bridge_id: str,
        name: str,
        *,
        format: str = "wav",
        max_duration_seconds: int | None = None,
        max_silence_seconds: int | None = None,
        if_exists: str = "fail",
        beep: bool = False,
        terminate_on: str = "none",
    ) -> Json:
        query = {
            "name": name,
            "format": format,
            "maxDurationSeconds": max_duration_seconds,
            "maxSilenceSeconds": max_silence_seconds,
            "ifExists": if_exists,
            "beep": beep,
            "terminateOn": terminate_on,
        }
        recording: Json = await self._call("bridges.record", {"bridgeId": bridge_id}, query)
        return recording


class Applications:
    """Stasis applications. One is listed also when no client holds its socket: this is no test of life."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def list(self) -> Sequence[Json]:
        applications: Sequence[Json] = await self._call("applications.list")
        return applications

    async def get(self, app: str) -> Json:
        application: Json = await self._call("applications.get", {"applicationName": app})
        return application

    async def subscribe(self, app: str, event_source: str | Sequence[str]) -> Json:
        """Also tell ``app`` of ``channel:ID``, ``bridge:ID``, ``endpoint:TECH/NAME``, ``deviceState:NAME``.

        ``AriUnprocessable`` if one of them is gone; those before it in the list stay subscribed.
        """
        application: Json = await self._call(
            "applications.subscribe", {"applicationName": app}, {"eventSource": event_source}
        )
        return application

    async def unsubscribe(self, app: str, event_source: str | Sequence[str]) -> Json:
        application: Json = await self._call(
            "applications.unsubscribe", {"applicationName": app}, {"eventSource": event_source}
        )
        return application

    async def set_event_filter(self, app: str, allowed: Sequence[str]) -> Json:
        """Only events of these types are sent; the filter dies with the socket."""
        types = dict.fromkeys((*allowed, *ALWAYS_WANTED))
        application: Json = await self._call(
            "applications.set_event_filter",
            {"applicationName": app},
            None,
            {"allowed": [{"type": name} for name in types]},
        )
        return application


class Endpoints:
    """Phones and trunks as Asterisk sees them: ``state`` is ``online``, ``offline`` or ``unknown``."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def list(self, tech: str | None = None) -> Sequence[Json]:
        """All, or those of one technology (``PJSIP``); having none of it is an empty list here, a 404 in ARI."""
        endpoints: Sequence[Json]
        if tech is None:
            endpoints = await self._call("endpoints.list")
            return endpoints
        try:
            endpoints = await self._call("endpoints.list_by_tech", {"tech": tech})
        except AriNotFound:
            return []
        return endpoints

    async def get(self, tech: str, resource: str) -> Json:
        endpoint: Json = await self._call("endpoints.get", {"tech": tech, "resource": resource})
        return endpoint


class DeviceStates:
    """Custom device states (``Stasis:NAME``), which queues and lamps can follow."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def list(self) -> Sequence[Json]:
        states: Sequence[Json] = await self._call("deviceStates.list")
        return states

    async def get(self, name: str) -> Json:
        state: Json = await self._call("deviceStates.get", {"deviceName": name})
        return state

    async def update(self, name: str, state: str) -> None:
        await self._call("deviceStates.update", {"deviceName": name}, {"deviceState": state})

    async def delete(self, name: str) -> None:
        await self._call("deviceStates.delete", {"deviceName": name})


class Playbacks:
    """Sounds that are playing now."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def get(self, playback_id: str) -> Json:
        playback: Json = await self._call("playbacks.get", {"playbackId": playback_id})
        return playback

    async def stop(self, playback_id: str) -> None:
        await self._call("playbacks.stop", {"playbackId": playback_id})

    async def control(self, playback_id: str, operation: str) -> None:
        """``restart``, ``pause``, ``unpause``, ``reverse`` or ``forward``."""
        await self._call("playbacks.control", {"playbackId": playback_id}, {"operation": operation})


class Recordings:
    """Live recordings, by the name they were started with (Asterisk does not list them), and stored ones."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def get_live(self, name: str) -> Json:
        recording: Json = await self._call("recordings.get_live", {"recordingName": name})
        return recording

    async def stop(self, name: str) -> None:
        """End it and keep the file."""
        await self._call("recordings.stop", {"recordingName": name})

    async def cancel(self, name: str) -> None:
        """End it and throw the file away."""
        await self._call("recordings.cancel", {"recordingName": name})

    async def pause(self, name: str) -> None:
        """The time paused is missing from the file; ``mute`` writes silence instead."""
        await self._call("recordings.pause", {"recordingName": name})

    async def unpause(self, name: str) -> None:
        await self._call("recordings.unpause", {"recordingName": name})

    async def mute(self, name: str) -> None:
        await self._call("recordings.mute", {"recordingName": name})

    async def unmute(self, name: str) -> None:
        await self._call("recordings.unmute", {"recordingName": name})

    async def list_stored(self) -> Sequence[Json]:
        recordings: Sequence[Json] = await self._call("recordings.list_stored")
        return recordings

    async def get_stored(self, name: str) -> Json:
        recording: Json = await self._call("recordings.get_stored", {"recordingName": name})
        return recording

    async def delete_stored(self, name: str) -> None:
        await self._call("recordings.delete_stored", {"recordingName": name})


class Asterisk:
    """The process itself."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def ping(self) -> Json:
        """``Unavailable`` while it boots (``why=booting``)."""
        pong: Json = await self._call("asterisk.ping")
        return pong

    async def info(self, *, only: Sequence[str] = ()) -> Json:
        info: Json = await self._call("asterisk.info", None, {"only": only or None})
        return info

    async def get_variable(self, variable: str) -> str:
        answer: Json = await self._call("asterisk.get_variable", None, {"variable": variable})
        return str(answer["value"])

    async def set_variable(self, variable: str, value: str) -> None:
        await self._call("asterisk.set_variable", None, {"variable": variable, "value": value})


class Events:
    """Events of our own making, sent through Asterisk to the applications."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def user_event(
        self,
        name: str,
        *,
        application: str,
        source: str | Sequence[str] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        query = {"application": application, "source": source}
        await self._call("events.user_event", {"eventName": name}, query, variables)
