"""Drift: hourly rate with offset and clamp, funding paid from the maker's fees, liquidation."""

from perplab.sim.laws.funding import DamperMode
from perplab.sim.laws.funding_transfer import carried_rate, fee_pool, pool_spends
from perplab.sim.laws.liquidation import size_for_shortage
from perplab.sim.rulebook.rulebook import load_rulebook
from tests.laws import rate_of
from tests.markets import World, round_rules
from tests.probes import share_of_loss

MICRO, NANO = 1e6, 1e9
BOOK = {
    "trading__venue_type": "book",
    "trading__scale": None,
    "trading__half_spread": None,
    "trading__limit_usd": None,
    "trading__fee_share": 0.0,
}


def rate_per_base(mark, oracle, offset, clamp):
    """Return the hourly rate in quote per base, in billionths cut towards zero, of the law of
    premium plus offset.
    """
    fraction = rate_of((mark - oracle) / oracle, offset, 0.0, DamperMode.SUM, clamp / 24, 24.0)
    return int(round(fraction * oracle * NANO, 3))


def rate(mark_twap, oracle_twap, period_h, offset_denominator, clamp):
    assert period_h == 1
    return {
        "rate_1e9": rate_per_base(
            mark_twap, oracle_twap, 1 / offset_denominator, float(clamp.rstrip("%")) / 100
        )
    }


def rate_without_offset(mark_twap_1e6, oracle_twap_1e6, clamp="oracle/10"):
    return {
        "rate_1e9": rate_per_base(
            mark_twap_1e6 / 1e6, oracle_twap_1e6 / 1e6, 0.0, 1 / float(clamp.partition("/")[2])
        )
    }


def clamped_spread(oracle_twap):
    """Return the maximum spreads: the clamp on the premium, before the division by 24."""
    spreads = {
        name: rate_of(9.0, 0.0, 0.0, DamperMode.SUM, 1 / parts / 24, 24.0) * 24 * oracle_twap
        for name, parts in (("B", 33), ("", 10))
    }
    return {
        "tier_B_1e6": int(spreads["B"] * 1e6),
        "tier_default_1e6": int(round(spreads[""] * 1e6, 3)),
    }


def size_to_close(shortage, mm_ratio, liquidator_fee, insurance_fee, oracle, quote_oracle):
    return {
        "base_to_close": size_for_shortage(
            shortage, oracle * quote_oracle, mm_ratio, liquidator_fee + insurance_fee / quote_oracle
        )
    }


def by_fees(mark_twap, oracle_twap, long, short, fees):
    """Return both rates and the remaining fees of a maker; money in millionths, as at the venue."""
    rules, payer = load_rulebook("drift-v2").funding, 1 if mark_twap > oracle_twap else -1
    rate = rate_per_base(mark_twap, oracle_twap, 0.0, 1 / 33) / NANO
    payers, receivers = (long, short) if payer > 0 else (short, long)
    spare = rules.fee_subsidy_share * fee_pool(fees * MICRO, fees * MICRO, rules.fee_reserve_share)
    values = payers * MICRO, receivers * MICRO
    received = carried_rate(rate, *values, spare)
    rates = [int(part * NANO) for part in ((rate, received) if payer > 0 else (received, rate))]
    return {
        "long_rate_1e9": rates[0],
        "short_rate_1e9": rates[1],
        "fees_after": fees - pool_spends(rate, *values, spare) / MICRO,
    }


def capped(fee_pool, **inputs):
    """Half of what has been earned is kept, so the fees were twice the pool."""
    return by_fees(fees=2 * fee_pool, **inputs)


def earned(fees_before, **inputs):
    return by_fees(fees=fees_before, **inputs)


def shared(loss, long, short):
    """Share a loss over open interest and see what a unit of the base has paid."""
    world = World(round_rules("drift-v2", contract__lot=1.0, contract__tick=1.0, **BOOK), traders=4)
    for i in range(4):
        world.own(i, 1e7)
    world.trade(0, 1, short)
    world.trade(0, 2, long - short)
    world["position"]["lots"][2] = 0
    before = world.collateral_usd(0)
    assert int(world.call(share_of_loss, 0, loss * 1_000_000)) > 0
    return {"delta_1e9": round((before - world.collateral_usd(0)) / long * 1e9)}


ADAPTERS = {
    "asymmetric_funding_cap": capped,
    "amm_earns_funding": earned,
    "liq_size_for_shortage": size_to_close,
    "socialised_loss_via_funding": shared,
    "funding_rate": rate,
    "funding_rate_no_offset": rate_without_offset,
    "funding_rate_no_offset_clamped": rate_without_offset,
    "spread_clamp": clamped_spread,
}
