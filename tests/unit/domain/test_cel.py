"""Asterisk's own record, as it lies on a disk that was not always kind."""

from ccserver.domain.cel import cel_facts
from ccserver.domain.telephony import ChannelGone, ChannelUp


def row(kind: str, at: str, uniqueid: str) -> str:
    return f'"{kind}","{at}","1.1","{uniqueid}","PJSIP/1001-1","","","","","","","{{""hangupcause"":16}}"'


def test_a_line_cut_by_a_crash_takes_no_other_with_it() -> None:
    lines = [
        row("ANSWER", "10.0", "a"),
        row("HANGUP", "11.0", "b")[:20],
        row("ANSWER", "12.0", "c"),
        "\x00" * 40,
        '"' * 200_000,
        row("HANGUP", "13.0", "d"),
        row("ANSWER", "9.0", "old"),
    ]
    assert list(cel_facts(lines, 10.0)) == [
        ChannelUp(at=10.0, uniqueid="a"),
        ChannelUp(at=12.0, uniqueid="c"),
        ChannelGone(at=13.0, uniqueid="d", cause=16, sip=None),
    ]
