"""What a site's list of outgoing routes may be."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ccserver.domain.errors import FieldError, Invalid
from ccserver.domain.site import read_prefix


class RouteLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list as somebody wrote it; ``prefix`` "" is for all numbers."""

    trunk_id: UUID
    prefix: str = ""
    priority: int = 1


def check_routes(lines: Sequence[RouteLine]) -> tuple[RouteLine, ...]:
    """The lines with their prefixes in one spelling.

    Raises Invalid naming lines by their place: a malformed prefix, a trunk that is there twice for one prefix.
    """
    errors: list[FieldError] = []
    kept: list[RouteLine] = []
    seen: set[tuple[str, UUID]] = set()
    for index, line in enumerate(lines):
        prefix = read_prefix(line.prefix) if line.prefix.strip() else ""
        if prefix is None:
            errors.append(FieldError(f"routes[{index}].prefix", "prefix_format"))
            continue
        if (prefix, line.trunk_id) in seen:
            errors.append(FieldError(f"routes[{index}].trunk_id", "route_twice"))
        seen.add((prefix, line.trunk_id))
        kept.append(msgspec.structs.replace(line, prefix=prefix))
    if errors:
        raise Invalid(*errors)
    return tuple(kept)
