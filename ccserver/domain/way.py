"""When another trunk may carry a call that one did not: what speaks of the trunk, and what of the number.

Read with decision 0021. The dialplan goes by the same table while no server runs (asterisk-config, ``[final]``).
"""

from typing import Final

_FINAL_4XX: Final = (404, 410, 433, 480, 482, 483, 484, 485, 486, 487)
FINAL_SIP: Final = frozenset({*range(300, 400), *_FINAL_4XX, *range(600, 700)})
"""What is said of the number or by whoever has it, and would be the same by any way.

482 and 483 too: a call that goes round is not helped by going round once more.
"""
FINAL_PATTERNS: Final = ("_3XX", *map(str, _FINAL_4XX), "_6XX")
"""The same for the dialplan."""

# Asterisk 22 makes causes of statuses (measured): 500 -> 38, 503 -> 34, 488 -> 58, 403 and 603 -> 21, no reply to the
# INVITE -> 18 with 408 of its own making. Only where no status is known (Asterisk's own record, a call that never left)
# the cause decides, and then 18, 21 and 127 do not: they stand for statuses of both kinds, and nobody is to be rung
# twice.
WAY_CAUSES: Final = frozenset({3, 20, 25, 27, 34, 38, 41, 42, 44, 47, 57, 58, 63, 65, 69, 79, 88, 95, 111})
"""No route, no circuit, an element or line of this way out of order or barred, this way's codecs or messages unfit."""


def way_failed(cause: int | None, sip: int | None) -> bool:
    """Whether a leg of which nothing was heard failed for its trunk's sake, so that another may carry the call."""
    if sip is not None and sip >= 300:
        return sip not in FINAL_SIP
    return cause in WAY_CAUSES
