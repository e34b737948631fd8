"""The real perpetual of a replayed file, to draw beside the simulated one."""

from datetime import UTC

import numpy as np

from perplab.analysis.estimators.series import BPS, FUNDING_SECONDS, basis_bps
from perplab.sim.laws.funding import funding_rate
from perplab.sim.spot.price_files import (
    column_faults,
    numbers,
    read_table,
    refuse,
    unix_seconds,
    version,
    window,
)
from perplab.sim.spot.processes import Replay
from perplab.sim.state.records import DAMPER_MODES


def real_market(scenario, rulebook):
    """Return the real basis and funding over the window that a scenario replays, or None where the file has none.

    Parameters
    ----------
    scenario : perplab.scenarios.files.schema.Scenario
    rulebook : perplab.sim.rulebook.rulebook.Rulebook
        Its law turns the real premium into the proxy of funding where no funding file is given.

    Returns
    -------
    dict or None
        As `perplab.analysis.figures.write_figures` takes it: `seconds`, `basis_bps`, `funding_seconds`, `funding` (fraction per 8 h) and
        `funding_source` in words.

    Raises
    ------
    ParameterError
        If the funding file cannot be read.
    """
    process = next(iter(scenario.all_assets.values())).price
    compared = scenario.comparison
    if (
        compared is None
        or not isinstance(process, Replay)
        or not has_column(process, compared.perp_column)
    ):
        return None
    columns = process.real([compared.perp_column, process.column])
    real = {
        "seconds": columns["seconds"],
        "basis_bps": basis_bps(columns[compared.perp_column], columns[process.column]),
    }
    if compared.funding_file is None:
        return real | funding_by_law(real["seconds"], real["basis_bps"] / BPS, rulebook)
    return real | funding_of_file(compared, process)


def has_column(process, column):
    """Return whether the replayed file has a column."""
    return column in read_table(str(process.file), version(process.file)).columns


def funding_by_law(seconds, basis, rulebook):
    """Return the funding that a rulebook's law gives on the basis of each bar: a proxy of the real rate.

    Parameters
    ----------
    seconds : numpy.ndarray
        Times of the bars since the start of the run.
    basis : numpy.ndarray, fraction
        Stands for the premium index, which a file of prices does not hold: bid and ask are unknown.
    rulebook : Rulebook

    Returns
    -------
    dict
        `funding_seconds`, `funding` (fraction per 8 h), `funding_source`.

    Notes
    -----
    Intervals end at multiples of the funding interval since the start. Bars count with their number in the interval as weight
    where the venue weighs samples by a ramp, equally otherwise; an interval without bars has no rate.
    """
    law, interval = rulebook.funding, 3600.0 * rulebook.funding.interval_hours
    known = np.isfinite(basis)
    place = np.ceil(seconds / interval).astype(int)
    ends = np.arange(1, place.max(initial=0) + 1)
    premiums = [
        average(basis[known & (place == end)], rulebook.premium.average == "linear_ramp")
        for end in ends
    ]
    rates = [
        max(
            law.floor,
            funding_rate(
                premium,
                law.interest,
                law.damper,
                DAMPER_MODES.index(law.damper_mode),
                rulebook.funding_cap,
                law.divisor,
            ),
        )
        for premium in premiums
    ]
    return {
        "funding_seconds": ends * interval,
        "funding": np.array(rates) * FUNDING_SECONDS / interval,
        "funding_label": "law on the real basis",
        "funding_source": f"the {rulebook.name} law on the real basis of each bar",
    }


def average(values, ramp):
    """Return the mean of successive samples, weighted 1, 2, 3, ... under a ramp; NaN of none.

    Examples
    --------
    >>> average(np.array([0.0, 3.0]), True), average(np.array([0.0, 3.0]), False)
    (2.0, 1.5)
    """
    if not len(values):
        return float("nan")
    return float(np.average(values, weights=np.arange(1, len(values) + 1) if ramp else None))


def funding_of_file(compared, process):
    """Return the real funding of a file, its times counted from the start of the replayed window."""
    file = compared.funding_file
    table = read_table(file, version(file))
    wanted = {
        "funding_column": compared.funding_column,
        "funding_time_column": compared.funding_time_column,
    }
    refuse(
        [
            fault
            for key, column in wanted.items()
            for fault in column_faults(table, key, column, file)
        ]
    )
    return {
        "funding_seconds": unix_seconds(table[compared.funding_time_column]) - first_unix(process),
        "funding": numbers(table[compared.funding_column]),
        "funding_source": "the rates of the file, per 8 h",
    }


def first_unix(process):
    """Return the time of second 0 of a replay, in Unix seconds."""
    unix = unix_seconds(read_table(str(process.file), version(process.file))[process.time_column])
    start = process.start_time
    if start is not None:
        start = (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()
    return unix[window(unix, start, process.days)[0]]
