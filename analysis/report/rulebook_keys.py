"""Keys of a rulebook: their units, and where rulebooks differ."""

from perplab.analysis.metrics.scenario_words import meaning
from perplab.sim.rulebook.rulebook import load_rulebook

TIERS = "margin.tiers."
NOT_RULES = {"name", "dated", "sources", "assumed"}
ASSET, QUOTE = "units of the asset", "quote currency"
PER_PERIOD = "fraction per period_hours"
RULEBOOK_UNITS = {
    "contract.tick": QUOTE,
    "contract.lot": ASSET,
    "contract.unit": QUOTE,
    "contract.band": "fraction on either side",
    "trading.depth_usd": QUOTE,
    "trading.scale": ASSET,
    "trading.half_spread": "fraction",
    "trading.limit_usd": QUOTE,
    "trading.rebate_share": "share",
    "trading.fee_share": "share",
    "trading.borrowing": "rate per year, usage at the kink, rate per year",
    "fees.taker": "fraction of notional",
    "fees.maker": "fraction of notional",
    "premium.impact_notional": QUOTE,
    "premium.trim": "share at either end",
    "premium.limit": "fraction on either side",
    "premium.quantum": "fraction",
    "premium.factor": PER_PERIOD,
    "premium.increase": "fraction per period_hours per s",
    "premium.decrease": "fraction per period_hours per s",
    "premium.stable_imbalance": "share",
    "premium.decreasing_imbalance": "share",
    "premium.maximum_rate": PER_PERIOD,
    "premium.minimum_rate": PER_PERIOD,
    "premium.skew_scale": ASSET,
    "premium.maximum_velocity": "fraction per period_hours per day",
    "funding.interest_rate": "fraction per period_hours",
    "funding.damper": "fraction",
    "funding.cap": "fraction, or a multiple by cap_law, as bounds_per says",
    "funding.floor": "fraction, as bounds_per says",
    "funding.step_limit": "fraction, as bounds_per says, from one to the next",
    "funding.fee_reserve_share": "share",
    "funding.fee_subsidy_share": "share",
    "mark.clamp": "fraction of the index",
    "mark.inputs.depth": ASSET,
    "mark.inputs.basis_limit": "fraction",
    "index.clamp": "fraction of the median",
    "index.exclusion": "fraction of the median",
    "margin.maximum_leverage": "notional / equity",
    "margin.size_slope": "fraction per unit of the asset",
    "margin.concentration_slope": "fraction for a share 1 of open interest",
    "margin.position_limit_share": "share of open interest",
    "margin.tiers.floor": f"{QUOTE}, notional",
    "margin.tiers.maintenance_fraction": "fraction of notional",
    "margin.tiers.leverage": "notional / equity",
    "margin.tiers.deduction": QUOTE,
    "liquidation.first_notional": QUOTE,
    "liquidation.takeover_share": "share of maintenance margin",
    "liquidation.fee": "fraction of notional",
    "liquidation.fund_share": "share of the fee",
    "liquidation.tiers_down": "tiers",
    "fund.initial": QUOTE,
    "fund.leverage": "times its equity",
    "adl.fund_drawdown": "share of the fund's 8 h peak",
    "adl.pool_trigger": "share of the pool",
    "adl.pool_target": "share of the pool",
}


def rulebook_unit(section, key):
    """Return the unit of a key of a rulebook's section, empty if it has none.

    Examples
    --------
    >>> rulebook_unit("premium", "factor"), rulebook_unit("margin.tiers", "floor")
    ('fraction per period_hours', 'quote currency, notional')
    """
    return RULEBOOK_UNITS.get(f"{section}.{key}") or meaning(key)


def differences(names):
    """Return where rulebooks differ.

    Parameters
    ----------
    names : list of str

    Returns
    -------
    iterator of (str, list)
        Dotted key and its value in each rulebook, None where a rulebook lacks the key.
    """
    books = [rows_of(load_rulebook(name)) for name in names]
    for key in dict.fromkeys(key for book in books for key in book):
        values = [book.get(key) for book in books]
        if any(value != values[0] for value in values):
            yield key, values


def rows_of(book):
    """Return every value of a rulebook by dotted key; margin tiers are one list per key."""
    return dict(flat("", book.model_dump(exclude=NOT_RULES)))


def flat(prefix, value):
    """Yield ``(dotted key, value)`` of nested tables."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(f"{prefix}{key}.", inner)
    elif prefix == TIERS:
        yield from ((f"{prefix}{key}", column_of(value, key)) for key in value[0])
    elif isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        for place, inner in enumerate(value):
            yield from flat(f"{prefix}{place}.", inner)
    else:
        yield prefix.rstrip("."), value


def column_of(rows, key):
    """Return the values of a key in the rows that have it, None if none has."""
    return [row[key] for row in rows if row.get(key) is not None] or None
