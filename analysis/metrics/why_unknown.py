"""Why a figure of a run is unknown, in a few words."""

from perplab.analysis.estimators.series import WARMUP_HOURS
from perplab.analysis.estimators.unit_root import SHORTEST_REGRESSION, WEEK_HOURS

HALF_LIFE_HOURS = WEEK_HOURS + SHORTEST_REGRESSION


def reason(key, summary, hours, twin):
    """Return why a figure is unknown.

    Parameters
    ----------
    key : str
    summary : dict
    hours : float
        Length of the run.
    twin : bool
        Whether the exact twin ran beside it.

    Examples
    --------
    >>> reason("amplification", {}, 48, False), reason("amplification", {"liquidations": 0}, 48, True)
    ('no twin', 'no liquidation')
    >>> reason("basis_half_life_hours", {}, 48, False), reason("funding_mean_bps_8h", {}, 2, False)
    ('run too short: 216 h needed', 'no settlement')
    """
    if key == "amplification":
        return "no liquidation" if twin else "no twin"
    if key == "basis_half_life_hours":
        needed = HALF_LIFE_HOURS + WARMUP_HOURS
        return (
            f"run too short: {needed:g} h needed"
            if hours < needed
            else "it cannot be told from a random walk"
        )
    if key.startswith("funding_"):
        return (
            "no settlement"
            if summary.get("funding_mean_bps_8h") is None
            else "too few settlements, or all alike"
        )
    return "no row to tell it from"
