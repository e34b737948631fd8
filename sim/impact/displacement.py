"""The law of displacement: spot as a virtual book whose depth may fall at once but returns slowly.

The price is ``exp(V + P + D)``: exogenous path, permanent impact, displacement. A flow of size x
moves the displacement along the book: with ``Y(D) = D + D |D| / (2 u)`` and depth q, the change of
``q Y`` is x. So impact is linear where D is small against the curvature u, and a square root where
it is large. A trade pays the average price along its way. Between trades D decays at the rate rho.

Depth is ``q exp(-s)``. The thinness s rises at once with what is seen of volatility and drift, and
with losses of the makers, and falls at most at the rate 2 rho.

Notes
-----
With G the integral of ``(exp(u) - 1) Y'(u)``, a round trip costs the final ``q G`` plus the
integral of ``q rho D (exp(D) - 1) Y' - q' G`` over time. Since ``D (exp(D) - 1) Y'`` is at least
twice G where the curvature is small against 1, no round trip earns on any path of the depth whose
logarithm rises at most at the rate 2 rho. Flow is counted at the initial price, so that a round
trip in lots is one in flow.

References: Huberman and Stanzl (2004, Econometrica 72) for a constant permanent slope; Gatheral
(2010, Quantitative Finance 10) and Alfonsi, Fruth and Schied (2010, Quantitative Finance 10) for
displacement in a book with resilience; Fruth, Schoeneborn and Urusov (2014, Mathematical Finance
24) for the bound on the return of depth.
"""

import math

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.compiler.tables import row
from perplab.sim.laws.averages import clamp

RECOVERY = 2.0
"""Most at which log depth returns, over the resilience: beyond 2 a round trip may earn."""
LARGEST_MOVE = 50.0
"""Of the log price by one trade, beyond which no price is worked out."""
NODE, LONGEST_PART = math.sqrt(0.6), 0.02

DISPLACEMENT = row(
    ("in_force", "i8"),  # 0: the law of spot is linear
    ("reference_price", "f8"),  # the initial price: flow is counted at it
    ("calm_depth", "f8"),  # quote currency per unit of log price, where D is 0
    ("curvature", "f8"),  # log price at which the book is twice as deep
    ("seconds", "f8"),  # 1 / rho
    ("depth_recovery", "f8"),  # most return of log depth, over rho
    ("thin_power", "f8"),
    ("spot_sight_seconds", "f8"),  # of the mean that moves of spot are measured from
    ("calm_volatility", "f8"),  # per sqrt(s), above which depth falls
    ("least_depth", "f8"),  # share that latent buyers keep whatever happens
    ("displaced", "f8"),  # D
    ("thinness", "f8"),  # s
    ("mean_log_spot", "f8"),
    ("seen_volatility", "f8"),
    ("flow", "f8"),  # of the running step, quote currency at the reference price
    ("sent", "f8"),  # of orders that wait for the end of trading
)


@hot_kernel
def displaces(law):
    """Return whether the law is in force; impact is linear otherwise."""
    return law["in_force"] == 1


@hot_kernel
def begin_at(law, price):
    """Set the price at which flow is counted, and from which moves of spot are seen."""
    law["reference_price"], law["mean_log_spot"] = price, math.log(price)


@hot_kernel
def over_reference(law, price):
    """Return a price over the reference price."""
    return price / law["reference_price"]


@hot_kernel
def flow_of(law, amount):
    """Return the flow of an amount of the asset: its value at the reference price."""
    return amount * law["reference_price"]


@hot_kernel
def displacement_of(law):
    """Return the displacement, log price."""
    return law["displaced"]


@hot_kernel
def depth_now(law):
    """Return the depth in force, quote currency per unit of log price where D is 0."""
    return law["calm_depth"] * math.exp(-law["thinness"])


@hot_kernel
def absorbed(law, displaced):
    """Return the flow over the depth that brings the displacement from 0 to `displaced`."""
    return displaced + math.copysign(displaced * displaced / (2.0 * law["curvature"]), displaced)


@hot_kernel
def displaced_by(law, start, flow):
    """Return the displacement after a flow, from the displacement `start`.

    Parameters
    ----------
    law : record of DISPLACEMENT
    start : float, log price
    flow : float
        Quote currency at the reference price; positive buys.

    Returns
    -------
    float, log price

    Examples
    --------
    >>> import numpy as np
    >>> law = np.zeros(1, DISPLACEMENT)[0]
    >>> law["calm_depth"], law["curvature"] = 1e6, 0.02
    >>> round(displaced_by(law, 0.0, 1_000.0), 6), round(displaced_by(law, 0.0, 160_000.0), 6)
    (0.000976, 0.062462)
    """
    reached, curvature = absorbed(law, start) + flow / depth_now(law), law["curvature"]
    size = curvature * (math.sqrt(1.0 + 2.0 * abs(reached) / curvature) - 1.0)
    return math.copysign(min(size, LARGEST_MOVE), reached)


@hot_kernel
def same_side_area(law, start, end, origin, slope):
    """Return the integral of ``exp(u + P) Y'(u)`` between two displacements of one sign.

    P is `slope` times the flow since the displacement `origin`. It is Gauss's rule with three
    nodes on parts in which neither moves by more than 4 %: its error is below 1e-12 of the result.
    """
    before, tilt = absorbed(law, origin), slope * depth_now(law)
    permanent = min(tilt * abs(absorbed(law, end) - absorbed(law, start)), LARGEST_MOVE)
    parts = 1 + int(max(abs(end - start), permanent) / LONGEST_PART)
    half, total = 0.5 * (end - start) / parts, 0.0
    for part in range(parts):
        middle = start + (2 * part + 1) * half
        for k in range(3):
            at = middle + (k - 1) * NODE * half
            price = math.exp(min(at + tilt * (absorbed(law, at) - before), LARGEST_MOVE))
            total += (8.0 if k == 1 else 5.0) * price * (1.0 + abs(at) / law["curvature"])
    return total * half / 9.0


@hot_kernel
def mean_factor(law, start, end, slope):
    """Return the mean of ``exp(D + P)`` over the flow that moves the displacement.

    Parameters
    ----------
    law : record of DISPLACEMENT
    start, end : float
        Displacement before the trade and after it.
    slope : float
        Log price of permanent impact, P, per unit of flow at the reference price.

    Examples
    --------
    >>> import numpy as np
    >>> law = np.zeros(1, DISPLACEMENT)[0]
    >>> law["calm_depth"], law["curvature"] = 1e6, 1e9
    >>> round(mean_factor(law, 0.0, 0.1, 0.0), 9)  # of a flat book: (exp(.1) - 1) / .1
    1.051709181
    """
    flow = absorbed(law, end) - absorbed(law, start)
    if abs(flow) < 1e-15:
        return math.exp(start)
    turn = 0.0 if start * end < 0.0 else start
    area = same_side_area(law, turn, end, start, slope)
    if turn != start:
        area += same_side_area(law, start, turn, start, slope)
    return area / flow


@kernel
def trade_factor(law, own, slope):
    """Return the mean price of a trade of flow `own` over spot at the start of the step.

    The step's flow so far has moved the price already; `slope` is that of permanent impact.
    """
    start = displaced_by(law, law["displaced"], law["flow"])
    factor = mean_factor(law, start, displaced_by(law, start, own), slope)
    return factor * math.exp(min(slope * law["flow"], LARGEST_MOVE) - law["displaced"])


@hot_kernel
def add_flow(law, flow):
    """Add a trade to the flow of the step."""
    law["flow"] += flow


@hot_kernel
def add_sent(law, flow):
    """Add an order to those that wait for the end of trading."""
    law["sent"] += flow


@hot_kernel
def moved_by_trades(law):
    """Return the log price by which the step's trades have moved spot."""
    return displaced_by(law, law["displaced"], law["flow"]) - law["displaced"]


@hot_kernel
def moved_by_orders(law):
    """Return the log price by which orders that wait will move spot beyond the step's trades."""
    now = displaced_by(law, law["displaced"], law["flow"])
    return displaced_by(law, now, law["sent"]) - now


@hot_kernel
def take_flow(law):
    """Displace spot by the flow of the step, and return it."""
    flow = law["flow"]
    law["displaced"] = displaced_by(law, law["displaced"], flow)
    law["flow"], law["sent"] = 0.0, 0.0
    return flow


@kernel
def slope_at(law, permanent, price):
    """Return the log price by which one unit of quote currency moves spot at a price.

    `permanent` is the slope of permanent impact per unit of flow.
    """
    local = 1.0 / (depth_now(law) * (1.0 + abs(law["displaced"]) / law["curvature"]))
    return (local + permanent) * law["reference_price"] / price


@kernel
def thin_out(law, log_spot, health, dt):
    """Bring the thinness up to date with what is seen of spot and with the makers' health.

    Parameters
    ----------
    law : record of DISPLACEMENT
    log_spot : float
    health : float
        Share of their capital that makers still have.
    dt : float, seconds
    """
    share = 1.0 - math.exp(-dt / law["spot_sight_seconds"])
    away = log_spot - law["mean_log_spot"]
    law["mean_log_spot"] += share * away
    speed = abs(away) / math.sqrt(law["spot_sight_seconds"])
    law["seen_volatility"] += share * (speed - law["seen_volatility"])
    stress = max(speed, law["seen_volatility"]) / law["calm_volatility"]
    least = law["least_depth"]
    wanted = law["thin_power"] * math.log(max(stress, 1.0)) - math.log(clamp(health, least, 1.0))
    returned = law["thinness"] - law["depth_recovery"] * dt / law["seconds"]
    law["thinness"] = max(min(wanted, -math.log(least)), returned)
