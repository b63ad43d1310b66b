"""AMI's wire format: whatever way the network cuts the bytes, the messages are the same."""

import itertools

import pytest
from ccserver.telephony.ami_codec import Framer, MessageTooLong, parse_message
from hypothesis import given
from hypothesis import strategies as st

# What Asterisk may put into a value: any text but line ends.
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30)
NAMES = st.from_regex(r"[A-Z][A-Za-z0-9]{0,9}", fullmatch=True).filter(lambda name: name != "Event")
MESSAGES = st.lists(st.dictionaries(NAMES, VALUES, max_size=6), min_size=1, max_size=6)


def encoded(messages: list[dict[str, str]]) -> bytes:
    return "".join(
        "Event: E\r\n" + "".join(f"{name}: {value}\r\n" for name, value in message.items()) + "\r\n"
        for message in messages
    ).encode()


@given(MESSAGES, st.lists(st.integers(0, 2000), max_size=12))
def test_any_cut_gives_the_same_messages(messages: list[dict[str, str]], cuts: list[int]) -> None:
    data = encoded(messages)
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    framer = Framer()
    texts = [text for a, b in itertools.pairwise(bounds) for text in framer.feed(data[a:b])]
    assert [parse_message(text) for text in texts] == [{"Event": "E", **message} for message in messages]
    assert framer.pending_bytes == 0


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    framer = Framer()
    for chunk in chunks:
        for text in framer.feed(chunk):
            parsed = parse_message(text)
            assert parsed is None or "Event" in parsed or "Response" in parsed


def test_byte_by_byte_is_the_worst_cut() -> None:
    data = encoded([{"CallerIDName": "Zoé ☎"}, {"X": ""}])
    framer = Framer()
    texts = [text for byte in data for text in framer.feed(bytes([byte]))]
    assert [parse_message(text) for text in texts] == [
        {"Event": "E", "CallerIDName": "Zoé ☎"},
        {"Event": "E", "X": ""},
    ]


def test_an_endless_message_is_given_up() -> None:
    framer = Framer(limit_bytes=1000)
    framer.feed(b"Event: E\r\n\r\n" + b"x" * 900)
    with pytest.raises(MessageTooLong):
        framer.feed(b"y" * 200)


def test_the_limit_is_for_one_message_not_for_a_busy_stream() -> None:
    framer = Framer(limit_bytes=100)
    for _ in range(50):
        assert len(framer.feed(b"Event: E\r\n\r\n" * 20 + b"Event: ")) == 20
        assert framer.feed(b"X\r\n\r\n") == ["Event: X"]


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("Event: A\r\nX: 1\r\nX: 2", {"Event": "A", "X": "1\n2"}),
        ("Event: A\r\nX:", {"Event": "A", "X": ""}),
        ("Event: A\r\nX: a: b", {"Event": "A", "X": "a: b"}),
        ("Event: A\r\nno colon here\r\nX: 1", {"Event": "A", "X": "1"}),
        (
            "Response: Success\r\nOutput: a\r\nOutput: \r\nOutput:  b",
            {"Response": "Success", "Output": "a\n\n b"},
        ),
        ("X: 1", None),
        ("", None),
    ],
)
def test_headers(text: str, headers: dict[str, str] | None) -> None:
    assert parse_message(text) == headers
