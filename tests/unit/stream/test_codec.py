"""Frames: the bytes that go on the wire."""

import json

import pytest
from ccserver.live.view import Entry
from ccserver.web.stream import codec
from ccserver.web.stream.codec import Pieces
from ccserver.web.stream.pending import Pending
from hypothesis import given
from hypothesis import strategies as st

from tests.rig.owner import change


def read_websocket(data: bytes) -> tuple[int, bytes]:
    """The opcode and payload of one frame, read by the letter of RFC 6455."""
    opcode, size, at = data[0], data[1], 2
    assert opcode & 0xF0 == 0x80, "final, no extension"
    assert size < 128, "a server does not mask"
    if size > 125:
        at = 4 if size == 126 else 10
        size = int.from_bytes(data[2:at], "big")
        assert size > (125 if at == 4 else 65_535), "the shortest form"
    assert len(data) == at + size
    return opcode & 0x0F, data[at:]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_text_frame_of_any_size_is_read_back(size: int):
    payload = b"x" * size
    assert read_websocket(codec.websocket_frame(payload)) == (1, payload)


def test_a_close_frame_has_code_and_a_reason_that_fits():
    opcode, payload = read_websocket(codec.websocket_close(4008, "x" * 500))
    assert opcode == 8 and payload == (4008).to_bytes(2, "big") + b"x" * 123


def test_an_event_is_one_chunk_with_its_position():
    frame = codec.delta("e", 1, 2, 3.5, [Pieces(change("agents", "a", {"n": 1})).row])
    size, rest = frame.sse.split(b"\r\n", 1)
    event = rest[: int(size, 16)]
    assert rest == event + b"\r\n"
    identity, data = event.decode().strip().split("\n")
    assert identity == "id: e:2"
    assert json.loads(data.removeprefix("data: ")) == json.loads(frame.payload)


text = st.text(max_size=20)
rows = st.dictionaries(
    text,
    text | st.integers(-(2**53), 2**53) | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    max_size=5,
)


@given(text, st.lists(st.tuples(text, text, st.none() | rows), max_size=5), st.floats(0, 2e9))
def test_composed_frames_are_the_json_they_stand_for(epoch, changes, as_of):
    made = [change(topic, key, row) for topic, key, row in changes]
    frame = codec.delta(epoch, 1, 2, as_of, (Pieces(c).row for c in made))
    assert json.loads(frame.payload) == {
        "type": "delta",
        "epoch": epoch,
        "prev": 1,
        "seq": 2,
        "as_of": as_of,
        "changes": [list(c) for c in changes],
    }
    assert b"\n" not in frame.payload and b"\r" not in frame.payload, "an event stream would break"
    tables = {topic: {key: row} for topic, key, row in changes}
    frame = codec.snapshot(
        epoch,
        2,
        as_of,
        None,
        ((t, [change(t, k, r) for k, r in x.items()]) for t, x in tables.items()),
        ["me"],
    )
    told = json.loads(frame.payload)
    assert told["topics"] == tables and told["reload"] == ["me"] and told["blind_since"] is None


def entry(seq: int, key: str, retain: bool = True) -> Entry:
    made = change("t", key, {"seq": seq}, retain=retain)
    return Entry(seq, float(seq), made, made.scope, None)


def test_pending_keeps_the_latest_of_a_key_and_all_announcements():
    pending = Pending()
    for e in (entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "x", False), entry(5, "x", False)):
        pending.add(e, Pieces(e.change).row)
    seqs = [json.loads(piece)[2]["seq"] for piece in pending.pieces()]
    assert seqs == [2, 3, 4, 5]
    assert pending.oldest_at == 1.0 and pending.size == sum(map(len, pending.pieces()))
    pending.clear()
    assert (len(pending), pending.size) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30), st.integers(0, 30))
def test_merging_is_the_same_as_adding_in_order(keys, cut):
    entries = [entry(i, key, retain) for i, (key, retain) in enumerate(keys)]
    whole, first, second = Pending(), Pending(), Pending()
    for i, e in enumerate(entries):
        whole.add(e, Pieces(e.change).row)
        (first if i < cut else second).add(e, Pieces(e.change).row)
    first.merge(second)
    assert list(first.pieces()) == list(whole.pieces())
    assert first.size == whole.size
