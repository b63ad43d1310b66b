"""``ari.channels``: one method per operation, in ari-py's words. Ids are ours where we may choose them.

Every method raises ``AriNotFound`` when the channel is gone, which is the normal end of a race with a
hang-up.
"""

from collections.abc import Mapping, Sequence

from ccserver.telephony.ari_http import Value
from ccserver.telephony.ari_nouns import Audible, Json, SoundNames
from ccserver.telephony.errors import AriAllocationFailed, AriConflict, AriNotFound


class Channels(Audible):
    """Channels of this Asterisk, in our application or not."""

    _sound = SoundNames(
        id="channelId",
        start_moh="channels.start_moh",
        stop_moh="channels.stop_moh",
        play="channels.play",
        record="channels.record",
    )

    async def list(self) -> Sequence[Json]:
        """Every channel. ``dialplan.app_data`` holds the Stasis arguments: the durable tag of a call."""
        return await self._several("channels.list")

    async def get(self, channel_id: str) -> Json:
        return await self._one("channels.get", {"channelId": channel_id})

    async def originate(
        self,
        *,
        endpoint: str,
        app: str | None = None,
        app_args: Sequence[str] = (),
        context: str | None = None,
        extension: str | None = None,
        priority: int | None = None,
        caller_id: str | None = None,
        timeout: int | None = None,
        channel_id: str | None = None,
        other_channel_id: str | None = None,
        originator: str | None = None,
        formats: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Json:
        """Dial ``endpoint``; it enters ``app`` with ``app_args`` (or the dialplan) when it answers.

        ``timeout`` in seconds, -1 for none. Raises ``AriConflict`` if ``channel_id`` is in use (a second
        try of the same originate), ``AriAllocationFailed`` if the endpoint is unknown or has no contact.
        """
        query = {
            "endpoint": endpoint,
            "app": app,
            "appArgs": app_args or None,
            "context": context,
            "extension": extension,
            "priority": priority,
            "callerId": caller_id,
            "timeout": timeout,
            "channelId": channel_id,
            "otherChannelId": other_channel_id,
            "originator": originator,
            "formats": formats or None,
        }
        return await self._made("channels.originate", channel_id, query, variables)

    async def create(
        self,
        *,
        endpoint: str,
        app: str,
        app_args: Sequence[str] = (),
        channel_id: str | None = None,
        other_channel_id: str | None = None,
        originator: str | None = None,
        formats: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> Json:
        """Make a channel that is not dialled yet: ``StasisStart`` comes at once, ``dial`` sends the INVITE.

        Never dialled, it stays for ever: the caller owns it.
        """
        query = {
            "endpoint": endpoint,
            "app": app,
            "appArgs": app_args or None,
            "channelId": channel_id,
            "otherChannelId": other_channel_id,
            "originator": originator,
            "formats": formats or None,
        }
        return await self._made("channels.create", channel_id, query, variables)

    async def _made(
        self,
        name: str,
        channel_id: str | None,
        query: Mapping[str, Value],
        variables: Mapping[str, str] | None,
    ) -> Json:
        """Asterisk 22 answers 409 to any failure if its thread's errno still says EEXIST from the request
        before on the same connection: only a channel that is really there is a conflict.
        """
        try:
            return await self._one(name, None, query, variables)
        except AriConflict as conflict:
            if channel_id is None or not await self._exists(channel_id):
                raise AriAllocationFailed(name, conflict.status, "Allocation failed") from None
            raise

    async def _exists(self, channel_id: str) -> bool:
        try:
            await self.get(channel_id)
        except AriNotFound:
            return False
        return True

    async def dial(self, channel_id: str, *, caller: str | None = None, timeout: int | None = None) -> None:
        """Dial a created channel; ``timeout`` in seconds."""
        await self._call("channels.dial", {"channelId": channel_id}, {"caller": caller, "timeout": timeout})

    async def answer(self, channel_id: str) -> None:
        await self._call("channels.answer", {"channelId": channel_id})

    async def hangup(
        self, channel_id: str, *, reason: str | None = None, reason_code: int | str | None = None
    ) -> None:
        """End it. ``reason`` is one of ARI's words (``busy``, ``answered_elsewhere``), ``reason_code`` a
        Q.850 cause; never both.
        """
        query = {"reason": reason, "reason_code": reason_code}
        await self._call("channels.hangup", {"channelId": channel_id}, query)

    async def ring(self, channel_id: str) -> None:
        await self._call("channels.ring", {"channelId": channel_id})

    async def ring_stop(self, channel_id: str) -> None:
        await self._call("channels.ring_stop", {"channelId": channel_id})

    async def progress(self, channel_id: str) -> None:
        """Tell the caller that early media comes (SIP 183)."""
        await self._call("channels.progress", {"channelId": channel_id})

    async def hold(self, channel_id: str) -> None:
        await self._call("channels.hold", {"channelId": channel_id})

    async def unhold(self, channel_id: str) -> None:
        await self._call("channels.unhold", {"channelId": channel_id})

    async def mute(self, channel_id: str, *, direction: str = "both") -> None:
        """``direction``: ``in`` (from the channel), ``out`` (to it) or ``both``."""
        await self._call("channels.mute", {"channelId": channel_id}, {"direction": direction})

    async def unmute(self, channel_id: str, *, direction: str = "both") -> None:
        await self._call("channels.unmute", {"channelId": channel_id}, {"direction": direction})

    async def start_silence(self, channel_id: str) -> None:
        await self._call("channels.start_silence", {"channelId": channel_id})

    async def stop_silence(self, channel_id: str) -> None:
        await self._call("channels.stop_silence", {"channelId": channel_id})

    async def send_dtmf(
        self,
        channel_id: str,
        dtmf: str,
        *,
        before: int | None = None,
        between: int | None = None,
        duration: int | None = None,
        after: int | None = None,
    ) -> None:
        """Send digits to the channel; the times are in milliseconds."""
        query = {"dtmf": dtmf, "before": before, "between": between, "duration": duration, "after": after}
        await self._call("channels.send_dtmf", {"channelId": channel_id}, query)

    async def get_variable(self, channel_id: str, variable: str) -> str:
        answer = await self._one("channels.get_variable", {"channelId": channel_id}, {"variable": variable})
        return str(answer["value"])

    async def set_variable(self, channel_id: str, variable: str, value: str) -> None:
        """Set a variable or a function, for instance ``TIMEOUT(absolute)``, the lease of a waiting call."""
        query = {"variable": variable, "value": value}
        await self._call("channels.set_variable", {"channelId": channel_id}, query)

    async def set_variables(self, channel_id: str, variables: Mapping[str, str]) -> None:
        await self._call("channels.set_variables", {"channelId": channel_id}, None, variables)

    async def snoop(
        self,
        channel_id: str,
        *,
        app: str,
        app_args: Sequence[str] = (),
        spy: str = "both",
        whisper: str = "none",
        snoop_id: str | None = None,
    ) -> Json:
        """A new channel that hears (``spy``) or speaks into (``whisper``) this one: in, out, both, none."""
        query = {
            "app": app,
            "appArgs": app_args or None,
            "spy": spy,
            "whisper": whisper,
            "snoopId": snoop_id,
        }
        return await self._one("channels.snoop", {"channelId": channel_id}, query)

    async def continue_in_dialplan(
        self,
        channel_id: str,
        *,
        context: str | None = None,
        extension: str | None = None,
        priority: int | None = None,
        label: str | None = None,
    ) -> None:
        """Leave the application; without arguments at the line after ``Stasis()``."""
        query = {"context": context, "extension": extension, "priority": priority, "label": label}
        await self._call("channels.continue_in_dialplan", {"channelId": channel_id}, query)

    async def move(self, channel_id: str, *, app: str, app_args: Sequence[str] = ()) -> None:
        """Hand it to another Stasis application."""
        query = {"app": app, "appArgs": app_args or None}
        await self._call("channels.move", {"channelId": channel_id}, query)

    async def redirect(self, channel_id: str, endpoint: str) -> None:
        await self._call("channels.redirect", {"channelId": channel_id}, {"endpoint": endpoint})

    async def rtp_statistics(self, channel_id: str) -> Json:
        """Packets, loss and jitter of both ways; ``AriNotFound`` while there is no RTP yet."""
        return await self._one("channels.rtp_statistics", {"channelId": channel_id})
