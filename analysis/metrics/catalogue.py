"""What figures and factors are called, their units, and which of them cannot be negative: one list for tables, axes and sentences."""

from typing import NamedTuple

import numpy as np

from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.metrics.units import meaning
from perplab.scenarios.files.kinds import kind_named
from perplab.sim.errors import PerplabError


class Quantity(NamedTuple):
    """A figure of a run: the group it stands in, what it is called, its unit, whether it may be negative."""

    group: str
    words: str
    unit: str
    signed: bool = False


QUANTITIES = {
    "basis_mean_bps": Quantity("basis", "basis, mean", "bp", True),
    "basis_sd_bps": Quantity("basis", "basis, standard deviation", "bp"),
    "basis_half_life_hours": Quantity("basis", "basis, half-life", "h"),
    "perp_to_spot_return_sd": Quantity("basis", "return sd, perpetual over spot", ""),
    "funding_mean_bps_8h": Quantity("funding", "funding, mean", "bp per 8 h", True),
    "funding_sd_bps_8h": Quantity("funding", "funding, standard deviation", "bp per 8 h"),
    "funding_pinned_share": Quantity("funding", "settlements at the interest rate", "share"),
    "funding_negative_share": Quantity("funding", "settlements below 0", "share"),
    "open_interest_mean": Quantity("market", "open interest, mean", "USD"),
    "volume": Quantity("market", "volume", "USD"),
    "trades": Quantity("market", "trades", ""),
    "orders": Quantity("market", "orders", ""),
    "book_empty_share": Quantity("market", "rows with an empty side of the book", "share"),
    "liquidations": Quantity("forced", "accounts liquidated", ""),
    "liquidated_notional": Quantity("forced", "liquidated notional", "USD"),
    "cascade_rounds_max": Quantity("forced", "longest run of rounds", ""),
    "amplification": Quantity("forced", "amplification, to 6 h after the shock", "share", True),
    "insurance_fund_change": Quantity("forced", "insurance fund, change", "USD", True),
    "bad_debt": Quantity("forced", "insurance fund, most below zero", "USD"),
    "adl_events": Quantity("forced", "deleveragings", ""),
    "decisions": Quantity("run", "decisions", ""),
    "wall_seconds": Quantity("run", "time simulating", "s"),
    "conservation_error_units": Quantity("run", "money unaccounted for", "units"),
}
MAGNITUDES = ((1e9, "billion "), (1e6, "million "), (1e3, "thousand "))
PROFIT = "pnl_by_kind."
OF_RULEBOOKS = {
    "cap": "fraction per interval",
    "floor": "fraction per interval",
    "damper": "fraction",
    "interest": "fraction per interval",
    "interval_hours": "h",
    "divisor": "",
    "taker": "fraction of value",
    "maker": "fraction of value",
    "fee": "fraction of value",
    "impact_notional": "USD",
    "initial": "USD",
    "maximum_leverage": "",
    "clamp": "fraction of the index",
}


def quantity(name):
    """Return the `Quantity` of a column of runs; a column without one is called by its name.

    Examples
    --------
    >>> quantity("pnl_by_kind.directional_short").words, quantity("x_y").words
    ('profit, directional short', 'x y')
    """
    if name.startswith(PROFIT):
        return Quantity(
            "profit", "profit, " + name.removeprefix(PROFIT).replace("_", " "), "USD", True
        )
    return QUANTITIES.get(name) or Quantity("", name.replace("_", " "), "", True)


def label(name, scale=""):
    """Return what a column is called on an axis or over a column, with its unit, a word of scale before it.

    Examples
    --------
    >>> label("basis_mean_bps"), label("volume", "million "), label("liquidations"), label("factor.cap")
    ('basis, mean (bp)', 'volume (million USD)', 'accounts liquidated', 'cap')
    >>> label("basis_sd_bps")
    'basis, sd (bp)'
    """
    if name.startswith("factor."):
        return name.removeprefix("factor.").replace("_", " ")
    told = quantity(name)
    unit = (scale + told.unit).strip()
    words = told.words.replace("standard deviation", "sd")
    return f"{words} ({unit})" if unit else words


def magnitude(amounts):
    """Return the divisor and the word that bring amounts near to 1 to 1,000.

    Examples
    --------
    >>> magnitude([2_500_000.0]), magnitude([])
    ((1000000.0, 'million '), (1.0, ''))
    """
    largest = np.max(np.abs(amounts), initial=0.0)
    return next(((scale, name) for scale, name in MAGNITUDES if largest >= scale), (1.0, ""))


def scaled(values, name):
    """Return the divisor and the word that bring a column of money near to 1 to 1,000; 1 and no word for what is no money.

    Examples
    --------
    >>> scaled([2e6], "volume"), scaled([2e6], "trades")
    ((1000000.0, 'million '), (1.0, ''))
    """
    if quantity(name).unit != "USD":
        return 1.0, ""
    return magnitude(
        np.asarray([value for value in values if value is not None and np.isfinite(value)], float)
    )


def interval_of(values, name):
    """Return mean and 95 % interval over seeds (Student's t) of a figure; the low end of what cannot be negative is cut at 0.

    Examples
    --------
    >>> [round(x, 2) for x in interval_of([0.0, 0.0, 9.0], "liquidations")]
    [3.0, 0.0, 15.91]
    """
    centre, low, high = mean_interval(values)
    return centre, low if low is None or quantity(name).signed else max(low, 0.0), high


def cut_at_zero(values, name):
    """Return whether `interval_of` had to cut an interval at 0."""
    low = mean_interval(values)[1]
    return low is not None and low < 0 and not quantity(name).signed


def factor_words(name, keys, scenario):
    """Return what a factor of a sweep is called on an axis: its own name, and what its key means with the unit.

    Examples
    --------
    >>> factor_words("cap", ["market.changes.funding.cap"], {})
    'funding cap (fraction per interval)'
    >>> factor_words("crowd", ["populations.shorts.number"], {})
    'crowd: shorts number (traders)'
    """
    own, key = name.replace("_", " "), keys[0]
    words, unit = words_of_key(key, scenario)
    told = words if set(own.split()) <= set(words.split()) else f"{own}: {words}"
    return f"{told} ({unit})" if unit and len(keys) == 1 else told


def words_of_key(key, scenario):
    """Return the last two parts of a dotted key as words without their unit, and the unit."""
    parts = [
        part
        for part in key.split(".")
        if part not in ("changes", "populations") and not part.isdecimal()
    ]
    last = parts[-1]
    unit = (
        OF_RULEBOOKS.get(last, "")
        if ".changes." in key
        else trait_unit(key, scenario) or meaning(last)
    )
    for ending in ("_usd", "_seconds", "_hours", "_bps", "_per_year"):
        last = last.removesuffix(ending)
    return " ".join([*parts[-2:-1], last]).replace("_", " ").removeprefix("market "), unit.replace(
        "quote currency", "USD"
    ).replace("number", "")


def trait_unit(key, scenario):
    """Return the unit of a trait that a dotted key names, empty where it names none."""
    parts = key.split(".")
    if (
        len(parts) != 3
        or parts[0] != "populations"
        or parts[1] not in scenario.get("populations", {})
    ):
        return ""
    try:
        trait = kind_named(scenario["populations"][parts[1]]["kind"]).traits.traits.get(parts[2])
    except PerplabError:
        return ""
    return "" if trait is None or trait.unit == "1" else trait.unit


def value_text(value):
    """Return a value of a factor as a text: six digits at most, names as they are.

    Examples
    --------
    >>> value_text(0.0003), value_text(250), value_text("binance"), value_text(2_000_000.0)
    ('0.0003', '250', 'binance', '2,000,000')
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"


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
    return (
        f"{numbers[0]} to {numbers[-1]}"
        if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1))
        else listed(numbers)
    )
