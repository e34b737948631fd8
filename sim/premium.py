"""How far the perpetual stands from its index: the premium index, and the weight of each of its samples.

Sign: positive when the perpetual is dearer than the index, so that longs will pay. Prices are in quote currency, the
premium is a fraction of the index.
"""

from sim.kernel import hot_kernel


@hot_kernel
def premium_index(impact_bid, impact_ask, index):
    """Return one sample of the premium index.

    Parameters
    ----------
    impact_bid, impact_ask : float, quote currency
        Mean price of selling, and of buying, the impact notional at once; impact_bid <= impact_ask.
    index : float, quote currency, above 0

    Returns
    -------
    float, fraction of the index
        Zero while the index lies between the two impact prices.

    Notes
    -----
    P = (max(0, impact_bid - index) - max(0, index - impact_ask)) / index.

    References
    ----------
    .. [1] Binance, "Introduction to Binance Futures Funding Rates" (FAQ 360033525031).
    .. [2] Hyperliquid documentation, "Funding", with the oracle price for the index.

    Examples
    --------
    >>> premium_index(10100.0, 10110.0, 10000.0)
    0.01
    >>> premium_index(9990.0, 10010.0, 10000.0)
    0.0
    """
    return (max(0.0, impact_bid - index) - max(0.0, index - impact_ask)) / index


@hot_kernel
def sample_weight(sample_number, ramp):
    """Return the weight of the n-th sample of an interval in its average premium.

    Parameters
    ----------
    sample_number : int
        Counted from 1 at the start of the interval.
    ramp : int
        1: weights rise linearly (1, 2, 3, ...); 0: all weigh the same.

    Returns
    -------
    float

    Notes
    -----
    Under the ramp a premium that appears half way through the interval counts three quarters, and the last of n samples
    weighs 2 / (n + 1).

    References
    ----------
    .. [1] Binance, FAQ 360033525031 (linear); Hyperliquid documentation, "Funding" (simple).

    Examples
    --------
    >>> sample_weight(3, 1), sample_weight(3, 0)
    (3.0, 1.0)
    """
    return float(sample_number) if ramp else 1.0


@hot_kernel
def impact_notional(initial_fraction, margin):
    """Return the notional at which impact prices are taken: what a given margin carries at full leverage.

    Parameters
    ----------
    initial_fraction : float
        Initial margin fraction at the contract's maximum leverage.
    margin : float, quote currency

    Returns
    -------
    float, quote currency

    References
    ----------
    .. [1] Binance, FAQ 360033525031: impact margin notional = 200 USDT / initial margin rate.

    Examples
    --------
    >>> impact_notional(0.008, 200.0)
    25000.0
    """
    return margin / initial_fraction
