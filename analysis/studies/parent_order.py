"""The response of the basis to a fixed parent order, between twin runs.

Copies of one state of a running market continue with the same random numbers, with and without a
trader who sells a fixed amount over an hour, under each of three arms of funding: *on*; *zero*,
where every rate is 0 (a cap of 0), so that nothing is paid or expected but carry traders still
quote; and *off*, where they do not quote either. The difference of the bases of two copies is the
response. States: *inside* the damper's dead band (`calm`), *outside* it (`calm`, premium below the
dead band, where funding responds to it), and *crowded* (shorts crowd in, funding far below zero).
"""

import itertools

from rich.table import Table

from perplab.agents.parent_order import ParentOrder
from perplab.analysis.estimators.impulse_response import RESPONSE_HOURS, response
from perplab.analysis.estimators.series import BPS, HOUR_SECONDS, mean_interval
from perplab.scenarios.files.loader import build, load
from perplab.sim.laws.funding import cap_at_zero, dead_band

SIZE_USD = -1_000_000
PARENT = {
    "populations.parent": {
        "kind": "perplab.agents.parent_order:ParentOrder",
        "number": 1,
        "size_usd": SIZE_USD,
    }
}
EARLIEST_HOURS, LATEST_HOURS = 96, 480
CLEARANCE_BPS = 0.5
WINDOW_SECONDS = 3600.0
FUNDING = ("on", "zero", "off")
STATES = {
    "calm": {"inside": "inside", "outside": "outside"},
    "short-crowding": {"outside": "crowded"},
}
VARIANTS = {
    "as it is": {},
    "no convergence belief": {"populations.arbitrage.convergence_share": 0.0},
    "arbitrage capital / 4": {"populations.arbitrage.capital_usd": 95_000.0},
    "arbitrage capital x 4": {"populations.arbitrage.capital_usd": 1_400_000.0},
    "spot_anchor 0.5": {"populations.providers.spot_anchor": 0.5},
    "spot_anchor 1": {"populations.providers.spot_anchor": 1.0},
}


def premium_state(premium, low, high, clearance=CLEARANCE_BPS / BPS):
    """Return where a premium is to the dead band.

    Inside, outside (below it), or None near an edge or above.

    Examples
    --------
    >>> [premium_state(premium, -4e-4, 6e-4) for premium in (0.0, -6e-4, -4e-4)]
    ['inside', 'outside', None]
    """
    if premium < low - clearance:
        return "outside"
    return "inside" if low + clearance < premium < high - clearance else None


def states_of(market, wanted):
    """Run a market hour by hour until it has been in each wanted state.

    Give each state with the market in it, once.
    """
    hour, missing = round(HOUR_SECONDS / market.setup.dt), set(wanted)
    market.run(EARLIEST_HOURS * hour)
    for _ in range(EARLIEST_HOURS, LATEST_HOURS):
        view = market.tables["view"][0]
        state = premium_state(view["premium_30m"], *dead_band(view["funding_law"], view["seen"]))
        if state in missing:
            missing.remove(state)
            yield state, market
        if not missing:
            return
        market.run(hour)


def switch_funding(market, arm):
    """Let the rates of a market be 0 from now on ("zero"), or end its funding with the carry
    traders' quotes ("off").
    """
    if arm == "on":
        return
    for table in (market.tables["market"], market.tables["view"]):
        if arm == "zero":
            cap_at_zero(table["funding_law"])
        else:
            table["funding_on"] = 0
    for field in ("funding_rate", "predicted_funding"):
        market.tables["view"][field] = 0


def copy_run(market, hours, order, funding):
    """Return the records of a copy of a market after some more hours.

    With or without the order, under an arm of funding.
    """
    copy = market.branch()
    switch_funding(copy, funding)
    if order:
        copy.traits[copy.kinds.index(ParentOrder)]["start_hours"] = (
            copy.step_number * copy.setup.dt / HOUR_SECONDS
        )
    copy.run(round(hours * HOUR_SECONDS / copy.setup.dt))
    return copy.records()


def responses_from(market):
    """Return the response from a state by arm of funding."""
    start = market.step_number * market.setup.dt
    hours = max(RESPONSE_HOURS) + 1
    return {
        funding: response(
            copy_run(market, hours, True, funding),
            copy_run(market, hours, False, funding),
            start,
            start + HOUR_SECONDS,
            window_seconds=WINDOW_SECONDS,
        )
        for funding in FUNDING
    }


def twin_responses(changes, seed):
    """Return the responses of one seed by state of the market.

    A state that did not occur is left out.

    Parameters
    ----------
    changes : mapping of str to object
        Changes to the scenarios by dotted key.
    seed : int

    Returns
    -------
    dict of str to dict of str to dict
        By state, then by arm of funding, as
        `perplab.analysis.estimators.impulse_response.response`.
    """
    found = {}
    for scenario, names in STATES.items():
        days = (LATEST_HOURS + max(RESPONSE_HOURS) + 1) / 24
        market = build(load(scenario, {**PARENT, **changes, "days": days}), seed)
        found |= {
            names[state]: responses_from(reached) for state, reached in states_of(market, names)
        }
    return found


def response_table(results, seeds, dt):
    """Return the table of the responses: peak and remaining displacement after each hour.

    Means and 95 % intervals.

    Parameters
    ----------
    results : dict of str to sequence of dict
        By variant, then by seed: from `twin_responses`.
    seeds : int
    dt : float, seconds
    """
    title = (
        "response of the basis (bp, mean over the hour before, ± half the 95 % interval) to "
        f"selling {-SIZE_USD:,} over 1 h, dt {dt:g} s, {seeds} seeds"
    )
    made = Table(title=title, title_justify="left")
    hours = (f"after {hours} h" for hours in RESPONSE_HOURS)
    for name in ("market", "state", "funding", "n", "peak, bp", *hours):
        made.add_column(name, no_wrap=True)
    states = [name for names in STATES.values() for name in names.values()]
    for variant, state, funding in itertools.product(results, states, FUNDING):
        found = [each[state][funding] for each in results[variant] if state in each]
        if found:
            made.add_row(variant, state, funding, str(len(found)), *response_cells(found))
    return made


def response_cells(found):
    """Return the cells of one row: the peak, then the displacement after each hour."""
    columns = [[one["peak_bps"] for one in found]] + [
        [one["bps"][hours] for one in found] for hours in RESPONSE_HOURS
    ]
    return [interval_cell(column) for column in columns]


def interval_cell(values):
    """Return mean and half-width of its 95 % interval in one cell.

    Examples
    --------
    >>> interval_cell([1.0, 2.0, 3.0])
    '2.00 ± 2.48'
    """
    centre, low, _ = mean_interval(values)
    return (
        "-"
        if centre is None
        else f"{centre:.2f}" + ("" if low is None else f" ± {centre - low:.2f}")
    )
