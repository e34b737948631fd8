"""Changes that scale a scenario's money: all of it, or each trader's with their number."""

from perplab.scenarios.files.kinds import kind_named
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.validation import rulebook_of

MONEY = "quote currency"
CENTRES = ("median", "mean", "low", "high", "min", "max", "sd", "value", "values", "scale")
DEPTHS = ("depth", "makers_capital", "late_capital")


def scaled(value, factor):
    """Return a trait's number or distribution times a factor.

    Examples
    --------
    >>> scaled(10, 0.5), scaled({"distribution": "lognormal", "median": 4, "log_sd": 1}, 0.5)
    (5.0, {'distribution': 'lognormal', 'median': 2.0, 'log_sd': 1})
    """
    if isinstance(value, dict):
        return {key: scaled(one, factor) if key in CENTRES else one for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [scaled(one, factor) for one in value]
    return value * factor if isinstance(value, (int, float)) else value


def stated_traits(population):
    """Return the traits of a population, defaults included, as a scenario file states them."""
    kind = kind_named(population.kind)
    stated = population.model_dump(mode="json", exclude_none=True)
    return {
        name: stated.get(name, trait.default_of(population.number))
        for name, trait in kind.traits.traits.items()
    }


def trader_money(scenario, factor, names=None):
    """Return the changes that multiply all money of populations by a factor.

    Money is every trait whose unit is quote currency. `names` are the populations, all by default.
    """
    loaded = load(scenario)
    return {
        f"populations.{name}.{trait}": scaled(value, factor)
        for name, population in loaded.populations.items()
        if names is None or name in names
        for trait, value in stated_traits(population).items()
        if kind_named(population.kind).traits.traits[trait].unit == MONEY
    }


def more_traders(scenario, factor):
    """Return the changes to `factor` times as many traders, each with 1 / factor of the money."""
    numbers = {
        f"populations.{name}.number": round(population.number * factor)
        for name, population in load(scenario).populations.items()
    }
    return numbers | trader_money(scenario, 1 / factor)


def all_money(scenario, factor):
    """Return the changes that multiply all money of a scenario by a factor.

    Capital and sizes of traders, spot's impact per amount traded, its depth and the money of its
    makers, margin tiers, impact notional, insurance fund, sizes of liquidation orders and lot.
    """
    loaded = load(scenario)
    book, spot = rulebook_of(loaded.market), loaded.spot
    tiers = [
        [tier.floor * factor, tier.maintenance_fraction, tier.leverage]
        for tier in book.margin.tiers
    ]
    rules = {
        "contract.lot": book.contract.lot * factor,
        "margin.tiers": tiers,
        "fund.initial": book.fund.initial * factor,
        "liquidation.first_notional": book.liquidation.first_notional * factor,
        "premium.impact_notional": book.premium.impact_notional * factor,
    }
    return {
        **trader_money(scenario, factor),
        **spot_money(spot, factor),
        **{f"market.changes.{key}": value for key, value in rules.items()},
    }


def spot_money(spot, factor):
    """Return the changes that scale spot's impact per amount traded, under its law of impact."""
    permanent = {"spot.permanent_impact_bps": spot.permanent_impact_bps / factor}
    if spot.displacement is None:
        return permanent | {"spot.transient_impact_bps": spot.transient_impact_bps / factor}
    law = spot.displacement
    return permanent | {f"spot.displacement.{key}": getattr(law, key) * factor for key in DEPTHS}
