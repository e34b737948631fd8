"""Carry traders: the arbitrage of perpetual against spot by firms that count their real costs.

Belief
    A short perpetual against long spot earns the funding rate, a long perpetual against short spot
    its negative. The rate follows from the price dealt at and from the trader's own forecast of the
    premium, an exponential mean over ``forecast_hours``. Over the ``hold_hours`` that it expects to
    stay, the premium comes back to that forecast. The position must earn a hurdle a year, which
    rises as the position fills its limit; the reverse trade (long perpetual, borrowed spot) pays
    the borrow rate in addition. A round trip costs taker and spot fees and half-spreads of entry
    and of exit, which it reads from the market and its own account.
Orders
    At a wake one trade a side: an immediate order in the perpetual at its reservation basis
    (`perplab.agents.carry.reservation`): nothing rests, so what it does does not depend on the
    length of a step. Its size is bounded by what it sees of spot: the price there now, and the
    impact of its own leg. It opens where the expected receipt covers the hurdle and the cost per
    interval, and closes where the receipt falls short of the hurdle by ``unwind_multiple`` of that
    cost: the value of waiting makes the band of inaction wider than the cost.
Capital
    Capital leaves after losses and comes back slowly: the part of the position limit in use falls
    by ``loss_sensitivity`` times the loss from the highest wealth within ``departure_days``, and
    recovers over ``arrival_days``. With ``arrival_multiple`` above 1 the limit also rises, over
    ``arrival_days``, where a new position would earn more than hurdle and costs: up to that
    multiple, at ``full_arrival_per_year`` beyond them. What arrives is money that lies idle in the
    wallet until then, so state a smaller ``position_share`` of a larger capital.
Literature
    Shleifer and Vishny (1997, JF 52) for capital that leaves after losses; Duffie (2010, JF 65) and
    Mitchell, Pedersen and Pulvino (2007, AER 97) for slow-moving capital; Dixit (1989, JPE 97) for
    entry, exit and waiting; He, Manela, Ross and von Wachter (2022), "Fundamentals of perpetual
    futures", for bounds by cost; Ackerer, Hugonnier and Jermann (2024).
"""

import math

from perplab.agents.carry.arbitrage import hurdle, intervals_held, quote_tick, room_to_open
from perplab.agents.carry.carry_legs import (
    clip_lots,
    hedge,
    limit_lots,
    maintain_margin,
    notice_refusal,
    wealth_of,
)
from perplab.agents.carry.reservation import REACH, reservation_basis, short_receipt
from perplab.agents.orders import (
    BASIS_POINT,
    YEAR_SECONDS,
    lots_of,
    whole,
    write_limit,
    write_spot,
)
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.exchange.matching import after_discount
from perplab.sim.state.codes import IMMEDIATE

DAY, LARGEST_USD = 86_400.0, 1e15

TRAITS = Traits(
    wake_seconds=Trait(300, "s", "mean time between decisions", low=0),
    capital_usd=Trait(1_500_000, "quote currency", "initial wealth", low=0),
    margin_share=Trait(0.3, "1", "target share of wealth held at the venue", low=0, high=1),
    borrow_share=Trait(0.2, "1", "borrow limit in spot, over capital", low=0),
    taker_discount_bps=Trait(
        0, "bp", "its taker fee is the venue's less this, from 0 on", low=0, high=100
    ),
    hurdle_per_year=Trait(0.05, "fraction per year", "required return on notional"),
    reverse_hurdle_share=Trait(
        1,
        "1",
        "share of the hurdle required of the reverse trade, besides the borrow rate",
        low=-1,
        high=1,
    ),
    hold_hours=Trait(110, "h", "expected holding time, over which cost is spread", low=1),
    unwind_multiple=Trait(
        2, "1", "cost per interval by which carry may fall short before it closes", low=0
    ),
    inventory_hurdle_per_year=Trait(
        0.02, "fraction per year", "increase of the hurdle at the position limit", low=0
    ),
    cost_weight=Trait(1, "1", "weight of fees and spreads; 0: it ignores them", low=0, high=1),
    forecast_hours=Trait(4, "h", "time constant of its forecast of the premium", low=0.01),
    forecast_weight=Trait(
        0.5, "1", "weight of the forecast beside the price dealt at", low=0, high=0.95
    ),
    convergence_share=Trait(
        1, "1", "share of the distance to the forecast expected back while it holds", low=0, high=1
    ),
    loss_sensitivity=Trait(3, "1", "part of the limit lost per loss from the peak", low=0),
    departure_days=Trait(2, "d", "time constant in which capital leaves", low=0.01),
    arrival_days=Trait(30, "d", "time constant in which capital arrives", low=0.01),
    arrival_multiple=Trait(
        1, "1", "largest multiple of the limit that arriving capital makes; 1: none arrives", low=1
    ),
    full_arrival_per_year=Trait(
        0.1, "fraction per year", "carry beyond hurdle and cost at which all arrives", low=1e-6
    ),
    clip_share=Trait(0.0035, "1", "clip (smallest parcel) over capital", low=0, high=1),
    clip_edge_bps=Trait(5, "bp", "edge over the reservation basis that adds a clip", low=0.01),
    position_share=Trait(0.65, "1", "position limit over capital", low=0),
    leverage_limit=Trait(3, "1", "limit of notional over equity at the venue", low=0),
    basis_limit_bps=Trait(200, "bp", "furthest sell below spot and buy above it", low=0),
    topup_fraction=Trait(0.08, "1", "equity over notional below which it tops up", low=0, high=1),
    release_multiple=Trait(
        1.5, "1", "equity over its target share of wealth above which it withdraws", low=1
    ),
    naked_share=Trait(0.2, "1", "share of a naked spot leg unwound per wake", low=0, high=1),
    leverage=Trait(10, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it trades", low=0),
    memory={
        "sent_lots": 0.0,
        "seen_spot_lots": 0.0,
        "refused": 0.0,
        "forecast": 0.0,
        "seen_seconds": -1.0,
        "peak": 0.0,
        "committed": 1.0,
        "arrived": 1.0,
    },
)


@hot_kernel
def advance_forecast(me, view, elapsed):
    """Advance its forecast of the premium; it starts at the public mean."""
    if me["seen_seconds"] < 0.0:
        me["forecast"] = view["premium_90m"]
    share = 1.0 - math.exp(-elapsed / (3600.0 * me["forecast_hours"]))
    me["forecast"] += share * (view["premium_30m"] - me["forecast"])


@hot_kernel
def advance_capital(me, account, wallet, position, view, elapsed):
    """Advance the part of the position limit in use: it follows losses fast, recovers slowly."""
    wealth = wealth_of(account, wallet, position, view)
    me["peak"] = max(me["peak"], wealth, 1.0)
    target = max(1.0 - me["loss_sensitivity"] * (1.0 - wealth / me["peak"]), 0.0)
    days = me["departure_days"] if target < me["committed"] else me["arrival_days"]
    me["committed"] += (1.0 - math.exp(-elapsed / (days * DAY))) * (target - me["committed"])


@hot_kernel
def round_trip_cost(me, account, view):
    """Return fees and half-spreads of opening and closing both legs, a fraction of notional."""
    half_spread = 0.0
    if 0 < view["best_bid"] < view["best_ask"]:
        half_spread = 0.5 * (view["best_ask"] - view["best_bid"]) * view["tick"] / view["spot"]
    taker_fee = after_discount(view["taker_fee"], account["taker_discount"])
    once = taker_fee + view["spot_fee"] + view["spot_half_spread"] + half_spread
    return 2.0 * me["cost_weight"] * once


@hot_kernel
def receipt_required(me, account, view, holding, closing, filled):
    """Return what a position of sign `holding` must receive per interval to be opened or kept."""
    cost = round_trip_cost(me, account, view) / intervals_held(me, view)
    required = hurdle(me, view, holding, filled)
    required += -me["unwind_multiple"] * cost if closing else cost
    return required


@hot_kernel
def dealing_basis(me, account, view, side, closing, filled):
    """Return the reservation basis of an order of `side`, which closes a position or opens one."""
    holding = -side if closing else side
    return reservation_basis(
        view,
        side,
        -holding * receipt_required(me, account, view, holding, closing, filled),
        me["forecast"],
        me["forecast_weight"],
        me["convergence_share"] / intervals_held(me, view),
        me["forecast"],
    )


@hot_kernel
def carry_beyond(me, account, view, side):
    """Return what a position opened now by an order of `side` earns a year beyond hurdle and cost.

    It is 0 without a price to deal at, and where no funding is paid.
    """
    best = view["best_ask"] if side > 0 else view["best_bid"]
    if best == 0 or view["funding_on"] == 0:
        return 0.0
    basis, forecast = best * view["tick"] / view["spot"] - 1.0, me["forecast"]
    convergence = me["convergence_share"] / intervals_held(me, view)
    receipt = -side * short_receipt(
        view, basis, forecast, me["forecast_weight"], convergence, forecast
    )
    required = receipt_required(me, account, view, side, False, 0.0)
    return (receipt - required) * YEAR_SECONDS / view["interval_seconds"]


@hot_kernel
def advance_arrival(me, account, view, elapsed):
    """Advance the multiple of the position limit: it rises slowly while carry is rich."""
    if me["arrival_multiple"] == 1.0:
        return
    beyond = max(carry_beyond(me, account, view, -1), carry_beyond(me, account, view, 1), 0.0)
    share = min(beyond / me["full_arrival_per_year"], 1.0)
    target = 1.0 + (me["arrival_multiple"] - 1.0) * share
    me["arrived"] += (1.0 - math.exp(-elapsed / (me["arrival_days"] * DAY))) * (
        target - me["arrived"]
    )


@hot_kernel
def capital_limit(me, view):
    """Return the largest position by the capital that has arrived, lots."""
    return whole(me["arrived"] * limit_lots(me, view))


@hot_kernel
def dealing_lots(me, account, wallet, position, view, side, clips):
    """Return the size of an order of `side`, of at most `clips` clips: it closes, or it opens."""
    most = whole(clips * clip_lots(me, view))
    if position["lots"] * side < 0:
        return min(abs(position["lots"]), most)
    limit = capital_limit(me, view)
    room = whole(me["committed"] * limit) - abs(position["lots"])
    return max(min(room_to_open(me, account, wallet, position, view, side, most, limit), room), 0)


@hot_kernel
def affordable_lots(view, edge):
    """Return the size at which the spot leg's impact takes half of the edge."""
    return max(lots_of(view, min(edge / max(view["spot_impact"], 1e-15), LARGEST_USD)), 0)


@hot_kernel
def deal(me, account, wallet, position, view, market, side, orders, count):
    """Write both legs of a trade of `side` at its reservation basis, if the perpetual would fill.

    What the book does not fill of the perpetual is undone in spot at the next wake.
    """
    best = view["best_ask"] if side > 0 else view["best_bid"]
    if best == 0 or view["funding_on"] == 0:
        return count
    closing = position["lots"] * side < 0
    filled = abs(position["lots"]) / max(capital_limit(me, view), 1)
    basis = dealing_basis(me, account, view, side, closing, filled)
    tick = quote_tick(me, view, side, basis)
    if -side * basis > REACH or (best - tick) * side > 0:
        return count
    spot_moves = view["spot_moved"] + view["spot_waiting"]
    edge = (tick - best) * side * view["tick"] / view["spot"] + side * spot_moves
    clips = 1.0 + edge / (me["clip_edge_bps"] * BASIS_POINT)
    lots = dealing_lots(me, account, wallet, position, view, side, clips)
    lots = min(lots, affordable_lots(view, edge))
    if lots < 1:
        return count
    slot = 0 if side > 0 else 1
    count = write_limit(orders, count, market, slot, side, tick, lots, IMMEDIATE, 0.0)
    return write_spot(orders, count, market, -side, lots)


@rule(TRAITS)
def trade_carry(me, accounts, positions, views, mine, rng, orders):
    """Hedge the position in spot, maintain the margin, deal on either side."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    account, wallet = accounts[int(view["venue"])], accounts[0]
    first = me["seen_seconds"] < 0.0
    elapsed = 0.0 if first else view["seconds"] - me["seen_seconds"]
    advance_forecast(me, view, elapsed)
    advance_capital(me, account, wallet, position, view, elapsed)
    advance_arrival(me, account, view, elapsed)
    me["seen_seconds"] = view["seconds"]
    notice_refusal(me, position)
    count = hedge(me, wallet, position, view, orders)
    count = maintain_margin(me, account, wallet, position, view, orders, count)
    for side in range(-1, 2, 2):
        count = deal(me, account, wallet, position, view, market, side, orders, count)
    return count


class CarryTrader(Trader):
    """A carry trader (see the module)."""

    kind, traits, decide, slots = "carry", TRAITS, trade_carry, 2
