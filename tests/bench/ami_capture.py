"""A capture of hundreds of calls, made by multiplying the golden ones (tests/golden).

Each copy is a call of its own: new uniqueids, linkedids, channel names, bridge ids, call ids and customer numbers,
another agent, and times shifted so that calls begin at an even rate and overlap as on a busy day. The order is that
of Asterisk's own timestamps. Nothing is left out: the noise that an AMI user of ours gets is there.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"
EPOCH = 1_795_300_000
RATE = 40.0
FIRST_EXTENSION = 2000
EXTENSIONS = 200

_OWN_ID = re.compile(r"cc-[0-9a-f-]{36}")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_UNIQUEID = re.compile(r"\b\d{10}\.(\d{1,4})(?=\r\n)")
_STAMP = re.compile(r"Timestamp: (\d+\.\d+)")
_CHANNEL = re.compile(r"-[0-9a-f]{8}(?=[\r;,]|$)")
_EXTENSION = re.compile(r"\b100[12]\b")
_MOBILE = re.compile(r"(\+33|0)6\d{8}\b")


@dataclass(frozen=True)
class Capture:
    """Bytes as they come on an AMI socket. ``extensions``: the phones that the calls use."""

    messages: tuple[bytes, ...]
    calls: int
    shapes: int
    extensions: tuple[str, ...]

    @property
    def how(self) -> str:
        """In words, for the table."""
        size = sum(map(len, self.messages))
        return (
            f"{len(self.messages):,} AMI events of {self.calls} calls, {size / 1e6:.1f} MB:"
            f" {self.shapes} golden captures of a real Asterisk 22 in turn, each copy with ids, agent,"
            f" numbers and times of its own, beginning {RATE:.0f} a second and overlapping"
        )


def golden_shapes() -> list[list[str]]:
    """The AMI messages of every golden capture that has any."""
    shapes = []
    for path in sorted(GOLDEN.glob("*.jsonl")):
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        messages = [entry["raw"] for entry in entries if entry["src"] == "ami"]
        if messages:
            shapes.append(messages)
    return shapes


def _copy(shape: list[str], number: int, begins: float) -> Iterator[tuple[float, str]]:
    """One call like ``shape``, as (instant, message)."""
    first = float(_STAMP.findall(shape[0])[0])
    own = f"cc-{number:08x}-0000-7000-8000-{number:012x}"
    mobile = f"6{10_000_000 + number:08d}"
    for message in shape:
        at = begins + float(_STAMP.findall(message)[0]) - first
        text = _OWN_ID.sub(own, message)
        text = _UUID.sub(lambda m: m[0] if own.endswith(m[0]) else f"{m[0][:24]}{number:012x}", text)
        text = _UNIQUEID.sub(lambda m: f"{EPOCH + number}.{m[1]}", text)
        text = _CHANNEL.sub(lambda m: f"-{int(m[0][1:], 16) + number * 64:08x}", text)
        text = _EXTENSION.sub(lambda m: extension_of(number, int(m[0]) - 1001), text)
        text = _MOBILE.sub(lambda m: m[1] + mobile, text)
        yield at, _STAMP.sub(f"Timestamp: {at:.6f}", text)


def extension_of(number: int, which: int) -> str:
    """The phone of a copy; the second phone of an internal call is far from all first ones in use."""
    return str(FIRST_EXTENSION + (number + which * EXTENSIONS // 2) % EXTENSIONS)


def multiply(calls: int) -> Capture:
    """``calls`` copies of the golden captures in turn, in the order of Asterisk's clock."""
    shapes = golden_shapes()
    timed: list[tuple[float, int, str]] = []
    for number in range(calls):
        for at, message in _copy(shapes[number % len(shapes)], number, EPOCH + number / RATE):
            timed.append((at, len(timed), message))
    timed.sort()
    return Capture(
        messages=tuple(message.encode() for _, _, message in timed),
        calls=calls,
        shapes=len(shapes),
        extensions=tuple(str(FIRST_EXTENSION + n) for n in range(EXTENSIONS)),
    )
