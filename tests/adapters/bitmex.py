"""BitMEX: fair price, funding of an inverse contract, caps, ADL ranking, takeover by the fund.

An inverse contract is a linear one in the reciprocal price: its dollar amount is a position of the
opposite sign in coins.
"""

from perplab.sim.laws.funding import cap_by_law
from perplab.sim.laws.funding_transfer import funding_payment
from perplab.sim.laws.liquidation import bankruptcy_price, liquidation_price
from perplab.sim.laws.mark import index_plus_funding
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.markets import World, round_rules

SATOSHI = 1e8
SCALE = 30


def fair_price(index, funding_rate, seconds_to_funding, interval_s):
    price = index_plus_funding(index, funding_rate, float(seconds_to_funding), float(interval_s))
    return {
        "fair_price": price,
        "fair_basis": price - index,
        "fair_basis_rate_annual": funding_rate * 3 * 365,
    }


def inverse_funding(contracts, entry, quote_rate_day, base_rate_day, exit):
    interest = (quote_rate_day - base_rate_day) / 3
    paid = funding_payment(contracts, 1 / entry, SATOSHI, interest) / SATOSHI
    profit = contracts / entry - contracts / exit
    return {
        "entry_value_xbt": contracts / entry,
        "funding_rate": interest,
        "funding_paid_xbt": paid,
        "pnl_xbt": profit,
        "net_xbt": profit - paid,
    }


def caps(im, mm):
    rules = load_rulebook("bitmex").changed({"margin.tiers": [[0, mm, 1 / im]]})
    assert rules.funding.step_limit == 0.75 * mm
    return {
        "cap": rules.funding_cap,
        "max_change": rules.funding.step_limit,
        "max_per_day_8h": 3 * rules.funding_cap,
        "max_per_day_2h": 12 * cap_by_law("initial_less_maintenance", 0.75, im, mm),
    }


def queue(longs, liquidated_short, bankruptcy_price):
    """Open positions that rank as the table's scores, and bankrupt the short of trader 0.

    Scores are given up to a factor. Here profit over entry value is .2 % of the score squared, so
    that a higher score goes with a lower leverage: ranked by price ratio times leverage, or by
    leverage, the table would be closed from its other end.
    """
    world = World(
        round_rules(
            "bitmex",
            liquidation__takeover_share=1.0,
            liquidation__takeover_after_order=False,
            fund__initial=0.0,
        ),
        traders=8,
    )
    price = bankruptcy_price * SCALE
    mark, other = price + 10, 7
    for i in range(8):
        world.own(i, 1e6)
    for account, quantity, score in longs:
        entry = round(mark / (1 + 0.002 * score * score))
        world.mark(float(entry))
        world.trade(account, other, quantity, tick=entry)
    world.mark(float(price))
    world.trade(other, 0, liquidated_short, tick=price)
    world.mark(float(mark))
    for account, quantity, score in longs:
        profit = world.equity_usd(account) - world.collateral_usd(account)
        notional = quantity * mark * 0.01
        world.own(account, notional * profit / (notional - profit) / (0.05 * score) - profit)
    world.own(0, 0.0)
    world.round()
    left = {account: world.lots(account) for account, _, _ in longs}
    closed = {
        account: quantity - left[account]
        for account, quantity, _ in longs
        if left[account] < quantity
    }
    prices = {event["value"] / event["lots"] for event in world.events}
    assert len(prices) == 1
    return {
        "closed": {str(a): lots for a, lots in closed.items()},
        "left": {str(a): left[a] for a in closed if left[a]},
        "price": prices.pop() / 10_000 / SCALE,
    }


def fund_of_takeover(entry, liq, bankrupt, fill):
    """Liquidate a long in full above the bankruptcy price and return what the fund receives."""
    scale, lots = 200, 10
    world = World(
        round_rules(
            "bitmex",
            fund__initial=0.0,
            margin__tiers=[[0, (liq - bankrupt) / liq * 1.0001, 100]],
            margin__maximum_leverage=100,
        ),
        traders=3,
        traits={"leverage": 100.0},
    )
    for i in (1, 2):
        world.own(i, 1e6)
    world.own(0, (entry - bankrupt) * scale * lots * 0.01)
    world.trade(0, 1, lots, tick=entry * scale)
    world.mark(liq * scale)
    world.limit(2, 1, round(fill * scale), lots)
    assert world.round() == 1 and (
        world.lots(0),
        world.lots(world.fund),
        world.collateral_usd(0),
    ) == (0, 0, 0.0)
    return {"fund_delta_per_contract": world.equity_usd(world.fund) / (scale * lots * 0.01)}


def linearised(entry, leverage, mm):
    margin = entry / leverage
    return {
        "bankrupt": bankruptcy_price(entry, margin, 1, 1.0),
        "liq": liquidation_price(entry, margin, 1, 1.0, 0.0, -mm * entry),
    }


ADAPTERS = {
    "fair_price": fair_price,
    "funding_payment_inverse": inverse_funding,
    "funding_cap": caps,
    "adl_queue": queue,
    "liquidation_fund": fund_of_takeover,
    "liq_bankrupt": linearised,
}
