"""What the keys, values and events of a scenario are called in tables, axes and sentences."""

import numpy as np

from perplab.scenarios.files.kinds import kind_named
from perplab.sim.errors import PerplabError

UNITS = {
    "_bps": "bp",
    "_seconds": "s",
    "_hours": "h",
    "_days": "days",
    "_usd": "quote currency",
    "_per_year": "per year",
    "_per_day": "per day",
    "_share": "share",
}
MEANINGS = {
    "days": "length of the run",
    "dt_seconds": "s per step",
    "record_seconds": "s between two recorded rows",
    "wealth_seconds": "s between two records of wealth by kind",
    "premium_sample_seconds": "s between two samples of the premium, about",
    "volatility": "per square root of a year",
    "drift": "growth of the price per year",
    "initial_price": "quote currency",
    "number": "traders",
    "permanent_impact_bps": "bp per 100,000 of quote currency traded in spot",
    "transient_impact_bps": "bp per 100,000 of quote currency traded in spot",
    "move": "fraction of the price",
    "minutes": "min",
    "sd": "stationary standard deviation",
    "slow_sd": "of the log volatility",
    "fast_sd": "of the log volatility",
    "perp_price_discovery": "share of perpetual flow that moves the common value",
    "level": "quote currency",
}
OF_RULEBOOKS = {
    "cap": "fraction per interval",
    "floor": "fraction per interval",
    "damper": "fraction",
    "interval_hours": "h",
    "taker": "fraction of value",
    "maker": "fraction of value",
    "fee": "fraction of value",
    "impact_notional": "USD",
    "initial": "USD",
    "maximum_leverage": "",
    "clamp": "fraction of the index",
}
SHORT_ENDINGS = ("_usd", "_seconds", "_hours", "_bps", "_per_year")
ATTACKER = "manipulation"
SHOCK_WORDS = {
    "path": "shock to spot",
    "programme": "spot programme",
    "index_source": "stray source",
}


def meaning(key):
    """Return the unit or meaning of a key of a scenario, empty where the key suffices."""
    return MEANINGS.get(key) or next(
        (unit for ending, unit in UNITS.items() if key.endswith(ending)), ""
    )


def factor_words(name, keys, scenario):
    """Return what a factor of a sweep is called on an axis: name, and key in words with unit.

    Examples
    --------
    >>> factor_words("cap", ["market.changes.funding.cap"], {})
    'funding cap (fraction per interval)'
    >>> factor_words("crowd", ["populations.shorts.number"], {})
    'crowd: shorts number (traders)'
    """
    own = name.replace("_", " ")
    words, unit = words_of_key(keys[0], scenario)
    text = words if set(own.split()) <= set(words.split()) else f"{own}: {words}"
    return f"{text} ({unit})" if unit and len(keys) == 1 else text


def words_of_key(key, scenario):
    """Return the last two parts of a dotted key as words without their unit, and the unit."""
    parts = [part for part in key.split(".") if part not in ("changes", "populations")]
    parts = [part for part in parts if not part.isdecimal()]
    words = parts[-1]
    for ending in SHORT_ENDINGS:
        words = words.removesuffix(ending)
    text = " ".join([*parts[-2:-1], words]).replace("_", " ").removeprefix("market ")
    unit = unit_of_key(key, parts[-1], scenario)
    return text, unit.replace("quote currency", "USD").replace("number", "")


def unit_of_key(key, last, scenario):
    """Return the unit of a dotted key that ends in `last`: of rulebook, trait or scenario."""
    if ".changes." in key:
        return OF_RULEBOOKS.get(last, "")
    return trait_unit(key, scenario) or meaning(last)


def trait_unit(key, scenario):
    """Return the unit of a trait that a dotted key names, empty where it names none."""
    parts, populations = key.split("."), scenario.get("populations", {})
    if len(parts) != 3 or parts[0] != "populations" or parts[1] not in populations:
        return ""
    try:
        trait = kind_named(populations[parts[1]]["kind"]).traits.traits.get(parts[2])
    except PerplabError:
        return ""
    return "" if trait is None or trait.unit == "1" else trait.unit


def value_text(value):
    """Return a value of a factor as a text: six digits at most; a name as it is.

    Examples
    --------
    >>> value_text(0.0003), value_text(250), value_text("binance"), value_text(2_000_000.0)
    ('0.0003', '250', 'binance', '2,000,000')
    >>> value_text(-0.0)
    '0'
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return str(value)
    whole = float(value).is_integer() and abs(value) < 1e15
    return f"{value + 0:,.0f}" if whole else f"{value:.6g}"


def listed(values, last="and"):
    """Return values as a text: ``a, b and c``.

    Examples
    --------
    >>> listed([0.1, 0.2, 3]), listed(range(9), "to"), listed(["x"])
    ('0.1, 0.2 and 3', '0, 1, 2, 3, 4, 5, 6, 7 to 8', 'x')
    """
    texts = [value_text(value) for value in values]
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}" if len(texts) > 1 else "".join(texts)


def numbers_text(numbers):
    """Return seeds as a text, successive ones as a range.

    Examples
    --------
    >>> numbers_text([0, 1, 2, 3]), numbers_text([3, 7])
    ('0 to 3', '3 and 7')
    """
    numbers = list(numbers)
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return listed(numbers)


def acting_of(scenario):
    """Return ``(first hour, last hour, words)`` of each shock and attack of a scenario, in time.

    Parameters
    ----------
    scenario : dict
        The tables of a scenario.

    Examples
    --------
    >>> shock = {"kind": "path", "at_hours": 24.0, "minutes": 30.0, "move": -0.1}
    >>> acting_of({"shocks": [shock], "populations": {}})
    [(24.0, 24.5, 'shock to spot')]
    """
    spans = [span_of_shock(shock) for shock in scenario.get("shocks", ())]
    for population in scenario["populations"].values():
        spans += attack_of(population)
    return sorted(spans)


def span_of_shock(shock):
    """Return first hour, last hour and words of a shock."""
    minutes = shock["minutes"] + shock.get("back_minutes", 0.0)
    start = shock["at_hours"]
    return start, start + minutes / 60.0, SHOCK_WORDS[shock["kind"]]


def attack_of(population):
    """Return the spans of an attack: one, or none without an attacker or where hours are drawn."""
    if population["kind"] != ATTACKER or not population["number"]:
        return []
    start = population.get("attack_start_hours", 24.0)
    hours = population.get("attack_hours", 8.0)
    if not all(isinstance(value, (int, float)) for value in (start, hours)):
        return []
    return [(start, start + hours, "attack")]
