"""The other nouns of ARI: bridges, applications, endpoints, device states, playbacks, recordings,
Asterisk.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ccserver.telephony.ari_nouns import Audible, Json, Noun, SoundNames
from ccserver.telephony.errors import AriNotFound

ALWAYS_WANTED: Final = ("ApplicationReplaced", "RESTResponse")
"""Never filtered out: the first ends our ownership; without the second, answers over the socket are lost."""


class Bridges(Audible):
    """ARI bridges. They outlive their members and their client: whoever makes one destroys it."""

    _sound = SoundNames(
        id="bridgeId",
        start_moh="bridges.start_moh",
        stop_moh="bridges.stop_moh",
        play="bridges.play",
        record="bridges.record",
    )

    async def list(self) -> Sequence[Json]:
        return await self._several("bridges.list")

    async def get(self, bridge_id: str) -> Json:
        return await self._one("bridges.get", {"bridgeId": bridge_id})

    async def create(self, bridge_id: str, *, type: str = "mixing", name: str | None = None) -> Json:
        """Make the bridge with an id of our choice; made twice, it is the same bridge.

        ``type`` lists ``mixing`` or ``holding``, ``dtmf_events``, ``proxy_media``, separated by commas.
        """
        return await self._one("bridges.create", {"bridgeId": bridge_id}, {"type": type, "name": name})

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


class Applications(Noun):
    """Stasis applications. One is listed also when no client holds its socket: this is no test of life."""

    async def list(self) -> Sequence[Json]:
        return await self._several("applications.list")

    async def get(self, app: str) -> Json:
        return await self._one("applications.get", {"applicationName": app})

    async def subscribe(self, app: str, event_source: str | Sequence[str]) -> Json:
        """Also tell ``app`` of ``channel:ID``, ``bridge:ID``, ``endpoint:TECH/NAME``, ``deviceState:NAME``.

        ``AriUnprocessable`` if one of them is gone; those before it in the list stay subscribed.
        """
        return await self._one(
            "applications.subscribe", {"applicationName": app}, {"eventSource": event_source}
        )

    async def unsubscribe(self, app: str, event_source: str | Sequence[str]) -> Json:
        return await self._one(
            "applications.unsubscribe", {"applicationName": app}, {"eventSource": event_source}
        )

    async def set_event_filter(self, app: str, allowed: Sequence[str]) -> Json:
        """Only events of these types are sent; the filter dies with the socket."""
        types = dict.fromkeys((*allowed, *ALWAYS_WANTED))
        return await self._one(
            "applications.set_event_filter",
            {"applicationName": app},
            None,
            {"allowed": [{"type": name} for name in types]},
        )


class Endpoints(Noun):
    """Phones and trunks as Asterisk sees them: ``state`` is ``online``, ``offline`` or ``unknown``."""

    async def list(self, tech: str | None = None) -> Sequence[Json]:
        """All, or those of one technology (``PJSIP``); having none of it is an empty list here, a 404 in ARI."""
        if tech is None:
            return await self._several("endpoints.list")
        try:
            return await self._several("endpoints.list_by_tech", {"tech": tech})
        except AriNotFound:
            return []

    async def get(self, tech: str, resource: str) -> Json:
        return await self._one("endpoints.get", {"tech": tech, "resource": resource})


class DeviceStates(Noun):
    """Custom device states (``Stasis:NAME``), which queues and lamps can follow."""

    async def list(self) -> Sequence[Json]:
        return await self._several("deviceStates.list")

    async def get(self, name: str) -> Json:
        return await self._one("deviceStates.get", {"deviceName": name})

    async def update(self, name: str, state: str) -> None:
        await self._call("deviceStates.update", {"deviceName": name}, {"deviceState": state})

    async def delete(self, name: str) -> None:
        await self._call("deviceStates.delete", {"deviceName": name})


class Playbacks(Noun):
    """Sounds that are playing now."""

    async def get(self, playback_id: str) -> Json:
        return await self._one("playbacks.get", {"playbackId": playback_id})

    async def stop(self, playback_id: str) -> None:
        await self._call("playbacks.stop", {"playbackId": playback_id})

    async def control(self, playback_id: str, operation: str) -> None:
        """``restart``, ``pause``, ``unpause``, ``reverse`` or ``forward``."""
        await self._call("playbacks.control", {"playbackId": playback_id}, {"operation": operation})


class Recordings(Noun):
    """Live recordings, by the name they were started with (Asterisk does not list them), and stored ones."""

    async def get_live(self, name: str) -> Json:
        return await self._one("recordings.get_live", {"recordingName": name})

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
        return await self._several("recordings.list_stored")

    async def get_stored(self, name: str) -> Json:
        return await self._one("recordings.get_stored", {"recordingName": name})

    async def delete_stored(self, name: str) -> None:
        await self._call("recordings.delete_stored", {"recordingName": name})


class Asterisk(Noun):
    """The process itself."""

    async def ping(self) -> Json:
        """``Unavailable`` while it boots (``why=booting``)."""
        return await self._one("asterisk.ping")

    async def info(self, *, only: Sequence[str] = ()) -> Json:
        return await self._one("asterisk.info", None, {"only": only or None})

    async def get_variable(self, variable: str) -> str:
        answer = await self._one("asterisk.get_variable", None, {"variable": variable})
        return str(answer["value"])

    async def set_variable(self, variable: str, value: str) -> None:
        await self._call("asterisk.set_variable", None, {"variable": variable, "value": value})


class Events(Noun):
    """Events of our own making, sent through Asterisk to the applications."""

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
