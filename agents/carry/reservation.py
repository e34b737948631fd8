"""The reservation basis of a carry trade: expected funding as a function of the quote, inverted.

A perpetual traded at basis b implies an expected premium x(b) = (1 - w) b + w x0, a blend of the
quote and of a forecast x0 from the running premium. With F the venue's funding formula, the
*receipt of a short* per funding interval is

    G(b) = F(x(b)) + convergence * (b - fair)

where ``fair`` is the premium at which funding alone pays the hurdle, and ``convergence`` the share
of the distance to it that is expected back per interval. G is nondecreasing in b and piecewise
linear: its slope is 1 - w + convergence outside the dead band of the damper, ``convergence`` inside
it, and 0 beyond the cap. So an order that shortens the perpetual is quoted at the smallest b with
G(b) at or above what it must earn, an order that lengthens it at the largest b with G(b) at or
below it. Between two neighbouring kinks of the funding formula G is a line, which is inverted.
Where funding does not depend on the premium (a rate set by open interest), either no premium pays
the hurdle or every one does; the premium is then expected to return to spot. In the dead band,
without convergence, G is flat, and the two quotes are the ends of the band: costless traders with
hurdle c hold the premium at c - damper below the interest rate, at c + damper above it.

Literature: Ackerer, Hugonnier and Jermann (2024), "Perpetual futures pricing"; He, Manela, Ross and
von Wachter (2022), "Fundamentals of perpetual futures" (bounds from costs); Davis and Norman (1990)
for the no-trade region.
"""

from perplab.sim.compiler.jit import hot_kernel, kernel
from perplab.sim.laws.funding import KINKS, funding_rate, rate_kink

WIDEST = 0.1
REACH = 0.0999


@hot_kernel
def short_receipt(view, basis, forecast, forecast_weight, convergence, fair):
    """Return G(b), a short's expected receipt per interval and notional at a quote of `basis`."""
    premium = (1.0 - forecast_weight) * basis + forecast_weight * forecast
    funding = funding_rate(view["funding_law"], premium, view["seen"])
    return funding + convergence * (basis - fair)


@kernel
def reservation_basis(view, side, receipt, forecast, forecast_weight, convergence, fair):
    """Return the basis at which an order just earns its receipt.

    Parameters
    ----------
    view : record with funding_law and seen (`perplab.sim.laws.funding`), such as a VIEW
    side : {1, -1}
        -1 sells the perpetual: the smallest basis with G at or above `receipt`; 1 buys it: the
        largest basis with G at or below `receipt`.
    receipt : float, fraction of the notional per funding interval
        What a short must receive (may be negative: what a long is paid).
    forecast, forecast_weight, convergence, fair : float
        As in the module.

    Returns
    -------
    float, fraction of spot
        Accurate to 1e-12. -side * basis is above REACH where no basis is sufficient, below -REACH
        where any is. Without forecast and convergence it is the fair premium.

    Examples
    --------
    >>> import numpy as np
    >>> from perplab.sim.laws.funding import funding_law
    >>> from perplab.sim.state.market_rows import VIEW
    >>> view = np.zeros(1, VIEW)[0]
    >>> view["funding_law"] = funding_law(interest_rate=1e-4, damper=5e-4, cap=0.003)
    >>> carry = (0.05 / 1095, 0.0, 0.0, 0.0, 0.0)
    >>> [round(1e4 * reservation_basis(view, side, *carry), 3) for side in (-1, 1)]
    [-4.543, -4.543]
    >>> round(1e4 * reservation_basis(view, -1, 0.20 / 1095, 0.0, 0.0, 0.0, 0.0), 3)
    6.826
    """
    low, high = -WIDEST, WIDEST
    for number in range(KINKS):
        kink = rate_kink(view["funding_law"], number, view["seen"])
        basis = (kink - forecast_weight * forecast) / (1.0 - forecast_weight)
        if low < basis < high:
            surplus = (
                short_receipt(view, basis, forecast, forecast_weight, convergence, fair) - receipt
            )
            if surplus > 0.0 or (surplus == 0.0 and side < 0):
                high = basis
            else:
                low = basis
    below = short_receipt(view, low, forecast, forecast_weight, convergence, fair) - receipt
    above = short_receipt(view, high, forecast, forecast_weight, convergence, fair) - receipt
    if above < 0.0 or (above == 0.0 and side > 0):
        return high
    if below > 0.0 or (below == 0.0 and side < 0):
        return low
    return low - (high - low) * below / (above - below)
