"""What the channels are called that we make: by their names a call and its parties are found again after a restart.

``cc-<call>-customer``, ``cc-<call>-agent``, ``cc-<call>-relay1``: one party each; its next attempts, by other trunks,
are ``...-2``, ``...-3``.
"""

from typing import Final

AGENT: Final = "agent"
RELAY: Final = "relay"
"""Our side's first party, and those to whom a caller is relayed (``relay1``, ``relay2``)."""


def next_channel(channel: str) -> str:
    """The id of a leg's next attempt: ``cc-...-customer``, ``cc-...-customer-2``, ``-3``."""
    stem, _, count = channel.rpartition("-")
    return f"{stem}-{int(count) + 1}" if _counts(count) else f"{channel}-2"


def first_channel(channel: str) -> str:
    """The id of a leg's first attempt, from any attempt's."""
    stem, _, count = channel.rpartition("-")
    return stem if channel.startswith("cc-") and _counts(count) else channel


def _counts(text: str) -> bool:
    return len(text) < 3 and text.isdecimal()


def our_role(relays: int) -> str:
    """The role in the channel's name of our side's party after so many have not answered."""
    return f"{RELAY}{relays}" if relays else AGENT


def relays_of(channel: str) -> int | None:
    """Which of our side's parties a channel that we made is, 0 for the first; None for any other channel."""
    stem = first_channel(channel)
    if not stem.startswith("cc-"):
        return None
    role = stem.rpartition("-")[2]
    count = role.removeprefix(RELAY)
    return 0 if role == AGENT else int(count) if role.startswith(RELAY) and _counts(count) else None
