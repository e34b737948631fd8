"""Who stands on the other side of spot trades: makers, late value buyers, latent traders.

Makers take all flow of traders and are worked out of it as the displacement decays; then latent
traders, who answer without delay and without a limit, take it over at the market price. Late value
buyers see the displacement with a delay and hasten its decay while their money lasts; they sell
what they hold to latent traders over a day. What is left to the makers after the depth has changed
goes the same way. Makers with finite capital reduce the depth as they lose.

Amounts are quote currency; holdings are counted at the reference price of
`perplab.sim.impact.displacement`, bought positive. This ledger divides what the asset's row books
exactly with the outside; it books nothing itself.
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.impact.displacement import absorbed, depth_now, displaced_by

DAY = 86_400.0

LEDGER = row(
    ("makers_capital", "f8"),
    ("makers_cash", "f8"),  # since the start
    ("makers_held", "f8"),
    ("late_seconds", "f8"),  # delay with which they see the displacement; 0: there are none
    ("late_displacement", "f8"),  # at which they double the resilience
    ("late_capital", "f8"),
    ("late_attention", "f8"),  # mean size of the displacement as they know it
    ("late_cash", "f8"),
    ("late_held", "f8"),
)


@hot_kernel
def makers_trade(ledger, flow, paid):
    """Book a trade of others: flow at the reference price (positive: others buy) and its price."""
    ledger["makers_held"] -= flow
    ledger["makers_cash"] += paid


@hot_kernel
def late_trade(ledger, flow, price):
    """Book a purchase of late buyers from the makers; `price` is over the reference price."""
    ledger["late_held"] += flow
    ledger["late_cash"] -= flow * price
    makers_trade(ledger, flow, flow * price)


@hot_kernel
def makers_profit(ledger, price):
    """Return the makers' profit since the start, at a price over the reference price."""
    return ledger["makers_cash"] + ledger["makers_held"] * price


@hot_kernel
def late_value(ledger, price):
    """Return the value of what late buyers hold, at a price over the reference price."""
    return ledger["late_held"] * price


@hot_kernel
def late_profit(ledger, price):
    """Return the late buyers' profit since the start, at a price over the reference price."""
    return ledger["late_cash"] + late_value(ledger, price)


@hot_kernel
def makers_health(ledger, price):
    """Return the share of their capital that makers still have."""
    return 1.0 + makers_profit(ledger, price) / ledger["makers_capital"]


@kernel
def late_flow(law, ledger, displaced, price, dt):
    """Return what late buyers buy in a step beyond the plain decay, within their money.

    Their money is their capital less what they have lost.

    Parameters
    ----------
    law, ledger : records of DISPLACEMENT and LEDGER
    displaced : float
        Displacement after the plain decay of the step.
    price : float, over the reference price
    dt : float, seconds
    """
    if ledger["late_seconds"] == 0.0:
        return 0.0
    share = 1.0 - math.exp(-dt / ledger["late_seconds"])
    ledger["late_attention"] += share * (abs(displaced) - ledger["late_attention"])
    ratio = ledger["late_attention"] / ledger["late_displacement"]
    sooner = displaced * math.exp(-dt * ratio * ratio / law["seconds"])
    wanted = depth_now(law) * (absorbed(law, sooner) - absorbed(law, displaced))
    held = ledger["late_held"]
    money = ledger["late_capital"] + min(late_profit(ledger, price), 0.0)
    room = money - math.copysign(held, held * wanted)
    return math.copysign(min(abs(wanted), max(room, 0.0)), wanted)


@kernel
def relax(law, ledger, price, dt):
    """Let the displacement decay for a step: latent traders and late buyers relieve the makers.

    `price` is that of the trades, over the reference price.
    """
    start = law["displaced"]
    plain = start * math.exp(-dt / law["seconds"])
    latent = depth_now(law) * (absorbed(law, plain) - absorbed(law, start))
    makers_trade(ledger, latent, latent * price)
    late = late_flow(law, ledger, plain, price, dt)
    late_trade(ledger, late, price)
    law["displaced"] = displaced_by(law, plain, late)


@kernel
def hand_over(law, ledger, price, dt):
    """Let late buyers sell a day's share of what they hold, and makers of what depth left them."""
    share = 1.0 - math.exp(-dt / DAY)
    sold = share * ledger["late_held"]
    ledger["late_held"] -= sold
    ledger["late_cash"] += sold * price
    left = share * (ledger["makers_held"] + depth_now(law) * absorbed(law, law["displaced"]))
    makers_trade(ledger, left, left * price)
