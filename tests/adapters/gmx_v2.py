"""GMX v2: the adaptive rate, and the static one paid to receivers pro rata."""

from perplab.sim.laws.funding_transfer import funding_payment, received_rate
from perplab.sim.laws.skew_funding import adapted_rate, imbalance_of

MICRO = 1e6


def adaptive(
    long,
    short,
    saved,
    seconds,
    increase_factor_per_s=0.0,
    decrease_per_s=0.0,
    stable_thr=0.05,
    decrease_thr=0.03,
):
    imbalance = imbalance_of(float(long), float(short), 1.0)
    return {
        "factor_per_s": adapted_rate(
            saved,
            imbalance,
            float(seconds),
            increase_factor_per_s,
            decrease_per_s,
            stable_thr,
            decrease_thr,
            1.0,
        )
    }


def static(long, short, factor, exponent, seconds):
    """Receivers claim in two halves, one for each kind of collateral: each is rounded down."""
    rate = imbalance_of(float(long), float(short), float(exponent)) * factor * seconds
    received = received_rate(rate, float(long), float(short))
    claims = 2 * -funding_payment(-short // 2, 1.0, MICRO, received) / MICRO
    return {
        "long_pays_usdc": funding_payment(long, 1.0, MICRO, rate) / MICRO,
        "short_claims_usdc": claims,
    }


ADAPTERS = {
    "adaptive_funding": adaptive,
    "adaptive_funding_flip": adaptive,
    "static_funding": static,
}
