"""A site's list of outgoing routes."""

from uuid import UUID

import pytest
from ccserver.domain.errors import Invalid
from ccserver.domain.route import RouteLine, check_routes

ONE, TWO = UUID(int=1), UUID(int=2)


def test_prefixes_are_brought_to_one_spelling() -> None:
    lines = [RouteLine(trunk_id=ONE, prefix=" "), RouteLine(trunk_id=ONE, prefix="+33 6", priority=2)]
    assert [(r.prefix, r.priority) for r in check_routes(lines)] == [("", 1), ("+336", 2)]
    assert check_routes([]) == ()


def test_wrong_lines_are_named_by_their_place() -> None:
    lines = [
        RouteLine(trunk_id=ONE, prefix="+33"),
        RouteLine(trunk_id=TWO, prefix="0033"),
        RouteLine(trunk_id=ONE, prefix="+3 3"),
        RouteLine(trunk_id=TWO, prefix="+33"),
        RouteLine(trunk_id=TWO, prefix="+33X"),
    ]
    with pytest.raises(Invalid) as error:
        check_routes(lines)
    assert [(e.field, e.code) for e in error.value.errors] == [
        ("routes[1].prefix", "prefix_format"),
        ("routes[2].trunk_id", "route_twice"),
        ("routes[4].prefix", "prefix_format"),
    ]
