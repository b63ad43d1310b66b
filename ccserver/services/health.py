"""What /health says: each part, whether it is up, since when, and how far it lags."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec


class PartHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One part. ``since``: epoch seconds of its last change. ``lag``: age in seconds of what waits there."""

    up: bool
    since: float
    lag: float = 0.0
    detail: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """All parts; ``status`` is ok, degraded (it serves, something is away) or down."""

    status: str
    node: str
    parts: dict[str, PartHealth]


@dataclass(frozen=True, slots=True)
class _Part:
    probe: Callable[[], PartHealth]
    required: bool


class HealthRegistry:
    """Parts register a probe: a plain function that returns what is known now and never waits."""

    def __init__(self, node: str = "") -> None:
        self._node = node
        self._parts: dict[str, _Part] = {}

    def add(self, name: str, probe: Callable[[], PartHealth], *, required: bool = False) -> None:
        """``required``: without this part the node can serve nobody, and /health answers 503."""
        self._parts[name] = _Part(probe, required)

    def look(self) -> Health:
        """The present state of every part."""
        states = {name: part.probe() for name, part in sorted(self._parts.items())}
        status = "ok"
        if any(not state.up for state in states.values()):
            status = "degraded"
        if any(part.required and not states[name].up for name, part in self._parts.items()):
            status = "down"
        return Health(status=status, node=self._node, parts=states)
