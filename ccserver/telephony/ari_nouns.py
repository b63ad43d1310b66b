"""What the nouns of ARI have in common: how an answer is read, and the sound of channels and bridges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ccserver.telephony.ari_http import AriCaller, Value

Json = dict[str, Any]


class Noun:
    """One noun of ARI: a method per operation, in ari-py's words."""

    def __init__(self, caller: AriCaller) -> None:
        self._call = caller.call

    async def _one(
        self,
        operation: str,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Value] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Json:
        """An operation that is answered with one thing."""
        thing: Json = await self._call(operation, path, query, body)
        return thing

    async def _several(self, operation: str, path: Mapping[str, str] | None = None) -> Sequence[Json]:
        """An operation that is answered with a list of things."""
        things: Sequence[Json] = await self._call(operation, path)
        return things


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundNames:
    """Of one noun that can be heard: its four operations, and the part of the path that holds its id."""

    id: str
    start_moh: str
    stop_moh: str
    play: str
    record: str


class Audible(Noun):
    """What can be played to and recorded, with the same parameters: a channel, a bridge."""

    _sound: ClassVar[SoundNames]

    async def start_moh(self, noun_id: str, *, moh_class: str | None = None) -> None:
        await self._call(self._sound.start_moh, {self._sound.id: noun_id}, {"mohClass": moh_class})

    async def stop_moh(self, noun_id: str) -> None:
        await self._call(self._sound.stop_moh, {self._sound.id: noun_id})

    async def play(
        self,
        noun_id: str,
        media: str | Sequence[str],
        *,
        lang: str | None = None,
        offsetms: int | None = None,
        skipms: int | None = None,
        playback_id: str | None = None,
    ) -> Json:
        """Play ``sound:...``, ``recording:...``, ``tone:...``; several are played one after another."""
        query = {
            "media": media,
            "lang": lang,
            "offsetms": offsetms,
            "skipms": skipms,
            "playbackId": playback_id,
        }
        return await self._one(self._sound.play, {self._sound.id: noun_id}, query)

    async def record(
        self,
        noun_id: str,
        name: str,
        *,
        format: str = "wav",
        max_duration_seconds: int | None = None,
        max_silence_seconds: int | None = None,
        if_exists: str = "fail",
        beep: bool = False,
        terminate_on: str = "none",
    ) -> Json:
        """Record what a channel says, or a bridge hears; ``terminate_on``: ``none``, ``any``, ``*`` or ``#``."""
        query = {
            "name": name,
            "format": format,
            "maxDurationSeconds": max_duration_seconds,
            "maxSilenceSeconds": max_silence_seconds,
            "ifExists": if_exists,
            "beep": beep,
            "terminateOn": terminate_on,
        }
        return await self._one(self._sound.record, {self._sound.id: noun_id}, query)
