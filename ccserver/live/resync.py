"""After each (re)connect: Asterisk's truth against the model, corrections, and the drift counted.

In this order: what Asterisk wrote down while we did not look (CEL), what it has now (CoreShowChannels), who can
be reached (PJSIPShowEndpoints), then the joinings taken up again from ARI's channels and bridges.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter

from ccserver.background import Backoff
from ccserver.domain.call import Call, trunk_of
from ccserver.domain.callbook import call_of_channel
from ccserver.domain.cel import cel_facts
from ccserver.domain.channels import first_channel, next_channel, relays_of
from ccserver.domain.connect import Connection, Kind, Stage
from ccserver.domain.errors import DomainError
from ccserver.domain.normalise import listed_endpoint, listed_facts, listed_registration
from ccserver.domain.telephony import Fact
from ccserver.domain.way import way_failed
from ccserver.live.control import Control, agent_channel, customer_channel, stage_of
from ccserver.live.engine import Engine
from ccserver.ports import Ami
from ccserver.telephony.ari import Ari
from ccserver.telephony.errors import AmiError

log = structlog.get_logger(__name__)

DRIFT = Counter("ccserver_drift_total", "Corrections that resyncs made to the model", ["kind"])
CEL_BYTES = 64 * 1024 * 1024
"""How much of the end of the CEL file is read back at most: days of a busy centre."""
CEL_MARGIN_SECONDS = 10.0
"""Read again before the last instant that was seen: facts on their way at that instant. Replays are harmless."""

Channel = Mapping[str, Any]


def read_tail(path: Path, most: int = CEL_BYTES) -> list[str]:
    """The last lines of a file; none if it does not exist. Blocking: call it in a thread."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - most))
            data = file.read()
    except OSError as error:
        log.warning("CEL file cannot be read", error=str(error))
        return []
    lines = data.decode("utf-8", "replace").splitlines()
    return lines[1:] if size > most else lines


def rotated(path: Path, after: float) -> list[Path]:
    """What logrotate has put aside of a file and was still written at ``after``, oldest first. Blocking.

    ``Master.csv.1`` and ``Master.csv-20261121``; compressed ones were rotated a whole turn ago.
    """
    found: list[tuple[float, Path]] = []
    try:
        for file in path.parent.glob(f"{path.name}[.-]*"):
            written = file.stat().st_mtime
            if file.suffix not in (".gz", ".xz", ".bz2", ".zst") and written >= after:
                found.append((written, file))
    except OSError as error:
        log.warning("older CEL files cannot be read", error=str(error))
    return [file for _, file in sorted(found)]


class Resync:
    """One resync at a time, called by the engine at each LinkUp. Failures leave the link's own retry to mend."""

    def __init__(
        self,
        *,
        engine: Engine,
        ami: Ami,
        ari: Ari,
        control: Control,
        links_up: Callable[[], bool],
        cel_file: Path | None,
        clock: Callable[[], float],
        cel_from: float,
    ) -> None:
        self._engine = engine
        self._ami = ami
        self._ari = ari
        self._control = control
        self._links_up = links_up
        self._cel_file = cel_file
        self._clock = clock
        self._cel_from = cel_from
        self._logins_refused = False

    async def run(self) -> None:
        """Compares and corrects. Waits for both sockets: with one of them the picture would be half."""
        backoff = Backoff()
        while self._links_up():
            try:
                drift = await self._compare()
            except Exception as error:
                # Whatever it is: without a resync we would stay blind until a socket falls again.
                ours = not isinstance(error, DomainError)
                log.warning("resync failed", why=str(error), exc_info=error if ours else None)
                await asyncio.sleep(backoff.next())
                continue
            self._engine.drift = drift
            log.info("resync done", drift=drift, calls=len(self._engine.book))
            return

    async def _compare(self) -> int:
        drift = await self._from_cel()
        asked_at = self._clock()
        listed = await self._ami.action_list("CoreShowChannels")
        drift += self._from_channels(listed, asked_at)
        now = self._clock()
        endpoints = await self._ami.action_list("PJSIPShowEndpoints")
        self._engine.reach.stations.listed({endpoint.get("ObjectName", "") for endpoint in endpoints})
        for endpoint in endpoints:
            fact = listed_endpoint(endpoint, now)
            if fact is not None:
                self._engine.apply(fact)
        await self._logins(now)
        await self._adopt()
        self._cel_from = asked_at - CEL_MARGIN_SECONDS
        return drift

    async def _logins(self, now: float) -> None:
        """An Asterisk that cannot list its logins (no res_pjsip_outbound_registration) has none; told once."""
        try:
            listed = await self._ami.action_list("PJSIPShowRegistrationsOutbound")
        except AmiError as error:
            if not self._logins_refused:
                log.warning("logins at providers cannot be listed", why=str(error))
            self._logins_refused = True
            return
        self._logins_refused = False
        for item in listed:
            login = listed_registration(item, now)
            if login is not None:
                self._engine.apply(login)

    async def _from_cel(self) -> int:
        if self._cel_file is None:
            return 0
        facts = await asyncio.to_thread(_read_cel, self._cel_file, self._cel_from)
        drift = self._engine.apply_all(facts)
        DRIFT.labels(kind="cel").inc(drift)
        return drift

    def _from_channels(self, listed: Sequence[Mapping[str, str]], asked_at: float) -> int:
        engine, now = self._engine, self._clock()
        missing = engine.book.missing((item.get("Uniqueid", "") for item in listed), asked_at, now)
        for change in missing:
            engine.changed(change)
        # The oldest first: a call is named after its first channel. Ages are whole seconds.
        ordered = sorted(listed, key=lambda item: (_first(item), _age(item)), reverse=True)
        found = [fact for item in ordered for fact in listed_facts(item, now)]
        added = engine.apply_all(found)
        DRIFT.labels(kind="missing").inc(len(missing))
        DRIFT.labels(kind="found").inc(added)
        return len(missing) + added

    async def _adopt(self) -> None:
        """Joinings from Asterisk's own words: nothing of what we remembered is trusted."""
        channels = {str(channel["id"]): channel for channel in await self._ari.channels.list()}
        bridges = await self._ari.bridges.list()
        self._control.forget_all()
        bridged = {
            str(bridge["id"]): {str(member) for member in bridge.get("channels", [])} for bridge in bridges
        }
        for call in self._engine.book:
            if call.direction == "inbound" and call.legs and call.outcome == "voicemail":
                # No leg of ours is to come. Whom the dialplan has not taken yet we may have to hand over once more.
                origin = call.legs[0].uniqueid
                if origin in channels and _app_of(channels[origin]) == "Stasis":
                    self._engine.router.to_voicemail(self._control, call, origin)
                continue
            if call.direction == "inbound" and call.legs and not _has_party(call, channels):
                # Its StasisStart went to a socket that nobody read, or still waits: the caller is routed now.
                origin = call.legs[0].uniqueid
                self._engine.arrived(origin, _args_of(channels.get(origin)))
                continue
            connection = connection_of(call, channels, bridged.get(f"cc-{call.id}", set()))
            if connection is None:
                continue
            if left_alone(connection):
                # Nobody answered meanwhile: whom the number names then does, or the lease brings him to the fallback.
                if self._engine.router.relieved(call):
                    self._engine.unanswered(call.id, connection.a_id)
                continue
            self._control.adopt(connection)
        for channel in channels:
            call_id = call_of_channel(channel)
            if call_id is not None and self._engine.book.is_over(call_id):
                # A leg of ours whose call is over: nobody waits for it.
                self._control.let_go(channel, 16)
                DRIFT.labels(kind="channel").inc()
        for bridge_id in bridged:
            call_id = call_of_channel(f"{bridge_id}-")
            if call_id is not None and self._engine.book.get(call_id) is None:
                # A bridge of ours whose call is over: nobody else would ever remove it.
                await self._ari.bridges.destroy(bridge_id)
                DRIFT.labels(kind="bridge").inc()


def _read_cel(path: Path, after: float) -> list[Fact]:
    lines = [line for file in (*rotated(path, after), path) for line in read_tail(file)]
    return list(cel_facts(lines, after))


def _args_of(channel: Channel | None) -> list[str]:
    """The arguments that the dialplan gave to ``Stasis()``, none if the channel is not in our application."""
    if channel is None or _app_of(channel) != "Stasis" or channel.get("state") == "Up":
        return []
    return str(channel.get("dialplan", {}).get("app_data", "")).split(",")[1:]


def _first(item: Mapping[str, str]) -> bool:
    """Whether this channel is the oldest one of its call."""
    return item.get("Uniqueid", "") == item.get("Linkedid", "")


def _age(item: Mapping[str, str]) -> str:
    return item.get("Duration", "")


def _stage(channel: Channel | None) -> Stage:
    if channel is None:
        return Stage.ABSENT
    in_stasis = channel.get("dialplan", {}).get("app_name") == "Stasis"
    return stage_of(str(channel.get("state", "")), in_stasis=in_stasis)


def connection_of(call: Call, channels: Mapping[str, Channel], members: set[str]) -> Connection | None:
    """How far the joining of a call is, from what Asterisk has; None if it is none of ours to join."""
    agent_id = _latest(call, channels, agent_channel(call.id, call.relays))
    customer_id = _latest(call, channels, customer_channel(call.id))
    origin = call.legs[0].uniqueid if call.legs else agent_id
    if call.direction == "inbound":
        kind, a_id, b_id = Kind.INBOUND, origin, agent_id
    elif first_channel(origin) == first_channel(agent_id):
        kind, a_id, b_id = Kind.CLICK_TO_CALL, agent_id, customer_id
    else:
        kind, a_id, b_id = Kind.KEYPAD, origin, customer_id
    a, b = channels.get(a_id), channels.get(b_id)
    if a is not None and kind is not Kind.CLICK_TO_CALL and _app_of(a) != "Stasis":
        # It left our application (fallback queue, lease): the dialplan has it now.
        return None
    # A leg that the call had and Asterisk has not is gone: it must not be called a second time.
    b_stage = Stage.GONE if b is None and call.leg(b_id) is not None else _stage(b)
    if b_stage is Stage.GONE and _may_go_on(call, b_id):
        # Its way failed while nobody was there to try the next one.
        b_id, b_stage = next_channel(b_id), Stage.ABSENT
    return Connection(
        call_id=call.id,
        kind=kind,
        a_id=a_id,
        b_id=b_id,
        bridge_id=f"cc-{call.id}",
        a=_stage(a),
        b=b_stage,
        bridged={a_id, b_id} <= members,
    )


def left_alone(connection: Connection) -> bool:
    """Whether a caller is ours, and whoever was rung for him is gone without an answer."""
    a, b = connection.a, connection.b
    return connection.kind is Kind.INBOUND and a is Stage.PRESENT and b is Stage.GONE


def _latest(call: Call, channels: Mapping[str, Channel], first: str) -> str:
    """The channel of a leg's last attempt: the one that Asterisk has, else the last one that the call had."""
    tried = [leg.uniqueid for leg in call.legs if first_channel(leg.uniqueid) == first]
    alive = [name for name in channels if first_channel(name) == first]
    return max(alive or tried, key=lambda name: (len(name), name), default=first)


def _may_go_on(call: Call, channel: str) -> bool:
    """Whether a leg that is gone was never heard, and its way's fault. CEL says no more than the cause."""
    leg = call.leg(channel)
    return (
        leg is not None
        and leg.ringing_at is None
        and leg.answered_at is None
        and bool(trunk_of(leg.channel))
        and way_failed(leg.cause, leg.sip)
    )


def _has_party(call: Call, channels: Mapping[str, Channel]) -> bool:
    """Whether an inbound call has gone to somebody: an agent, or a leg that we made for it."""
    made = (leg.uniqueid for leg in call.legs)
    ours = (name for name in channels if call_of_channel(name) == call.id)
    return call.agent_id is not None or any(relays_of(name) is not None for name in (*made, *ours))


def _app_of(channel: Channel) -> str:
    return str(channel.get("dialplan", {}).get("app_name", ""))
