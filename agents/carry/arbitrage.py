"""Carry arbitrageurs, both ways: earn funding on the perpetual, hedge its price in spot.

Belief
    A short perpetual against long spot earns the funding rate, a long perpetual against short spot
    its negative. Future rates follow from the running premium (the mean of its 30-minute and its
    90-minute average) and from the price of the trade. Capital must earn ``hurdle_per_year``;
    borrowed spot costs the borrow rate in addition. A round trip costs ``round_trip_bps`` (fees,
    spreads, impact: the trader's own estimate), spread over the funding intervals of
    ``hold_hours``.
Orders
    At every wake it sends one limit order per side in the perpetual, at its *reservation basis*
    (`perplab.agents.carry.reservation`) and of at most one clip, which rests for ``rest_seconds``.
    With h the sign of a position and r = -h G what it receives per interval, the trader opens where
    r covers the hurdle and the cost per interval, and closes where r falls short of the hurdle by
    ``unwind_share`` of that cost. Both rise by ``inventory_hurdle_per_year`` as the position nears
    its limit. The hurdle of the reverse trade (long perpetual, short spot) is the borrow rate plus
    ``reverse_hurdle_share`` of the hurdle (-1 without borrow cost: one net carry both ways). Fills
    are hedged in spot at the next wake. A spot leg left naked by liquidation or ADL is unwound by
    ``naked_share`` of it per wake (at least a clip) unless it is hedged again before. If spot or
    the lender refuses a leg, the trader retries half the size and reduces the perpetual.
Limits
    The position is at most ``position_share`` of capital, ``leverage_limit`` times the equity at
    the venue, the cash in the wallet (long spot) and the borrow limit (short spot). No quote is
    more than ``basis_limit_bps`` on the wrong side of spot.
Margin
    If equity at the venue is below ``topup_fraction`` of the notional, or under half of its share
    of the wealth, it is topped up from the wallet; the transfer arrives after the venue's delay.
    With an empty wallet the position is cut. Equity above ``release_multiple`` times its share goes
    back to the wallet.
Literature
    Shleifer and Vishny (1997), "The limits of arbitrage"; Gromb and Vayanos (2002); He, Manela,
    Ross and von Wachter (2022), "Fundamentals of perpetual futures"; Schmeling, Schrimpf and
    Todorov (2026), "Crypto carry"; Ackerer, Hugonnier and Jermann (2024).
"""

import math

from perplab.agents.carry.carry_legs import (
    buyable_lots,
    clip_lots,
    hedge,
    hedge_gap,
    limit_lots,
    maintain_margin,
    notice_refusal,
    sellable_lots,
)
from perplab.agents.carry.reservation import REACH, reservation_basis
from perplab.agents.orders import (
    BASIS_POINT,
    YEAR_SECONDS,
    equity_of,
    whole,
    write_cancel,
    write_limit,
)
from perplab.agents.rules import rule
from perplab.agents.trader import Trader, Trait, Traits
from perplab.sim.compiler.jit import hot_kernel
from perplab.sim.state.codes import IMMEDIATE

TICK_SLACK = 1e-6

TRAITS = Traits(
    wake_seconds=Trait(360, "s", "mean time between decisions", low=0),
    capital_usd=Trait(250_000, "quote currency", "initial wealth", low=0),
    margin_share=Trait(0.3, "1", "target share of wealth held at the venue", low=0, high=1),
    borrow_share=Trait(0.5, "1", "borrow limit in spot, over capital", low=0),
    hurdle_per_year=Trait(0.07, "fraction per year", "required return on capital"),
    reverse_hurdle_share=Trait(
        1,
        "1",
        "share of the hurdle required of the reverse trade, besides the borrow rate",
        low=-1,
        high=1,
    ),
    round_trip_bps=Trait(8, "bp", "cost of opening and closing both legs", low=0),
    hold_hours=Trait(152, "h", "holding time over which that cost is spread", low=1),
    unwind_share=Trait(
        1,
        "1",
        "share of the cost per interval by which carry may fall short before it closes",
        low=0,
    ),
    inventory_hurdle_per_year=Trait(
        0.01, "fraction per year", "increase of the hurdle at the position limit", low=0
    ),
    forecast_weight=Trait(
        0.5,
        "1",
        "weight of the forecast, relative to the quote, in the expected premium",
        low=0,
        high=0.9,
    ),
    convergence_share=Trait(
        0,
        "1",
        "share of the distance to the fair premium expected back over the holding time",
        low=0,
        high=1,
    ),
    clip_share=Trait(0.1, "1", "clip (largest order) over capital", low=0, high=1),
    position_share=Trait(0.65, "1", "position limit over capital", low=0),
    leverage_limit=Trait(3, "1", "limit of notional over equity at the venue", low=0),
    basis_limit_bps=Trait(
        100, "bp", "furthest sell quote below spot and buy quote above it", low=0
    ),
    topup_fraction=Trait(0.08, "1", "equity over notional below which it tops up", low=0, high=1),
    release_multiple=Trait(
        1.5, "1", "equity over its target share of wealth above which it withdraws", low=1
    ),
    naked_share=Trait(0.2, "1", "share of a naked spot leg unwound per wake", low=0, high=1),
    rest_seconds=Trait(
        5, "s", "lifetime of its limit orders, at least one step; 0: immediate or cancel", low=0
    ),
    leverage=Trait(10, "1", "leverage set at the venue", low=1),
    market=Trait(0, "number", "market it trades", low=0),
    memory={"sent_lots": 0.0, "seen_spot_lots": 0.0, "refused": 0.0},
)


@hot_kernel
def hurdle(me, view, holding, filled):
    """Return what a position of sign `holding` must receive per interval before costs.

    `filled` is its size over the position limit.
    """
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
    """Return what a position of sign `holding` must receive per interval to be opened or kept."""
    cost = me["round_trip_bps"] * BASIS_POINT / intervals_held(me, view)
    return hurdle(me, view, holding, filled) + (-me["unwind_share"] * cost if closing else cost)


@hot_kernel
def quote_tick(me, view, side, basis):
    """Return the tick of a quote at a basis to spot, rounded in the trader's favour.

    The basis is clipped to ``basis_limit_bps``.
    """
    limit = me["basis_limit_bps"] * BASIS_POINT
    price = (
        view["spot"]
        * (1.0 + (min(basis, limit) if side > 0 else max(basis, -limit)))
        / view["tick"]
    )
    return int(math.floor(price + TICK_SLACK)) if side > 0 else int(math.ceil(price - TICK_SLACK))


@hot_kernel
def quote_basis(me, position, view, side):
    """Return the reservation basis of an order of `side`, which closes a position or opens one."""
    closing = position["lots"] * side < 0
    holding = -side if closing else side
    filled = abs(position["lots"]) / max(limit_lots(me, view), 1)
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
def quote_lots(me, account, wallet, position, view, side):
    """Return the size of an order of `side`: a clip of what it closes, else what may be opened."""
    if position["lots"] * side < 0:
        return min(abs(position["lots"]), clip_lots(me, view))
    return opening_lots(me, account, wallet, position, view, side)


@hot_kernel
def opening_lots(me, account, wallet, position, view, side):
    """Return the lots by which a position of sign `side` may grow, at most a clip."""
    clip, limit = clip_lots(me, view), limit_lots(me, view)
    return room_to_open(me, account, wallet, position, view, side, clip, limit)


@hot_kernel
def room_to_open(me, account, wallet, position, view, side, clip, limit):
    """Return the lots by which a position of sign `side` may grow, at most a clip.

    `limit` is the largest position by capital, lots. The room is 0 while the hedge lags by more
    than two clips.
    """
    gap = hedge_gap(position)
    if -gap * side > 2 * clip or (side > 0 and me["refused"] > 0.0):
        return 0
    by_leverage = whole(
        me["leverage_limit"]
        * equity_of(account, position, view)
        / (view["mark"] * view["units_per_price"])
    )
    hedgeable = (
        buyable_lots(wallet, position, view) if side < 0 else sellable_lots(wallet, position, view)
    ) + gap * side
    room = min(limit, by_leverage) - abs(position["lots"])
    return max(min(room, hedgeable, clip), 0)


@hot_kernel
def quote(me, view, mine, side, lots, basis, orders, count):
    """Write a limit order of `side` at a basis, or the cancellation of the one that rests."""
    market, slot = int(me["market"]), 0 if side > 0 else 1
    if lots < 1 or view["funding_on"] == 0 or -side * basis > REACH:
        return write_cancel(orders, count, market, slot) if mine[slot]["lots"] > 0 else count
    tick, rest_seconds = quote_tick(me, view, side, basis), me["rest_seconds"]
    flags = IMMEDIATE if rest_seconds == 0.0 else 0
    return write_limit(orders, count, market, slot, side, tick, lots, flags, rest_seconds)


@rule(TRAITS)
def carry(me, accounts, positions, views, mine, rng, orders):
    """Hedge the position in spot, maintain the margin, quote both sides."""
    market = int(me["market"])
    view, position = views[market], positions[market]
    account, wallet = accounts[int(view["venue"])], accounts[0]
    notice_refusal(me, position)
    count = hedge(me, wallet, position, view, orders)
    count = maintain_margin(me, account, wallet, position, view, orders, count)
    for side in range(-1, 2, 2):
        lots = quote_lots(me, account, wallet, position, view, side)
        basis = quote_basis(me, position, view, side)
        count = quote(me, view, mine, side, lots, basis, orders, count)
    return count


class Arbitrage(Trader):
    """A carry arbitrageur (see the module)."""

    kind, traits, decide, slots = "arbitrage", TRAITS, carry, 2
