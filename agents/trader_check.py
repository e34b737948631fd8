"""The executable contract of a rule: random plausible rows in, checked order rows out.

The counterpart of Gymnasium's ``check_env``: run it once on a kind you wrote, before a market runs it compiled, where
a fault could only be a number.
"""

import math
import traceback

import numpy as np

from perplab.sim.compiler.jit import COMPILED
from perplab.sim.errors import RuleError
from perplab.sim.laws.funding import funding_law
from perplab.sim.setup import never_acts
from perplab.sim.state.records import (
    ACCOUNT,
    CANCEL,
    DRAW,
    LIMIT,
    MARKET_ORDER,
    ORDER,
    ORDER_ROW,
    POSITION,
    SPOT,
    TRANSFER,
    VIEW,
)
from perplab.sim.streams import generator

ROWS = 128
LARGEST = 1_000_000_000
GARBAGE = -(1 << 60)


def plausible_view(draw):
    """Return one random VIEW record array: a living market, now and then with an empty side or no volatility."""
    view = np.zeros(1, VIEW)
    spot = 20_000.0 * math.exp(draw.normal(0, 0.5))
    premium, tick, lot = draw.normal(0, 8e-4), 0.1, 0.001
    mid = spot * (1 + premium)
    values = dict(
        seconds=draw.uniform(0, 3e6),
        dt=draw.choice([1.0, 5.0, 60.0]),
        best_bid=int(mid / tick) - draw.integers(0, 5),
        best_ask=int(mid / tick) + draw.integers(1, 6),
        last_tick=int(mid / tick),
        tick=tick,
        lot=lot,
        units_per_tick=100,
        units_per_price=lot / 1e-6,
        mark=mid * (1 + draw.normal(0, 1e-4)),
        index=spot,
        spot=spot,
        basis_mid=premium,
        premium=premium,
        average_premium=premium + draw.normal(0, 2e-4),
        premium_30m=premium + draw.normal(0, 2e-4),
        premium_90m=premium + draw.normal(0, 2e-4),
        predicted_funding=draw.normal(0, 5e-4),
        funding_rate=draw.normal(0, 5e-4),
        interval_seconds=draw.choice([3600.0, 28800.0]),
        seconds_to_settlement=draw.uniform(0, 3600),
        funding_law=funding_law(
            interest_rate=1e-4,
            damper=draw.choice([0.0, 5e-4, np.inf]),
            cap=3e-3,
            divisor=draw.choice([1.0, 8.0]),
        ),
        funding_on=draw.random() < 0.9,
        open_interest=500_000,
        volume=10_000_000,
        impact_bid=mid,
        impact_ask=mid,
        depth_bid=100_000,
        depth_ask=100_000,
        mid_110m=premium,
        seen=(draw.choice([0.0, 1.0]) * draw.exponential(3e-4), 0.0),
        trend_1h=draw.normal(0, 1e-2),
        trend_1d=draw.normal(0, 3e-2),
        sentiment=draw.normal(),
        taker_fee=5e-4,
        maker_fee=2e-4,
        spot_fee=1e-4,
        spot_half_spread=1e-5,
        borrow_rate=draw.uniform(0, 0.3),
        band=0.05,
        maximum_leverage=125.0,
        maintenance_fraction=0.004,
    )
    for name, value in values.items():
        view[name] = value
    if draw.random() < 0.1:
        view[draw.choice(["best_bid", "best_ask"])] = 0
    return view


def plausible_rows(kind, draw, me=None, markets=1):
    """Return the seven arguments of a rule, random but such as a market could show.

    Parameters
    ----------
    kind : type of Trader
    draw : numpy.random.Generator
    me : array[1] of the kind's record, optional
        Its record so far; a fresh one with traits around their defaults otherwise.
    markets : int
        Each at a venue of its own.
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
    capital = 1e6 * float(me["capital_usd"][0] if "capital_usd" in me.dtype.names else 1e5)
    accounts, positions = np.zeros(1, ACCOUNT), np.zeros(1, POSITION)
    lots = int(draw.normal(0, 1) * min(capital, 1e18) / unit_price) * (draw.random() < 0.6)
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


def plausible_traits(kind, draw):
    """Return one record of the kind with each trait scaled at random and kept within its bounds."""
    me = np.zeros(1, kind.traits.dtype)
    me[0] = kind.traits.defaults
    for name, trait in kind.traits.traits.items():
        if draw.random() < 0.5 and math.isfinite(trait.default) and name != "market":
            value = trait.default * math.exp(draw.normal(0, 0.5))
            me[name] = np.clip(
                value,
                trait.low if trait.low is not None else -np.inf,
                trait.high if trait.high is not None else np.inf,
            )
    return me


def plausible_slots(kind, draw, view):
    """Return the trader's own order slots, about half of them resting near the touch."""
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


def call(function, rows):
    """Call a rule on rows as the engine would: its own record and its draws as records."""
    me, accounts, positions, views, mine, rng, orders = rows
    return function(me[0], accounts, positions, views, mine, rng[0], orders)


def order_fault(order, slots, markets):
    """Return what is wrong with an order row, or an empty string."""
    kind, lots = int(order["kind"]), int(order["lots"])
    if kind not in (LIMIT, MARKET_ORDER, CANCEL, SPOT, TRANSFER):
        return f"kind was {kind}, must be one of the five order kinds"
    if not 0 <= order["market"] < markets:
        return f"market was {order['market']}, must be from 0 to {markets - 1}"
    if kind in (LIMIT, CANCEL) and not 0 <= order["slot"] < slots:
        return f"slot was {order['slot']}, must be from 0 to {slots - 1}"
    if kind in (LIMIT, MARKET_ORDER, SPOT) and not 0 < lots < LARGEST:
        return f"lots was {lots}, must be from 1 to {LARGEST - 1}"
    if kind == TRANSFER and not 0 < abs(lots) < 1 << 62:
        return f"lots (units) of a transfer was {lots}, must not be 0"
    if kind in (LIMIT, MARKET_ORDER, SPOT) and order["side"] not in (1, -1):
        return f"side was {order['side']}, must be 1 or -1"
    if kind in (LIMIT, MARKET_ORDER) and not 0 <= order["flags"] < 8:
        return f"flags was {order['flags']}, must be a sum of order flags"
    if kind == LIMIT and not 0 < order["tick"] < 1 << 40:
        return f"tick was {order['tick']}, must be above 0"
    if kind == LIMIT and not 0.0 <= order["expiry_seconds"] < math.inf:
        return f"expiry_seconds was {order['expiry_seconds']}, must be finite and at least 0"
    return ""


def row_faults(kind, rows, before, count):
    """Return the first thing that a call broke, or an empty string."""
    if not isinstance(count, (int, np.integer)) or isinstance(count, (bool, np.bool_)):
        return f"returned {count!r}, must be the integer count of order rows"
    if not 0 <= count <= ROWS:
        return f"returned a count of {count}, must be from 0 to {ROWS}"
    for name, old, new in zip(
        ("accounts", "positions", "views", "mine"), before[1:5], rows[1:5], strict=True
    ):
        if old.tobytes() != new.tobytes():
            return f"changed {name}, which a rule only reads"
    for name in kind.traits.traits:
        if before[0][name].tobytes() != rows[0][name].tobytes():
            return f"changed its trait {name}; only memory may change"
    for name in kind.traits.memory:
        if math.isnan(rows[0][name][0]):
            return f"left memory {name} not a number"
    if before[5]["key"] != rows[5]["key"]:
        return "changed the key of its random draws"
    faults = ((k, order_fault(rows[6][k], kind.slots, len(rows[3]))) for k in range(count))
    return next((f"order row {k}: {fault}" for k, fault in faults if fault), "")


def check_trader(kind: type, draws: int = 2_000, seed: int = 0, markets: int = 1) -> str:
    """Run a kind's rule, uncompiled, on random rows and check what it does; then compile it.

    Parameters
    ----------
    kind : type of Trader
    draws : int
        Calls of the rule; its memory lasts twenty calls.
    seed, markets : int

    Returns
    -------
    str
        That all is well, in one sentence.

    Raises
    ------
    RuleError
        Naming what is broken: the declaration, a raised error, a count or an order row out of range, a number that is not
        finite, a row changed that a rule only reads, two different answers to the same rows, or what cannot be compiled.
    """
    fault = plain_fault(kind, draws, seed, markets)
    if fault:
        raise RuleError(fault)
    call(
        kind.decide,
        plausible_rows(kind, generator(seed, f"check_trader {kind.kind}"), markets=markets),
    )
    return f"ok: {kind.__name__} keeps the contract in {draws:,} draws" + " and compiles" * COMPILED


def plain_fault(kind, draws=2_000, seed=0, markets=1):
    """Return the first thing that a kind's declaration or its uncompiled rule breaks, or an empty string."""
    fault = declaration_fault(kind)
    if fault:
        return f"{kind.__name__} {fault}"
    draw, me = generator(seed, f"check_trader {kind.kind}"), None
    for number in range(draws):
        rows = plausible_rows(kind, draw, None if number % 20 == 0 else me, markets)
        me = rows[0]
        fault = call_fault(kind, rows)
        if fault:
            code = kind.decide.function.__code__
            place = (
                "" if code.co_filename in fault else f" ({code.co_filename}:{code.co_firstlineno})"
            )
            return f"{kind.__name__}.decide, draw {number}: {fault}{place}"
    return ""


def declaration_fault(kind):
    """Return what is wrong with a kind's class attributes, or an empty string."""
    if not isinstance(kind.kind, str) or not kind.kind:
        return "must have a name in `kind`"
    if kind.traits is None or kind.decide is None:
        return "must have `traits` and a `decide` rule"
    if never_acts(kind):
        return never_acts(kind)
    if not isinstance(kind.slots, int) or kind.slots < 0:
        return f"slots was {kind.slots!r}, must be an integer of at least 0"
    wrong = [name for name, trait in kind.traits.traits.items() if not trait.accepts(trait.default)]
    return (
        f"trait {wrong[0]}: its default must be {kind.traits.traits[wrong[0]].bound}"
        if wrong
        else ""
    )


def place_of(error, function):
    """Return file and line of the function's own file where an error was raised."""
    file = function.__code__.co_filename
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file
    ]
    return f"{file}:{lines[-1] if lines else function.__code__.co_firstlineno}"


def call_fault(kind, rows):
    """Call the plain rule twice on copies of the rows and return the first fault, or an empty string."""
    before, twin = [part.copy() for part in rows], [part.copy() for part in rows]
    for part in (rows[6], twin[6]):
        for name in part.dtype.names:
            part[name] = np.nan if name == "expiry_seconds" else GARBAGE
    try:
        count = call(kind.decide.function, rows)
        again = call(kind.decide.function, twin)
    except Exception as error:
        return f"raised {type(error).__name__}: {error} ({place_of(error, kind.decide.function)})"
    fault = row_faults(kind, rows, before, count)
    if fault:
        return fault
    same = count == again and rows[6][:count].tobytes() == twin[6][:count].tobytes()
    return "" if same else "gave two different answers to the same rows"
