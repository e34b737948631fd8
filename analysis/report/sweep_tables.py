"""The tables of a sweep: means with intervals at each design point, and paired differences."""

from perplab.analysis.estimators.paired_differences import ARM, contrasts, places_of
from perplab.analysis.estimators.series import mean_interval
from perplab.analysis.metrics.catalogue import (
    cut_at_zero,
    interval_of,
    label,
    metric_of,
    scaled,
    sweep_columns,
)
from perplab.analysis.metrics.scenario_words import value_text
from perplab.analysis.report.page import Table
from perplab.analysis.report.text_format import interval_text

GROUPS = {name: sweep_columns(name) for name in ("peg", "activity", "forced", "losses")}
GROUPS["losses"] += ("pnl_by_kind.manipulation",)
MOST_POINTS, MOST_CHANGES = 200, 40
CUT = " Intervals of quantities that cannot be negative are cut at 0."
NOT_AVERAGED = "opposite signs"
DECIMALS = 4


def is_informative(runs, name):
    """Return whether a column exists, is known in some run and is not zero in all of them."""
    return name in runs and bool((runs[name].fillna(0) != 0).any())


def dimensions(runs, factors):
    """Return the columns that distinguish design points: factors, and the arm if it varies."""
    return [*factors, *([ARM] if runs[ARM].nunique() > 1 else [])]


def opposite_signs(runs, others, figure):
    """Return whether averaging a signed figure over other factors would mix opposite regimes.

    It would if the 95 % interval over seeds is above zero at one combination of the factors'
    values and below zero at another; of a single seed, if its values are.
    """
    if not others or figure not in runs or not metric_of(figure).signed:
        return False
    found = [
        mean_interval(rows.groupby("seed")[figure].mean()) for _, rows in places_of(runs, others)
    ]
    known = [
        (centre, centre) if low is None else (low, high)
        for centre, low, high in found
        if centre is not None
    ]
    return any(low > 0 for low, _ in known) and any(high < 0 for _, high in known)


def point_tables(runs, factors, words=None):
    """Return ``(caption, Table)`` by name of mean and interval at each design point and arm.

    `words` are what factors are called, with their units.
    """
    across = dimensions(runs, factors)
    groups = [((), runs)]
    if across and len(runs):
        groups = list(runs.groupby(across, sort=False, dropna=False))[:MOST_POINTS]
    tables = {}
    for group, names in GROUPS.items():
        shown = [name for name in names if is_informative(runs, name)]
        if shown:
            scales = {name: scaled(runs[name], name) for name in shown}
            headings = [(words or {}).get(name, label(name)) for name in across]
            tables[f"points_{group}"] = point_table(groups, headings, scales)
    return tables


def point_table(groups, headings, scales):
    """Return caption and table of some figures at each design point."""
    counts = sorted({len(rows) for _, rows in groups})
    uneven = len(counts) > 1
    rows = [
        [
            *map(value_text, place),
            *([str(len(part))] if uneven else []),
            *(interval(part[name] / scale, name) for name, (scale, _) in scales.items()),
        ]
        for place, part in groups
    ]
    columns = [
        *headings,
        *(["seeds"] if uneven else []),
        *(label(name, word) for name, (_, word) in scales.items()),
    ]
    cut = any(cut_at_zero(part[name], name) for _, part in groups for name in scales)
    limits = "" if counts == [1] else " and 95 % confidence interval (Student's t)"
    return (
        f"Mean over {seeds_text(counts)}{limits} at each design point.{CUT if cut else ''}",
        Table(columns, rows, keys=max(len(headings), 1)),
    )


def seeds_text(counts):
    """Return the number of seeds per design point as text.

    Examples
    --------
    >>> seeds_text([4]), seeds_text([1]), seeds_text([3, 4]), seeds_text([])
    ('4 seeds', '1 seed', 'seeds', 'no seeds')
    """
    if len(counts) > 1:
        return "seeds"
    return f"{counts[0]} seed{'s' * (counts[0] != 1)}" if counts else "no seeds"


def interval(values, name):
    """Return mean and 95 % interval of a column over seeds as text."""
    return interval_text(*interval_of(values, name))


def difference_tables(runs, factors, units=None):
    """Return ``(caption, Table)`` by name of paired differences from each factor's first level.

    `units` are the units of the factors' values, by column; captions state them.
    """
    stated = "".join(
        f" Values of {label(name)}:{unit}." for name, unit in (units or {}).items() if unit
    )
    across = [name for name in dimensions(runs, factors) if len(runs) and runs[name].nunique() > 1]
    averaged, tables = count_changes(runs, across) > MOST_CHANGES, {}
    for group, names in GROUPS.items():
        shown = [name for name in names if is_informative(runs, name)]
        if across and shown:
            caption, table = difference_table(runs, across, shown, averaged)
            tables[f"differences_{group}"] = caption + stated, table
    return tables


def count_changes(runs, across):
    """Return the number of differences of all factors at every combination of the others."""
    rows = 0
    for factor in across:
        others = [name for name in across if name != factor]
        rows += (runs[factor].nunique() - 1) * (runs.groupby(others).ngroups if others else 1)
    return rows


def difference_table(runs, across, shown, averaged):
    """Return caption and table of the paired differences of some figures."""
    cells, columns = {}, []
    for name in shown:
        scale, word = scaled(runs[name], name)
        columns.append(label(name, word))
        for one in contrasts(runs, across, name, averaged):
            others = [other for other in across if averaged and other != one.factor]
            cells.setdefault(change_and_place(one), {})[name] = (
                NOT_AVERAGED if opposite_signs(runs, others, name) else scaled_interval(one, scale)
            )
    placed = len(across) > 1 and not averaged
    rows = [
        [change, *([place] if placed else []), *(texts.get(name, "-") for name in shown)]
        for (change, place), texts in cells.items()
    ]
    return difference_caption(len(across) > 1, averaged), Table(
        ["change", *(["at"] if placed else []), *columns], rows, keys=1 + placed
    )


def difference_caption(several, averaged):
    """Return the caption of a table of differences, of one factor or several."""
    over = ""
    if several:
        over = (
            f", averaged over the other factors within each seed ({NOT_AVERAGED}: not averaged "
            f"because the sign depends on them)"
            if averaged
            else ", at each value of the other factors"
        )
    return (
        "Differences between levels of a factor, paired by seed (common random numbers): mean and "
        f"95 % confidence interval (Student's t){over}."
    )


def scaled_interval(one, scale):
    """Return a `Difference` over its scale as text; scaled money is rounded to four decimals."""
    parts = (one.centre, one.low, one.high)
    if scale != 1:
        parts = [part if part is None else round(part / scale, DECIMALS) for part in parts]
    return interval_text(*parts)


def change_and_place(one):
    """Return the change of a `Difference` and the values of the other factors as two texts."""
    place = ", ".join(f"{label(name)} {value_text(value)}" for name, value in one.place.items())
    lower, upper = value_text(one.lower), value_text(one.upper)
    return f"{label(one.factor)} {lower} \N{RIGHTWARDS ARROW} {upper}", place
