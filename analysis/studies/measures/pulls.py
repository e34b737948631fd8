"""The pull of funding on a crowded market: a run beside its branch "zero", with all rates zero.

The first day after the branch point is left out of means.
"""

import numpy as np

from perplab.analysis.estimators.closes import BP, FUNDING_HOURS, HOUR
from perplab.analysis.estimators.impulse_response import basis_difference
from perplab.analysis.estimators.series import market_facts, mean, plain

SETTLING_SHARE = 0.1
CARRY_KINDS = ("carry", "arbitrage")
CROWD_KINDS = ("speculator", "directional_short")


def pull_run(outcomes):
    """Return the pull of funding and the positions that make it.

    Returns
    -------
    dict of str to float or None
        ``pull_bps``: basis with funding less that at zero rates; ``carry_usd``: long positions of
        carry traders with funding less those without; ``shorts_usd``: shorts of the crowd at zero
        rates less those with funding, so positive where funding makes shorts leave;
        ``funding_mean``, ``basis_mean``, ``zero_basis_mean``; ``shorts_paid_usd``: what the crowd
        paid in funding since the branch point.
    """
    base, zero = outcomes["base"].records, outcomes["zero"].records
    since = branch_seconds(base, zero)
    end = base.series[0]["seconds"][-1]
    start = since + SETTLING_SHARE * (end - since)
    seconds, apart = basis_difference(base, zero)
    return plain(
        {
            "pull_bps": known_mean(apart[seconds >= start]),
            "carry_usd": held(base, CARRY_KINDS, "lots", start)
            - held(zero, CARRY_KINDS, "lots", start),
            "shorts_usd": shorts(zero, start) - shorts(base, start),
            "funding_mean": mean(rates_after(base, since)),
            "basis_mean": basis_after(base, start),
            "zero_basis_mean": basis_after(zero, start),
            "shorts_paid_usd": funding_paid(base, since),
        }
    )


def branch_seconds(base, zero):
    """Return the last time up to which two runs agree in every recorded row of the market."""
    one, other = base.series[0], zero.series[0]
    apart = np.flatnonzero(one != other)
    return float(one["seconds"][max(apart[0] - 1, 0)]) if len(apart) else float(one["seconds"][0])


def known_mean(values):
    """Return the mean of the finite values, NaN of none."""
    return mean(values[np.isfinite(values)])


def held(records, kinds, field, start):
    """Return the mean position of kinds from a time on, quote currency at the first spot price."""
    names = [k for k, name in enumerate(records.kind_names) if name in kinds]
    late = records.kinds[records.kinds["seconds"][:, 0] >= start]
    price = market_facts(records)["lot"] * records.series[0]["spot"][0]
    return mean(late[field][:, names].sum(axis=1)) * price


def shorts(records, start):
    """Return the mean short position of the crowd from a time on, quote currency."""
    return held(records, CROWD_KINDS, "long_lots", start) - held(
        records, CROWD_KINDS, "lots", start
    )


def rates_after(records, start):
    """Return the rates settled after a time, bp per 8 h."""
    settled = records.settlements[records.settlements["seconds"] > start]
    interval = market_facts(records)["interval_seconds"] / HOUR
    return settled["rate"] * BP * FUNDING_HOURS / interval


def basis_after(records, start):
    """Return the mean basis from a time on, bp."""
    series = records.series[0]
    late = series[(series["seconds"] >= start) & (series["mid"] > 0)]
    return mean((late["mid"] / late["spot"] - 1.0) * BP)


def funding_paid(records, since):
    """Return the funding that the crowd paid since a time, net, quote currency."""
    names = [k for k, name in enumerate(records.kind_names) if name in CROWD_KINDS]
    funding = records.kinds["funding"][:, names].sum(axis=1)
    first = min(
        int(np.searchsorted(records.kinds["seconds"][:, 0], since, side="left")), len(funding) - 1
    )
    return -float(funding[-1] - funding[first]) * records.meta["unit"]
