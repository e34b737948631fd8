"""The length of the funding interval.

Cut after a settlement at the cap, restored after enough settlements below it.
"""

from perplab.sim.compiler.jit import kernel
from perplab.sim.compiler.tables import row

INTERVAL_LAW = row(
    ("short_seconds", "f8"),  # 0: the interval is never cut
    ("base_seconds", "f8"),
    ("base_interest", "f8"),  # interest rate of the base interval
    ("restore_after", "i8"),  # settlements below the cap
)


@kernel
def adapts(law):
    """Return whether the venue ever cuts its interval."""
    return law["short_seconds"] > 0.0


@kernel
def next_interval(law, seconds, capped, below_cap):
    """Return the seconds of the next interval.

    Parameters
    ----------
    law : INTERVAL_LAW record
    seconds : float
        Of the interval that has ended.
    capped : bool
        Whether it ended at the cap.
    below_cap : int
        Settlements in a row below the cap, this one included.
    """
    if capped:
        return law["short_seconds"]
    return law["base_seconds"] if below_cap >= law["restore_after"] else seconds


@kernel
def interest_of(law, seconds):
    """Return the interest rate of an interval of `seconds`.

    That of the base interval in proportion to time.
    """
    return law["base_interest"] * (seconds / law["base_seconds"])
