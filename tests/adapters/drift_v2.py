"""Drift: the rate per unit of base, spread over a day, with its offset and its clamp."""

from sim.funding import funding_rate
from sim.records import SUM

NANO = 1e9


def rate_per_base(mark, oracle, offset, clamp):
    """Return the hourly rate in quote per base, in billionths cut towards zero, of the law of premium plus offset."""
    fraction = funding_rate((mark - oracle) / oracle, offset, 0.0, SUM, clamp / 24, 24.0)
    return int(round(fraction * oracle * NANO, 3))


def rate(mark_twap, oracle_twap, period_h, offset_denominator, clamp):
    assert period_h == 1
    return {"rate_1e9": rate_per_base(mark_twap, oracle_twap, 1 / offset_denominator, float(clamp.rstrip("%")) / 100)}


def rate_without_offset(mark_twap_1e6, oracle_twap_1e6, clamp="oracle/10"):
    return {"rate_1e9": rate_per_base(mark_twap_1e6 / 1e6, oracle_twap_1e6 / 1e6, 0.0, 1 / float(clamp.partition("/")[2]))}


def clamped_spread(oracle_twap):
    """Return the largest spreads: what a premium far too large is cut to, before the division by 24."""
    spreads = {name: funding_rate(9.0, 0.0, 0.0, SUM, 1 / parts / 24, 24.0) * 24 * oracle_twap for name, parts in (("B", 33), ("", 10))}
    return {"tier_B_1e6": int(spreads["B"] * 1e6), "tier_default_1e6": int(round(spreads[""] * 1e6, 3))}


ADAPTERS = {"funding_rate": rate, "funding_rate_no_offset": rate_without_offset,
            "funding_rate_no_offset_clamped": rate_without_offset, "spread_clamp": clamped_spread}
