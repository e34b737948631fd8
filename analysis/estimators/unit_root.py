"""How fast a basis comes back to its own past, told from a random walk that happens to.

The deviation is that from the mean of the last 168 hourly closes, the present one included: nothing of the future is in it. So a random walk's
next change does not depend on its deviation, and the regression of the change on the deviation (with a constant) has slope 0 for it, where a
deviation from a centred mean, which holds 83 hours of the future, has a slope that looks like a half-life of 18 h.

*The null.* There is reversion where at most one in twenty random walks made of the same changes with signs drawn at random reverts as clearly to its own
mean (`random_walk_share`): sizes of changes, and so their clustering, stay as they are.

*The bias.* The 7-day mean follows a slow basis, and slopes of short samples are too steep. `median_half_life` looks up the half-life of the first-order
autoregression whose median slope, at the same number of closes, is the one found. At 696 closes, 600 samples each, medians (quartiles):

==================  =================  ====================  =====================  ==============================
true half-life, h   centred mean, raw  here                  share told (not null)  median of those that were told
==================  =================  ====================  =====================  ==============================
1.4                              1.3   1.4 (1.3 to 1.5)                      1.00                             1.4
6.6                              5.6   6.7 (5.7 to 7.7)                      1.00                             6.7
23                              12.7   25 (18 to 34)                          .86                            23
69                              16.8   69 (36 to 258)                         .19                            30
infinite                        18.1   -                                      .04                            36
==================  =================  ====================  =====================  ==============================

What is told is a selection: of slow bases only samples that happened to revert fast are told from a walk, so that half-lives of two days or more are
told too short, and beside nulls. The closes' own noise (a mid between bid and ask) reverts at once and counts as reversion. Where a basis has a fast and a
slow part, as Binance's has, a centred mean takes more of the slow part away: BTCUSDT 2020-2023 has 1.98 h here, 1.40 h by the centred mean.
"""

import functools
import math

import numpy as np

WEEK_HOURS = 168
SHORTEST_REGRESSION = 24
WALK_LEVEL = 0.05
MOST_WALKS, FEWEST_WALKS, SEED = 400, 99, 20_260
HALF_LIVES = np.append(np.geomspace(0.2, 400.0, 24), math.inf)
MOST_PATHS, FEWEST_PATHS, DRAWN_CLOSES = 200, 20, 400_000


def weekly_deviation(basis):
    """Return the deviation of hourly values from the mean of the last 168, from the first that has so many on.

    Parameters
    ----------
    basis : numpy.ndarray, shape (..., hours)
    """
    if basis.shape[-1] < WEEK_HOURS:
        return basis[..., :0]
    sums = np.cumsum(np.concatenate([np.zeros_like(basis[..., :1]), basis], axis=-1), axis=-1)
    return (
        basis[..., WEEK_HOURS - 1 :]
        - (sums[..., WEEK_HOURS:] - sums[..., :-WEEK_HOURS]) / WEEK_HOURS
    )


def reversion_pairs(basis):
    """Return the deviation from the 7-day mean and the change of the basis in the next hour."""
    return weekly_deviation(basis)[..., :-1], np.diff(basis)[..., WEEK_HOURS - 1 :]


def regression(x, y, kept=True):
    """Return slope and standard error of y on x with a constant; NaN with fewer than 24 pairs or no spread in x.

    Parameters
    ----------
    x, y : numpy.ndarray, shape (..., pairs)
    kept : bool or numpy.ndarray of bool
        The pairs that count.
    """
    weight = np.broadcast_to(np.asarray(kept, float), x.shape)
    number = weight.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = (
            part - (weight * part).sum(axis=-1, keepdims=True) / number[..., None]
            for part in (x, y)
        )
        spread = (weight * x * x).sum(axis=-1)
        slope = (weight * x * y).sum(axis=-1) / spread
        error = np.sqrt(
            (weight * (y - slope[..., None] * x) ** 2).sum(axis=-1) / (number - 2) / spread
        )
    known = (number >= SHORTEST_REGRESSION) & (spread > 0)
    return np.where(known, slope, math.nan), np.where(known, error, math.nan)


def random_walks_like(basis):
    """Return 400 random walks (fewer of a long basis, at least 99) from its start, made of its changes with signs drawn at random, always the same draws."""
    number = max(min(MOST_WALKS, 5 * DRAWN_CLOSES // len(basis)), FEWEST_WALKS)
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), (number, len(basis) - 1))
    return basis[0] + np.cumsum(
        np.concatenate([np.zeros((number, 1)), signs * np.diff(basis)], axis=1), axis=1
    )


def share_as_low(found, drawn):
    """Return the share of known drawn values not above the one found, the found one among them; NaN where it is unknown or fewer than half are known.

    Examples
    --------
    >>> share_as_low(-2.0, np.array([-3.0, 0.0, 1.0]))
    0.5
    """
    seen = drawn[np.isfinite(drawn)]
    if not math.isfinite(found) or 2 * len(seen) < len(drawn):
        return math.nan
    return float((1 + (seen <= found).sum()) / (1 + len(seen)))


def random_walk_share(basis):
    """Return the share of random walks like a basis that revert to their own mean as clearly (Dickey and Fuller's t); NaN with fewer than 24 changes.

    The whole sample's mean tells a slow basis from a walk more often than the 7-day mean: of half-lives of 23 h at 696 closes .9 of samples against .6.
    """
    if len(basis) < WEEK_HOURS + SHORTEST_REGRESSION:
        return math.nan
    found, drawn = (
        np.divide(*regression(path[..., :-1], np.diff(path)))
        for path in (basis, random_walks_like(basis))
    )
    return share_as_low(float(found), drawn)


def median_half_life(basis):
    """Return the half-life, in hours, of the autoregression whose median slope is that of the basis; infinite beyond a walk's."""
    slope = float(regression(*reversion_pairs(basis))[0])
    return (
        float(np.interp(slope, median_slopes(len(basis)), HALF_LIVES))
        if slope < median_slopes(len(basis))[-2]
        else math.inf
    )


@functools.cache
def median_slopes(closes):
    """Return the median slope of autoregressions with the half-lives `HALF_LIVES` over a number of closes, from steep to flat."""
    noise = np.random.default_rng(SEED).standard_normal(
        (max(min(MOST_PATHS, DRAWN_CLOSES // closes), FEWEST_PATHS), closes)
    )
    slopes = [
        np.median(regression(*reversion_pairs(autoregressions(noise, half_life)))[0])
        for half_life in HALF_LIVES
    ]
    return np.maximum.accumulate(slopes)


def autoregressions(noise, half_life):
    """Return first-order autoregressions of a half-life, in steps, made of noise along the last axis, their first values drawn from the long run."""
    from scipy.signal import lfilter

    kept = 0.5 ** (1 / half_life)
    start = noise[..., :1] / math.sqrt(1 - kept**2) if kept < 1 else noise[..., :1]
    return lfilter([1.0], [1.0, -kept], np.concatenate([start, noise[..., 1:]], axis=-1))
