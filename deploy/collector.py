"""Python's garbage collector, set for a process that makes a great many short-lived values."""

import gc

ALLOCATIONS_BETWEEN_PASSES = 50_000
"""The default is 700: with a batch of 500 sends it would run a hundred times, and find nothing."""
OLD_PASSES_APART = 100


def spare_the_collector() -> None:
    """What is loaded now stays for good, so never look at it again; and look at the rest less often.

    A full pass over what a busy worker remembers takes 40-60 ms, as long as a whole batch. Reference counting
    frees almost everything at once; the collector is for cycles alone, of which the hot path makes none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_BETWEEN_PASSES, 10, OLD_PASSES_APART)
