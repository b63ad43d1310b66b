"""Asterisk's own record of channel events (CEL, ``cel_custom`` as rendered by us) as facts.

It is written to the file within milliseconds and outlives any client: what it says of an outage is exact.
Columns: eventtype, eventtime (epoch seconds with microseconds), linkedid, uniqueid, channame, num, exten, context,
appname, appdata, bridgepeer, eventextra (JSON of the event type; HANGUP has hangupcause, hangupsource, dialstatus).
"""

import csv
from collections.abc import Iterable, Iterator

import msgspec

from ccserver.domain.normalise import number_or_none
from ccserver.domain.telephony import ChannelCreated, ChannelGone, ChannelUp, Fact, endpoint_of

_COLUMNS = 12


def cel_facts(lines: Iterable[str], after: float) -> Iterator[Fact]:
    """Facts of the rows that happened at or after ``after`` (epoch seconds), in file order.

    Rows that cannot be read (a line cut by a crash) are passed over.
    """
    for line in lines:
        try:
            # Each line on its own: a quote that a crash left open must not swallow the lines after it.
            row = next(csv.reader((line,)), [])
        except csv.Error:
            continue
        if len(row) < _COLUMNS:
            continue
        try:
            at = float(row[1])
        except ValueError:
            continue
        if at < after:
            continue
        fact = _fact(row, at)
        if fact is not None:
            yield fact


def _fact(row: list[str], at: float) -> Fact | None:
    kind, uniqueid, channel = row[0], row[3], row[4]
    match kind:
        case "CHAN_START":
            return ChannelCreated(
                at=at,
                uniqueid=uniqueid,
                linkedid=row[2] or uniqueid,
                channel=channel,
                endpoint=endpoint_of(channel),
                context=row[7],
                exten=row[6],
                caller=row[5],
            )
        case "ANSWER":
            return ChannelUp(at=at, uniqueid=uniqueid)
        case "HANGUP":
            return ChannelGone(at=at, uniqueid=uniqueid, cause=_cause(row[11]), sip=None)
        case _:
            return None


def _cause(extra: str) -> int | None:
    try:
        detail = msgspec.json.decode(extra.encode(), type=dict[str, object])
    except msgspec.DecodeError:
        return None
    return number_or_none(str(detail.get("hangupcause", "")))
