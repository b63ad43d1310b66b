"""The garbage collector, told what this server's memory is like."""

import gc

YOUNG, MIDDLE, OLD = 10_000, 20, 50


def settle() -> None:
    """What was loaded by now stays for ever: the collector need not walk through it again.

    With Python's own thresholds a burst of events makes full collections, each of which walks through every loaded
    module: 80 ms in which no call, board or ping moves. Rows and records are freed by their counts; cycles are rare.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
