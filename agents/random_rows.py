"""Random rows such as a market could show to a rule, for `perplab.agents.trader_check`."""

import math

import numpy as np

from perplab.sim.laws.funding import funding_law
from perplab.sim.state.market_rows import VIEW
from perplab.sim.state.trader_rows import ACCOUNT, DRAW, ORDER, ORDER_ROW, POSITION

ROWS, MOST_UNITS = 128, 1e18
TICK, LOT, UNIT = 0.1, 0.001, 1e-6  # quote currency, base currency, quote currency


def plausible_view(draw):
    """Return a VIEW array of one row, sometimes with a one-sided book or zero volatility."""
    view = np.zeros(1, VIEW)
    spot, premium = 20_000.0 * math.exp(draw.normal(0, 0.5)), draw.normal(0, 8e-4)
    for part in (
        prices(draw, spot, premium),
        premiums(draw, premium),
        funding_terms(draw),
        activity(draw),
        trading_terms(draw),
    ):
        for name, value in part.items():
            view[name] = value
    if draw.random() < 0.1:
        view[draw.choice(["best_bid", "best_ask"])] = 0
    return view


def prices(draw, spot, premium):
    """Return clock, contract, best quotes, mark and index by field of VIEW."""
    mid = spot * (1 + premium)
    return dict(
        seconds=draw.uniform(0, 3e6),
        dt=draw.choice([1.0, 5.0, 60.0]),
        best_bid=int(mid / TICK) - draw.integers(0, 5),
        best_ask=int(mid / TICK) + draw.integers(1, 6),
        last_tick=int(mid / TICK),
        tick=TICK,
        lot=LOT,
        units_per_tick=100,
        units_per_price=LOT / UNIT,
        mark=mid * (1 + draw.normal(0, 1e-4)),
        index=spot,
        spot=spot,
        impact_bid=mid,
        impact_ask=mid,
    )


def premiums(draw, premium):
    """Return the premium, its averages and the funding rates by field of VIEW."""
    return dict(
        basis_mid=premium,
        premium=premium,
        average_premium=premium + draw.normal(0, 2e-4),
        premium_30m=premium + draw.normal(0, 2e-4),
        premium_90m=premium + draw.normal(0, 2e-4),
        mid_110m=premium,
        predicted_funding=draw.normal(0, 5e-4),
        funding_rate=draw.normal(0, 5e-4),
    )


def funding_terms(draw):
    """Return the terms of funding by field of VIEW."""
    return dict(
        interval_seconds=draw.choice([3600.0, 28800.0]),
        seconds_to_settlement=draw.uniform(0, 3600),
        funding_law=funding_law(
            interest_rate=1e-4,
            damper=draw.choice([0.0, 5e-4, np.inf]),
            cap=3e-3,
            divisor=draw.choice([1.0, 8.0]),
        ),
        funding_on=draw.random() < 0.9,
    )


def activity(draw):
    """Return open interest, volume, depth, volatility, trends and sentiment by field of VIEW."""
    return dict(
        open_interest=500_000,
        volume=10_000_000,
        depth_bid=100_000,
        depth_ask=100_000,
        seen=(draw.choice([0.0, 1.0]) * draw.exponential(3e-4), 0.0),
        trend_1h=draw.normal(0, 1e-2),
        trend_1d=draw.normal(0, 3e-2),
        sentiment=draw.normal(),
    )


def trading_terms(draw):
    """Return fees, borrow rate, band and margin requirements by field of VIEW."""
    return dict(
        taker_fee=5e-4,
        maker_fee=2e-4,
        spot_fee=1e-4,
        spot_half_spread=1e-5,
        borrow_rate=draw.uniform(0, 0.3),
        band=0.05,
        maximum_leverage=125.0,
        maintenance_fraction=0.004,
    )


def plausible_rows(kind, draw, me=None, markets=1):
    """Return the seven arguments of a rule, random but plausible.

    Parameters
    ----------
    kind : type of Trader
    draw : numpy.random.Generator
    me : array[1] of the kind's record, optional
        Its record so far; by default a new one with traits near their defaults.
    markets : int
        Each at a venue of its own.

    Returns
    -------
    tuple
        ``(me, accounts, positions, views, mine, rng, orders)``; `me` and `rng` are arrays of one
        row.
    """
    me = plausible_traits(kind, draw) if me is None else me
    accounts, positions, views = (
        np.concatenate(rows) for rows in zip(*(plausible_market(me, draw) for _ in range(markets)))
    )
    views["venue"] = np.arange(markets)
    return (
        me,
        accounts,
        positions,
        views,
        plausible_slots(kind, draw, views),
        plausible_draw(draw),
        np.zeros(ROWS, ORDER_ROW),
    )


def plausible_market(me, draw):
    """Return account, position and view of one market as arrays of one row."""
    view = plausible_view(draw)
    unit_price = float(view["mark"][0] * view["units_per_price"][0])
    capital = min(1e6 * float(me["capital_usd"][0]), MOST_UNITS) if has_capital(me) else 1e11
    accounts, positions = np.zeros(1, ACCOUNT), np.zeros(1, POSITION)
    lots = int(draw.normal(0, 1) * capital / unit_price) * (draw.random() < 0.6)
    positions["lots"], positions["leverage"] = lots, 10.0
    positions["quote"] = -int(lots * unit_price * (1 + draw.normal(0, 0.05)))
    accounts["collateral"], accounts["cash"] = (
        int(capital * draw.random()),
        int(capital * draw.random()),
    )
    accounts["incoming"] = int(capital * 0.1) * (draw.random() < 0.1)
    positions["spot_lots"] = int(-lots * draw.choice([0.0, 0.5, 1.0, 1.2]))
    accounts["borrow_limit"] = int(capital * draw.random())
    return accounts, positions, view


def has_capital(me):
    """Return whether a record has the trait ``capital_usd``."""
    return "capital_usd" in me.dtype.names


def plausible_traits(kind, draw):
    """Return one record of the kind; about half of its traits are scaled, within bounds."""
    me = np.zeros(1, kind.traits.dtype)
    me[0] = kind.traits.defaults
    for name, trait in kind.traits.traits.items():
        if draw.random() < 0.5 and math.isfinite(trait.default) and name != "market":
            value = trait.default * math.exp(draw.normal(0, 0.5))
            me[name] = np.clip(value, *trait.limits)
    return me


def plausible_slots(kind, draw, view):
    """Return the trader's order slots; about half of them hold an order near the best quotes."""
    mine = np.zeros(kind.slots, ORDER)
    taken = draw.random(kind.slots) < 0.5
    mine["lots"] = np.where(taken, draw.integers(1, 5_000, kind.slots), 0)
    mine["side"] = np.where(draw.random(kind.slots) < 0.5, 1, -1)
    mine["tick"] = int(view["last_tick"][0]) + draw.integers(-50, 50, kind.slots)
    return mine


def plausible_draw(draw):
    """Return one DRAW record array with a random key."""
    rng = np.zeros(1, DRAW)
    rng["key"] = draw.integers(0, 1 << 63, dtype=np.uint64)
    return rng
