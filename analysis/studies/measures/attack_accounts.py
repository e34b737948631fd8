"""The accounts of an attack: its profit by source, the cost of its push, who paid for it.

Amounts are in quote currency. The attacker is the population "attacker", the only one of its kind.
Its profit has four *legs*: the perpetual (trades, and what liquidation took or forgave), spot
(trades and borrow interest), funding, fees (`perplab.analysis.metrics.losses`).

Runs are compared with two branches: "without", in which the attacker never begins, and "no push",
in which it builds the same position and unwinds it, but pushes nothing. The control arm of a
study is the same push against victims at low leverage (`perplab.analysis.studies.experiments`).
"""

import numpy as np

from perplab.analysis.estimators.series import HOUR_SECONDS, forced_events, market_facts, plain
from perplab.analysis.metrics.cascade import liquidated_notional
from perplab.analysis.metrics.episodes import attack_figures, luck_of, prices_at, shorts_by_channel
from perplab.analysis.metrics.losses import legs_of, profit_rows, rows_of_kind
from perplab.analysis.metrics.summary import summarize
from perplab.analysis.studies.measures.short_exits import trader_rows

PAYERS = {
    "directional long": "crowd",
    "directional short": "crowd",
    "speculator": "crowd",
    "arbitrage": "carry",
    "carry": "carry",
    "liquidity": "providers",
    "provider": "providers",
    "insurance fund": "fund",
    "venue, fees": "venue",
    "external (spot, borrow)": "outside",
}
GROUPS = ("crowd", "carry", "providers", "others", "fund", "venue", "outside")


def attack_value_run(outcomes):
    """Return the accounts of an attack beside its branches "without" and "no push"."""
    base, control = outcomes["base"].records, outcomes["without"].records
    attacker = outcomes["base"].scenario.populations["attacker"]
    kind = attacker.kind
    figures = accounts_of_attack(base, control, kind, push_window(attacker.traits))
    if "no push" in outcomes:
        quiet = profit_figures(outcomes["no push"].records, control, kind)
        figures["net_of_no_push_usd"] = figures["net_of_luck_usd"] - quiet["net_of_luck_usd"]
    return plain(figures)


def push_window(traits):
    """Return start and end of an attack's push, seconds."""
    start = traits["attack_start_hours"] * HOUR_SECONDS
    return start, start + traits["attack_hours"] * HOUR_SECONDS


def accounts_of_attack(records, control, kind, window, market=0):
    """Return all figures of an attack but those that take other runs of the attacker.

    Parameters
    ----------
    records, control : perplab.sim.state.recorder.Records
        Of the attack, and of the same seed without it.
    kind : str
        The attacker's kind.
    window : tuple of float
        Start and end of the push, seconds.
    market : int
        The one market that it trades.

    Returns
    -------
    dict of str to float
    """
    return {
        **profit_figures(records, control, kind, market),
        **push_figures(records, control, kind, window, market),
        **capital_figures(records, kind, market),
        **liquidation_figures(records, control, kind, market),
        **attack_figures(records, control, *window, market),
        **gains_of_others(records, control, kind),
    }


def profit_figures(records, control, kind, market=0):
    """Return the attacker's profit, by leg, and net of luck (`perplab.analysis.metrics.episodes`).

    Luck is what the attacker's exposure earned by the spot path of the control, which the attack
    does not move.
    """
    rows, unit = rows_of_kind(records, kind), records.meta["unit"]
    lot = market_facts(records, market)["lot"]
    luck = luck_of(rows, records.series[market], control.series[market], lot)
    profit = float(rows["equity"][-1] - rows["equity"][0]) * unit
    return {
        "profit_usd": profit,
        **{f"{leg}_usd": float(units[-1]) * unit for leg, units in legs_of(rows).items()},
        "luck_usd": luck,
        "net_of_luck_usd": profit - luck,
    }


def push_figures(records, control, kind, window, market=0):
    """Return what the trades of the push lost, in the perpetual and in spot together, with fees.

    Returns
    -------
    dict of str to float
        ``push_cost_usd``: against the prices (mark, spot) recorded before each trade.
        ``push_shortfall_usd``: against the prices of the control at the same time.
    """
    rows, unit = rows_of_kind(records, kind), records.meta["unit"]
    chosen = (rows["seconds"] >= window[0]) & (rows["seconds"] <= window[1] + 1)
    rows, lot = rows[chosen], market_facts(records, market)["lot"]
    if not len(rows):
        return {"push_cost_usd": 0.0, "push_shortfall_usd": 0.0}
    legs = legs_of(rows)
    cost = shortfall = -float(legs["fees"][-1]) * unit
    for leg, held, price in (("perpetual", "lots", "mark"), ("spot", "spot_lots", "spot")):
        prices, others = (
            prices_at(each.series[market], rows["seconds"], price) for each in (records, control)
        )
        paid = paid_for(rows[held] * lot, prices, legs[leg] * unit)
        traded = np.diff(rows[held] * lot)
        cost += float((paid - traded * prices[:-1]).sum())
        shortfall += float((paid - traded * others[1:]).sum())
    return {"push_cost_usd": cost, "push_shortfall_usd": shortfall}


def paid_for(lots, prices, profit):
    """Return what was paid for lots (negative: received) between successive records.

    It is the change of value less the change of profit.

    Examples
    --------
    >>> paid_for(np.array([0.0, 2.0]), np.array([10.0, 11.0]), np.array([0.0, -1.0])).tolist()
    [23.0]
    """
    return np.diff(lots * prices) - np.diff(profit)


def capital_figures(records, kind, market=0):
    """Return the attacker's largest capital in use and its largest loss on the way.

    Capital in use is margin in use and spot held, less the profit so far: the initial wealth that
    the attack needs. Borrowed spot needs none beside its sale.
    """
    rows, unit = rows_of_kind(records, kind), records.meta["unit"]
    profit = (rows["equity"] - rows["equity"][0]) * unit
    spot = rows["spot_lots"] * market_facts(records, market)["lot"]
    held = np.maximum(spot, 0.0) * prices_at(records.series[market], rows["seconds"], "spot")
    return {
        "peak_capital_usd": float((rows["margin"] * unit + held - profit).max()),
        "largest_loss_usd": float(max(-profit.min(), 0.0)),
        "left_usd": float(
            (abs(rows["lots"][-1]) + abs(rows["spot_lots"][-1]))
            * market_facts(records, market)["lot"]
            * records.series[market]["spot"][-1]
        ),
    }


def liquidation_figures(records, control, kind, market=0):
    """Return liquidated longs in excess of the control's, and the attacker's forced trades."""
    lot = market_facts(records, market)["lot"]
    longs = [
        liquidated_notional(forced_events(each, market), lot)
        - sum(shorts_by_channel(each, market).values())
        for each in (records, control)
    ]
    attacker = trader_rows(records, (kind,))
    return {
        "excess_longs_usd": longs[0] - longs[1],
        "attacker_liquidations": int(np.isin(records.events["trader"], attacker).sum()),
    }


def gains_of_others(records, control, kind):
    """Return what everyone but the attacker gained by the attack: run less control, by group.

    With the attacker's profit they add up to zero.
    """
    found = dict.fromkeys((f"gain_{group}_usd" for group in GROUPS), 0.0)
    for each, sign in ((records, 1.0), (control, -1.0)):
        for who, profit, *_ in profit_rows(summarize(each), each.meta):
            if who != kind.replace("_", " "):
                found[f"gain_{PAYERS.get(who, 'others')}_usd"] += sign * profit
    return found
