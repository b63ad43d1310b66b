"""Ranges of numbers, destinations, and callers who would go round in circles."""

from typing import Any
from uuid import UUID

import pytest
from ccserver.domain.did import check_destination, goes_round, read_range
from ccserver.domain.directory import Destination
from ccserver.domain.errors import Invalid

SOMEBODY = UUID(int=7)


def test_a_range_holds_both_ends() -> None:
    assert read_range("01 23 45 67 08", "0123456711", "FR") == (
        "+33123456708",
        "+33123456709",
        "+33123456710",
        "+33123456711",
    )
    assert read_range("0123456708", "+33 1 23 45 67 08", "FR") == ("+33123456708",)
    assert len(read_range("0123456700", "0123456799", "FR")) == 100


@pytest.mark.parametrize(
    ("first", "last", "field", "code"),
    [
        ("0123456700", "0123456800", "last", "range_too_long"),
        ("0123456701", "0123456700", "last", "range_order"),
        ("0123456701", "+442079460000", "last", "range_lengths"),
        ("15", "18", "number", "number_short"),
        ("0123456701", "12", "last", "number_unknown"),
        ("0123456701", "x", "last", "number_format"),
        ("", "0123456701", "number", "number_format"),
    ],
)
def test_a_wrong_range_is_named(first: str, last: str, field: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        read_range(first, last, "FR")
    assert [(e.field, e.code) for e in error.value.errors] == [(field, code)]


@pytest.mark.parametrize("last", ["9" * 39, "+" + "9" * 38])
def test_a_giant_range_is_refused_at_once(last: str) -> None:
    with pytest.raises(Invalid):
        read_range("0123456700", last, "FR")


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (
            {"target": "agent", "user_id": SOMEBODY, "forward_to": "x"},
            Destination(target="agent", user_id=SOMEBODY),
        ),
        ({"target": "phone", "phone_id": SOMEBODY}, Destination(target="phone", phone_id=SOMEBODY)),
        (
            {"target": "number", "forward_to": "06 12 34 56 78", "user_id": SOMEBODY},
            Destination(target="number", forward_to="+33612345678"),
        ),
        ({"target": "voicemail", "user_id": SOMEBODY}, Destination(target="voicemail")),
        ({"target": "none", "phone_id": SOMEBODY}, Destination()),
    ],
)
def test_only_what_the_target_needs_is_kept(wanted: dict[str, Any], kept: Destination) -> None:
    assert check_destination(Destination(**wanted), "opened", "FR") == kept


@pytest.mark.parametrize(
    ("wanted", "field", "code"),
    [
        ({"target": "agent"}, "closed.user_id", "required"),
        ({"target": "phone", "user_id": SOMEBODY}, "closed.phone_id", "required"),
        ({"target": "number"}, "closed.forward_to", "required"),
        ({"target": "number", "forward_to": "112"}, "closed.forward_to", "number_short"),
        ({"target": "number", "forward_to": "15"}, "closed.forward_to", "number_short"),
        ({"target": "number", "forward_to": "3639"}, "closed.forward_to", "number_short"),
        ({"target": "number", "forward_to": "0123456789&x"}, "closed.forward_to", "number_format"),
        ({"target": "number", "forward_to": "${EXTEN}"}, "closed.forward_to", "number_format"),
        ({"target": "queue"}, "closed.target", "not_a_choice"),
    ],
)
def test_a_wrong_destination_is_named(wanted: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        check_destination(Destination(**wanted), "closed", "FR")
    assert [(e.field, e.code) for e in error.value.errors] == [(field, code)]


def test_callers_who_would_come_back() -> None:
    forwards = {"a": ("b",), "b": ("c", "d"), "d": ("b",)}
    assert goes_round("x", "x", {})
    assert goes_round("c", "a", forwards)
    assert not goes_round("x", "a", forwards)  # b and d go round, and x is not among them
    assert not goes_round("x", "y", {})
