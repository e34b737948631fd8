"""Closed forms of predatory trading: rates, costs and overshoot in equilibrium.

Spot is U + g X + l Y: X is what strategic traders have bought, Y the rate at which they buy, g the
permanent and l the temporary impact. Trader i must have bought D_i at the horizon T. The schedules
that traders follow, integrals of these rates, are in `perplab.agents.attacks.predation`.
"""

import numpy as np


def _exponents(amounts, permanent, temporary, horizon):
    """Return n, the decay of the race over the horizon, and the growth of the fade."""
    traders, growth = len(amounts), permanent * horizon / temporary
    return traders, growth * (traders - 1) / (traders + 1), growth


def equilibrium_rates(times, amounts, permanent, temporary, horizon):
    """Return the trading rates of the Nash equilibrium in open-loop strategies.

    Parameters
    ----------
    times : array_like, shape (times,)
        From 0 to `horizon`.
    amounts : array_like, shape (traders,)
        What each must have bought at the horizon; negative sells.
    permanent, temporary : float, above 0
        g, price per amount, and l, price per rate.
    horizon : float

    Returns
    -------
    numpy.ndarray, shape (traders, times)

    Notes
    -----
    Y_i = A exp(-k t) + B_i exp(g t / l), k = (n - 1)/(n + 1) g/l, A = k mean(D) / (1 - exp(-k T)),
    B_i = g/l (D_i - mean(D)) / (exp(g T / l) - 1). A lone trader trades evenly.

    References
    ----------
    .. [1] Carlin, Lobo and Viswanathan (2007), "Episodic liquidity crises: cooperative and
       predatory trading", Journal of Finance 62(5), 2235-2274.

    Examples
    --------
    Two traders, one of whom must sell: both race, then the seller goes on and the other buys back.

    >>> equilibrium_rates([0, 1], [-1, 0], 1.0, 0.2, 1.0).round(3).tolist()
    [[-1.044, -2.711], [-1.01, 2.323]]
    """
    amounts, times = np.asarray(amounts, float), np.asarray(times, float) / horizon
    traders, decay, growth = _exponents(amounts, permanent, temporary, horizon)
    mean, apart = amounts.mean(), amounts - amounts.mean()
    race = (
        decay * np.exp(-decay * times) / -np.expm1(-decay) if traders > 1 else np.ones(len(times))
    )
    fade = growth * np.exp(-growth * (1 - times)) / -np.expm1(-growth)
    return (mean * race + apart[:, None] * fade) / horizon


def equilibrium_costs(amounts, permanent, temporary, horizon):
    """Return what each trader pays in equilibrium beyond the price at the start.

    Parameters are those of `equilibrium_rates`.

    Returns
    -------
    numpy.ndarray, shape (traders,)
        The integral of (g X + l Y) Y_i; negative is a gain.

    Notes
    -----
    With z = k T, x = g T / l and S the sum of D: g S / (1 - exp(-z)) [D_i - mean(D) (1 + exp(-z)) /
    (n + 1) - (D_i - mean(D)) (exp(-z) - exp(-x)) / (1 - exp(-x))]. A lone trader pays
    g D^2 / 2 + l D^2 / T.

    Examples
    --------
    >>> equilibrium_costs([-1], 1.0, 0.05, 1.0).round(4).tolist()
    [0.55]
    >>> equilibrium_costs([-1, 0], 1.0, 0.05, 1.0).round(4).tolist()
    [0.8335, -0.1665]
    """
    amounts = np.asarray(amounts, float)
    traders, decay, growth = _exponents(amounts, permanent, temporary, horizon)
    if traders == 1:
        return permanent * amounts**2 * (0.5 + 1 / growth)
    mean, apart = amounts.mean(), amounts - amounts.mean()
    raced, faded = np.exp(-decay), np.exp(-growth)
    late = apart * (raced - faded) / -np.expm1(-growth)
    paid = amounts - mean * (1 + raced) / (traders + 1) - late
    return permanent * amounts.sum() * paid / -np.expm1(-decay)


def predation_costs(impact_ratio, predators=1):
    """Return a distressed trader's extra cost and the predators' gain, over g D^2.

    Parameters
    ----------
    impact_ratio : float, at least 0
        l / (g T). At 0 rates of trading are limited instead.
    predators : int, at least 1

    Returns
    -------
    extra_cost : float
        Beyond what trading evenly costs without predators.
    gain : float
        Of all predators together.

    Notes
    -----
    As `impact_ratio` tends to 0, they tend to 1/2 - 1/(n (n + 1)) and (n - 1)/(n (n + 1)) for n
    traders in all: 1/3 and 1/6 with one predator. What the seller loses beyond the predators' gain
    goes to those who trade against all of them. With limited rates (see `predation_overshoot`) both
    are 1/2 for any number of predators, and nothing goes to others.

    Examples
    --------
    >>> [round(value, 4) for value in predation_costs(0.2)]
    [0.1755, 0.1312]
    >>> [[round(value, 4) for value in predation_costs(1e-4, n)] for n in (1, 3)]
    [[0.3332, 0.1667], [0.4499, 0.15]]
    """
    if impact_ratio == 0:
        return 0.5, 0.5
    alone = equilibrium_costs([1.0], 1.0, impact_ratio, 1.0)[0]
    costs = equilibrium_costs([1.0] + [0.0] * predators, 1.0, impact_ratio, 1.0)
    return float(costs[0] - alone), float(-costs[1:].sum())


def predation_overshoot(predators):
    """Return how far the price passes its final level under limited rates, over g D.

    Parameters
    ----------
    predators : int, at least 1

    Returns
    -------
    float
        1 / predators.

    Notes
    -----
    A seller of D and predators, all at their capacity of D at the start, each sell at the same
    limited rate, which has no temporary impact. A predator turns when it has sold D / predators:
    then (1 + 1 / predators) D has been sold in all, of which D / predators is bought back. In the
    paper's words it sells until its position is (I_p - 1)/(I - 1) of its capacity, and buys back at
    the rate A / (I (I_p - 1)), with I = I_p + 1 traders and the total rate A.

    References
    ----------
    .. [1] Brunnermeier and Pedersen (2005), "Predatory trading", Journal of Finance 60(4),
       1825-1863.

    Examples
    --------
    >>> [predation_overshoot(predators) for predators in (1, 2, 4, 8)]
    [1.0, 0.5, 0.25, 0.125]
    """
    return 1 / predators
