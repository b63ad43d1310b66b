"""Identifiers: UUIDv7 (RFC 9562), made from an instant and entropy given by the caller."""

import hashlib
from datetime import datetime
from uuid import UUID

_NAMESPACE = b"ccserver:"


def uuid7(at_ms: int, entropy: bytes) -> UUID:
    """A UUIDv7 for the instant ``at_ms`` (milliseconds since the epoch) and 10 bytes of ``entropy``."""
    if len(entropy) != 10:
        raise ValueError("uuid7 wants 10 bytes of entropy")
    value = (at_ms & (2**48 - 1)) << 80 | int.from_bytes(entropy, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def derived_id(at: datetime, *parts: str) -> UUID:
    """The same UUIDv7 for the same instant and parts, whoever computes it and how often.

    Calls that Asterisk starts (inbound, keypad) get their id from Asterisk's own name and linkedid, so a
    server that was killed and a standby that takes over agree on the id without asking anybody.
    """
    digest = hashlib.sha256(_NAMESPACE + "\x00".join(parts).encode()).digest()
    return uuid7(int(at.timestamp() * 1000), digest[:10])


def floor_id(at: datetime) -> UUID:
    """The smallest UUIDv7 of the instant ``at``: a bound for range scans over time-ordered keys."""
    return UUID(int=(int(at.timestamp() * 1000) & (2**48 - 1)) << 80)
