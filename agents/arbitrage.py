"""Carry arbitrageurs, both ways: earn funding on the perpetual, hedge the price in spot.

Belief
    A short perpetual against long spot earns the funding rate, a long perpetual against short spot its negative. The
    next rates follow from the running premium (half its 30-minute, half its 90-minute mean) and from the price at
    which one trades. Money tied up must earn ``hurdle_per_year``; borrowed spot costs the lender's rate besides; a
    round trip costs ``round_trip_bps`` (fees, spreads, impact: the trader's own estimate), recovered over ``hold_hours``,
    however many settlements that is.
Orders
    Every wake: one limit order a side in the perpetual at its *reservation basis* (`perplab.agents.reservation`), at most a
    clip each, resting ``rest_seconds``. With h a position's sign and r = -h G what it receives per interval, it opens
    where r covers the hurdle and the cost per interval of the holding time, and closes where r falls ``unwind_share`` of that
    cost short of the hurdle; both rise by ``inventory_hurdle_per_year`` as the position nears its limit. The reverse side's hurdle
    is the borrow rate plus ``reverse_hurdle_share`` of the hurdle (-1 and no borrow cost: one net carry both ways).
    Fills are hedged in spot at the next wake. A spot leg left naked, by liquidation or deleveraging, is unwound by
    ``naked_share`` of it a wake (at least a clip) unless re-hedged before. A leg that spot or the lender refuses is
    retried at half the size while the perpetual is reduced.
Limits
    Position at most ``position_share`` of capital, ``leverage_limit`` times the equity at the venue, the cash in the
    wallet (long spot), the borrow limit (short spot); no quote further than ``basis_limit_bps`` on the wrong side of
    spot.
Margin
    Equity at the venue below ``topup_fraction`` of the notional, or under half its share of the wealth, is topped up
    from the wallet and arrives after the venue's delay; with an empty wallet the position is cut. Equity above
    ``release_multiple`` times its share goes back.
Traits
    Declared below with their units.
Literature
    Shleifer and Vishny (1997), "The limits of arbitrage"; Gromb and Vayanos (2002); He, Manela, Ross and von Wachter
    (2022), "Fundamentals of perpetual futures"; Schmeling, Schrimpf and Todorov (2026), "Crypto carry"; Ackerer,
    Hugonnier and Jermann (2024).
"""

import math

import numpy as np

from perplab.agents.orders import (
    BASIS_POINT,
    YEAR_SECONDS,
    equity_of,
    units_of,
    write_cancel,
    write_close,
    write_limit,
    write_spot,
    write_transfer,
)
from perplab.agents.reservation import REACH, reservation_basis
from perplab.agents.trader import Trader, Trait, Traits, rule
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.state.records import IMMEDIATE

SMALLEST_MOVE = 0.01
TICK_SLACK = 1e-6
ROUNDING_SLACK = 1e-4

TRAITS = Traits(
    wake_seconds=Trait(360, "s", "mean time between decisions", low=0),
    capital_usd=Trait(250_000, "quote currency", "money at the start", low=0),
    margin_share=Trait(0.3, "1", "share of the wealth kept at the venue", low=0, high=1),
    borrow_share=Trait(0.5, "1", "spot it may owe, over capital", low=0),
    hurdle_per_year=Trait(0.07, "fraction per year", "what money tied up must earn"),
    reverse_hurdle_share=Trait(
        1,
        "1",
        "part of the hurdle that the reverse side must earn beside the borrow rate",
        low=-1,
        high=1,
    ),
    round_trip_bps=Trait(8, "bp", "cost of opening and closing both legs", low=0),
    hold_hours=Trait(152, "h", "time over which that cost is recovered", low=1),
    unwind_share=Trait(
        1, "1", "part of the spread-out cost that carry may miss before it closes", low=0
    ),
    inventory_hurdle_per_year=Trait(
        0.01, "fraction per year", "rise of the hurdle at the position limit", low=0
    ),
    forecast_weight=Trait(
        0.5, "1", "weight of the forecast beside the quote in the expected premium", low=0, high=0.9
    ),
    convergence_share=Trait(
        0,
        "1",
        "part of the distance to its fair premium expected back over the holding time",
        low=0,
        high=1,
    ),
    clip_share=Trait(0.1, "1", "largest order over capital", low=0, high=1),
    position_share=Trait(0.65, "1", "largest position over capital", low=0),
    leverage_limit=Trait(3, "1", "largest notional over equity at the venue", low=0),
    basis_limit_bps=Trait(
        100, "bp", "it sells no further below spot, and buys no further above", low=0
    ),
    topup_fraction=Trait(0.08, "1", "equity over notional below which it tops up", low=0, high=1),
    release_multiple=Trait(
        1.5, "1", "equity over its share of the wealth above which it sends money home", low=1
    ),
    naked_share=Trait(0.2, "1", "part of a naked spot leg unwound per wake", low=0, high=1),
    rest_seconds=Trait(
        5, "s", "life of its limit orders, at least one step; 0: immediate or cancel", low=0
    ),
    leverage=Trait(10, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it trades", low=0),
    memory={"sent_lots": 0.0, "seen_spot_lots": 0.0, "refused": 0.0},
)


@hot_kernel
def spot_unit(view):
    """Return the units of one lot of spot."""
    return view["spot"] * view["units_per_price"]


@hot_kernel
def clip_lots(me, view):
    """Return the largest order, lots."""
    return int(units_of(view, me["clip_share"] * me["capital_usd"]) / spot_unit(view))


@hot_kernel
def limit_lots(me, view):
    """Return the largest position by capital, lots."""
    return int(units_of(view, me["position_share"] * me["capital_usd"]) / spot_unit(view))


@hot_kernel
def free_cash(wallet, position, view):
    """Return what of the wallet backs no borrowed spot, float units."""
    return wallet["cash"] - max(-position["spot_lots"], 0) * spot_unit(view)


@hot_kernel
def buyable_lots(wallet, position, view):
    """Return the spot lots the wallet can pay: first the cover of what is owed, then a holding."""
    owed, spare = max(-position["spot_lots"], 0), free_cash(wallet, position, view)
    cost = view["spot_fee"] + view["spot_half_spread"] + ROUNDING_SLACK
    if spare <= 0.0:
        return 0
    covered = spare / (spot_unit(view) * cost)
    if covered < owed:
        return int(covered)
    return owed + int((spare / spot_unit(view) - owed * cost) / (1.0 + cost))


@hot_kernel
def sellable_lots(wallet, position, view):
    """Return the spot lots it can sell: what it holds, then what it may still borrow."""
    return max(int(wallet["borrow_limit"] / (spot_unit(view) * 1.001)) + position["spot_lots"], 0)


@hot_kernel
def notice_refusal(me, position):
    """Note in memory ``refused`` whether the last spot order changed nothing."""
    me["refused"] = (
        1.0 if me["sent_lots"] != 0.0 and me["seen_spot_lots"] == position["spot_lots"] else 0.0
    )


@hot_kernel
def hedge_lots(me, wallet, position, view, gap):
    """Return the signed spot lots to trade now towards a hedge that lacks `gap` lots.

    Closing a spot leg larger than the perpetual goes by clips or ``naked_share``; after a refusal half of the last size is tried.
    """
    size = abs(gap)
    if gap * position["spot_lots"] < 0:
        size = min(size, max(clip_lots(me, view), int(math.ceil(me["naked_share"] * size))))
    if me["refused"] > 0.0:
        size = min(size, int(abs(me["sent_lots"]) * 0.5))
    size = min(
        size,
        buyable_lots(wallet, position, view) if gap > 0 else sellable_lots(wallet, position, view),
    )
    return size if gap > 0 else -size


@hot_kernel
def hedge(me, wallet, position, view, market, gap, orders):
    """Write the spot order that moves the hedge towards the perpetual; cut the perpetual where spot was refused."""
    count = np.int64(0)
    lots = hedge_lots(me, wallet, position, view, gap)
    me["sent_lots"], me["seen_spot_lots"] = lots, position["spot_lots"]
    if lots != 0:
        count = write_spot(orders, count, market, 1 if lots > 0 else -1, abs(lots))
    lacking = abs(gap) - abs(lots)
    if me["refused"] > 0.0 and gap * position["lots"] < 0 and lacking > 0:
        count = write_close(orders, count, market, position, min(lacking, clip_lots(me, view)))
    return count


@hot_kernel
def margin_target(me, equity, wallet, position, view, notional):
    """Return the equity, float units, that should stand at the venue: its share of the wealth, twice the top-up point."""
    wealth = equity + wallet["cash"] + position["spot_lots"] * spot_unit(view)
    return max(me["margin_share"] * wealth, 2.0 * me["topup_fraction"] * notional)


@hot_kernel
def send_home(me, account, wallet, position, view, market, equity, target, notional, orders, count):
    """Write the return of equity far above its target, or of what the wallet lacks behind borrowed spot."""
    shortage = max(-free_cash(wallet, position, view), 0.0)
    excess = equity - target if equity > me["release_multiple"] * target else 0.0
    movable = min(account["collateral"], equity) - 1.1 * notional / me["leverage"]
    units = min(max(excess, shortage), movable)
    if units < units_of(view, SMALLEST_MOVE * me["capital_usd"]):
        return count
    return write_transfer(orders, count, market, -int(units))


@hot_kernel
def keep_margin(me, account, wallet, position, view, market, orders, count):
    """Write the top-up, the cut or the return that the equity at the venue asks for."""
    notional = abs(position["lots"]) * view["mark"] * view["units_per_price"]
    equity = equity_of(account, position, view) + account["incoming"]
    target = margin_target(me, equity, wallet, position, view, notional)
    thin = equity < me["topup_fraction"] * notional
    if not thin and equity >= 0.5 * target:
        return send_home(
            me, account, wallet, position, view, market, equity, target, notional, orders, count
        )
    units = min(target - equity, free_cash(wallet, position, view))
    if units >= units_of(view, SMALLEST_MOVE * me["capital_usd"]):
        return (
            write_transfer(orders, count, market, int(units)) if account["incoming"] == 0 else count
        )
    return (
        write_close(orders, count, market, position, max(clip_lots(me, view), 1)) if thin else count
    )


@hot_kernel
def hurdle(me, view, holding, filled):
    """Return what a position of sign `holding` must receive per interval before costs, `filled` being its share of the limit."""
    required = me["hurdle_per_year"]
    if holding > 0:
        required = view["borrow_rate"] + me["reverse_hurdle_share"] * me["hurdle_per_year"]
    required += me["inventory_hurdle_per_year"] * min(filled, 1.0)
    return required * view["interval_seconds"] / YEAR_SECONDS


@hot_kernel
def intervals_held(me, view):
    """Return the holding time in funding intervals of the venue, at least one."""
    return max(me["hold_hours"] / (view["interval_seconds"] / 3600.0), 1.0)


@hot_kernel
def required_receipt(me, view, holding, closing, filled):
    """Return what a position of sign `holding` must receive per interval to be opened, or to be kept."""
    cost = me["round_trip_bps"] * BASIS_POINT / intervals_held(me, view)
    return hurdle(me, view, holding, filled) + (-me["unwind_share"] * cost if closing else cost)


@hot_kernel
def quote_basis(me, view, side, holding, closing, filled):
    """Return the reservation basis of an order of `side` on a position of sign `holding`."""
    receipt = -holding * required_receipt(me, view, holding, closing, filled)
    fair = 0.0
    if me["convergence_share"] > 0.0:
        fair = reservation_basis(
            view, side, -holding * hurdle(me, view, holding, filled), 0.0, 0.0, 0.0, 0.0
        )
        fair = fair if abs(fair) <= REACH else 0.0
    forecast = 0.5 * (view["premium_30m"] + view["premium_90m"])
    convergence = me["convergence_share"] / intervals_held(me, view)
    return reservation_basis(
        view, side, receipt, forecast, me["forecast_weight"], convergence, fair
    )


@hot_kernel
def quote_tick(me, view, side, basis):
    """Return the tick of a quote at a basis to spot, rounded in the trader's favour and kept within ``basis_limit_bps``."""
    limit = me["basis_limit_bps"] * BASIS_POINT
    price = (
        view["spot"]
        * (1.0 + (min(basis, limit) if side > 0 else max(basis, -limit)))
        / view["tick"]
    )
    return int(math.floor(price + TICK_SLACK)) if side > 0 else int(math.ceil(price - TICK_SLACK))


@hot_kernel
def opening_lots(me, account, wallet, position, view, side, gap):
    """Return the lots by which the limits let a position of sign `side` grow; none while its hedge lags two clips behind."""
    held, clip = abs(position["lots"]), clip_lots(me, view)
    if -gap * side > 2 * clip or (side > 0 and me["refused"] > 0.0):
        return 0
    by_leverage = int(
        me["leverage_limit"]
        * equity_of(account, position, view)
        / (view["mark"] * view["units_per_price"])
    )
    hedgeable = (
        buyable_lots(wallet, position, view) if side < 0 else sellable_lots(wallet, position, view)
    ) + gap * side
    return max(min(min(limit_lots(me, view), by_leverage) - held, hedgeable, clip), 0)


@hot_kernel
def quote(me, account, wallet, position, view, mine, market, side, gap, orders, count):
    """Write one side's limit order: first the way out of a position, else the way in."""
    slot = 0 if side > 0 else 1
    closing = position["lots"] * side < 0
    holding = -side if closing else side
    lots = (
        min(abs(position["lots"]), clip_lots(me, view))
        if closing
        else opening_lots(me, account, wallet, position, view, side, gap)
    )
    filled = abs(position["lots"]) / max(limit_lots(me, view), 1)
    basis = quote_basis(me, view, side, holding, closing, filled)
    if lots < 1 or view["funding_on"] == 0 or -side * basis > REACH:
        return write_cancel(orders, count, market, slot) if mine[slot]["lots"] > 0 else count
    flags = IMMEDIATE if me["rest_seconds"] == 0.0 else 0
    return write_limit(
        orders,
        count,
        market,
        slot,
        side,
        quote_tick(me, view, side, basis),
        lots,
        flags,
        me["rest_seconds"],
    )


@rule(TRAITS)
def carry(me, accounts, positions, views, mine, rng, orders):
    """Hedge, keep the margin, quote both sides."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    account = accounts[int(view["venue"])]
    wallet = accounts[0]
    gap = -position["lots"] - position["spot_lots"]
    notice_refusal(me, position)
    count = hedge(me, wallet, position, view, market, gap, orders)
    count = keep_margin(me, account, wallet, position, view, market, orders, count)
    for side in range(-1, 2, 2):
        count = quote(me, account, wallet, position, view, mine, market, side, gap, orders, count)
    return count


class Arbitrage(Trader):
    """A carry arbitrageur (see the module)."""

    kind, traits, decide, slots = "arbitrage", TRAITS, carry, 2
