"""The tables of a sweep: every point of the design with its interval, and what each factor changes, by pairs of one seed."""

from perplab.analysis.estimators.paired_differences import ARM, contrasts
from perplab.analysis.metrics.catalogue import (
    cut_at_zero,
    interval_of,
    label,
    scaled,
    sweep_columns,
)
from perplab.analysis.metrics.scenario_words import value_text
from perplab.analysis.report.page import Table, amount

GROUPS = {name: sweep_columns(name) for name in ("peg", "activity", "forced", "losses")}
GROUPS["losses"] += ("pnl_by_kind.manipulation",)
MOST_POINTS, MOST_CHANGES = 200, 40
CUT = " Intervals of amounts that cannot be negative are cut at 0."


def has_something(well, name):
    """Return whether a column of runs is there, known somewhere and not zero everywhere."""
    return name in well and bool((well[name].fillna(0) != 0).any())


def dimensions(well, factors):
    """Return what tells points of a sweep apart: its factors, and the arm where there are several."""
    return [*factors, *([ARM] if well[ARM].nunique() > 1 else [])]


def point_tables(well, factors):
    """Return by name ``(caption, table)`` of mean and interval at each point and arm, few figures a table."""
    made, across = {}, dimensions(well, factors)
    groups = (
        list(well.groupby(across, sort=False, dropna=False))[:MOST_POINTS]
        if across and len(well)
        else [((), well)]
    )
    for group, names in GROUPS.items():
        shown = [name for name in names if has_something(well, name)]
        if shown:
            made[f"points_{group}"] = point_table(
                groups, across, shown, {name: scaled(well[name], name) for name in shown}
            )
    return made


def point_table(groups, across, shown, scales):
    """Return caption and table of some figures at each point."""
    counts = sorted({len(rows) for _, rows in groups})
    uneven = len(counts) > 1
    rows = [
        [
            *(value_text(value) for value in place),
            *([str(len(part))] if uneven else []),
            *(interval(part[name] / scales[name][0], name) for name in shown),
        ]
        for place, part in groups
    ]
    columns = [
        *(label(name) for name in across),
        *(["seeds"] if uneven else []),
        *(label(name, scales[name][1]) for name in shown),
    ]
    seeds = (
        "seeds" if uneven else f"{counts[0]} seed{'s' * (counts[0] != 1)}" if counts else "no seeds"
    )
    cut = CUT if any(cut_at_zero(part[name], name) for _, part in groups for name in shown) else ""
    return (
        f"Mean over {seeds} and 95 % interval (Student's t) at each point of the design.{cut}",
        Table(columns, rows),
    )


def interval(values, name):
    """Return mean and 95 % interval of a column over seeds as a text."""
    return interval_text(*interval_of(values, name))


def interval_text(centre, low, high):
    """Return a value and its interval as a text.

    Examples
    --------
    >>> interval_text(1.0, -0.25, 2.125), interval_text(3.0, None, None)
    ('1 [-0.25, 2.12]', '3')
    """
    return amount(centre) if low is None else f"{amount(centre)} [{amount(low)}, {amount(high)}]"


def difference_tables(well, factors):
    """Return by name ``(caption, table)`` of the paired differences of each factor's levels from its first."""
    across = (
        [name for name in dimensions(well, factors) if well[name].nunique() > 1]
        if len(well)
        else []
    )
    if not across:
        return {}
    rows = sum(
        well.groupby([name for name in across if name != factor]).ngroups if len(across) > 1 else 1
        for factor in across
        for _ in range(well[factor].nunique() - 1)
    )
    averaged, made = rows > MOST_CHANGES, {}
    for group, names in GROUPS.items():
        shown = [name for name in names if has_something(well, name)]
        if shown:
            made[f"differences_{group}"] = difference_table(well, across, shown, averaged)
    return made


def difference_table(well, across, shown, averaged):
    """Return caption and table of the differences of some figures."""
    cells, columns = {}, []
    for name in shown:
        scale, word = scaled(well[name], name)
        columns.append(label(name, word))
        for one in contrasts(well, across, name, averaged):
            cells.setdefault(change_and_place(one), {})[name] = interval_text(
                *(in_scale(part, scale) for part in (one.centre, one.low, one.high))
            )
    placed = len(across) > 1 and not averaged
    rows = [
        [change, *([place] if placed else []), *(told.get(name, "-") for name in shown)]
        for (change, place), told in cells.items()
    ]
    over = (
        ", each at every value of the others"
        if placed
        else ", averaged over the other factors within each seed"
        if len(across) > 1
        else ""
    )
    return (
        f"Differences between levels of a factor, paired by seed (runs of one seed share their random numbers): mean and 95 % interval "
        f"(Student's t){over}."
    ), Table(["change", *(["at"] if placed else []), *columns], rows)


def in_scale(part, scale):
    """Return an amount over its scale, None if unknown; scaled money is told to a ten-thousandth, so that single units do not look like effects."""
    return part if part is None or scale == 1 else round(part / scale, 4)


def change_and_place(one):
    """Return the change of a `Difference` and the place at which it is taken as two texts."""
    place = ", ".join(f"{label(name)} {value_text(value)}" for name, value in one.place.items())
    return (
        f"{label(one.factor)} {value_text(one.lower)} \N{RIGHTWARDS ARROW} {value_text(one.upper)}",
        place,
    )
