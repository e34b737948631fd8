"""The result of a calibration as text: tables for reading, and a scenario with the point."""

from scipy.stats import chi2

from perplab.analysis.calibration.identifiability import UNIFORM
from perplab.analysis.calibration.recovery import AIM
from perplab.analysis.report.text_format import amount
from perplab.analysis.report.toml_text import table_lines
from perplab.scenarios.files.overrides import changed
from perplab.sim.toml_files.writing import toml_value

PER_CENT = 100
REJECTED = 0.05


def result_lines(result):
    """Yield the lines of the text of a result, part by part."""
    yield result["title"] or result["name"]
    for part in (point_lines, fit_lines, test_lines, recovery_lines, identified_lines, error_lines):
        yield ""
        yield from part(result)


def aligned(header, rows):
    """Yield rows as lines: the first column left, all others right.

    Examples
    --------
    >>> list(aligned(("name", "t"), [("basis", "-1.5")]))
    ['  name      t', '  basis  -1.5']
    """
    rows = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "  " + "  ".join([row[0].ljust(widths[0]), *rest])


def pair(limits):
    """Return two numbers as text, "-" for None."""
    return "-" if limits is None else f"{amount(limits[0])} .. {amount(limits[1])}"


def point_lines(result):
    """Yield the point with intervals and region."""
    yield "Point, 90 % interval, and range of the region that J does not reject at 5 %"
    rows = (
        (
            name,
            *(amount(row["point"]), pair(row["interval"]), pair(row["region"])),
            pair(row["bounds"]),
        )
        for name, row in result["parameters"].items()
    )
    yield from aligned(("parameter", "point", "interval", "region", "bounds"), rows)
    share = PER_CENT * result["region"]["share_of_bounds"]
    empty = "The region is empty: every point within the bounds is rejected."
    yield empty if result["region"]["empty"] else f"  The region is {share:.2g} % of the bounds."


def fit_lines(result):
    """Yield the fit by moment."""
    runs, blocks = result["blocks"]["runs_at_the_point"], result["blocks"]["number"]
    yield f"Fit by moment: {runs} runs at the point, {blocks} real blocks (s.e. in brackets)"
    rows = (
        (
            name,
            f"{amount(row['simulated'])} ({amount(row['simulated_se'], 2)})",
            f"{amount(row['real'])} ({amount(row['real_se'], 2)})",
            f"{row['t']:+.1f}",
            row["unit"],
        )
        for name, row in result["fit"].items()
    )
    yield from aligned(("moment", "simulated", "real", "t", "unit"), rows)


def test_lines(result):
    """Yield the J-test."""
    test = result["j_test"]
    p_value = "no degree of freedom" if test["p_value"] is None else f"p {amount(test['p_value'])}"
    degrees = f"{test['degrees']} degree{'s' * (test['degrees'] != 1)} of freedom"
    yield f"J-test at the point: J {test['statistic']:.1f}, {degrees}, {p_value}"
    yield (
        f"  J on the surrogate {test['surrogate_statistic']:.1f}; as large in "
        f"{PER_CENT * test['pseudo_p_value']:.0f} % of pseudo-samples "
        f"({pair([PER_CENT * end for end in test['pseudo_p_interval']])} %)"
    )
    if is_misfit(test):
        yield (
            "  The runs at the point fit far worse than the surrogate says: region and intervals "
            "are not reliable. Add points or seeds."
        )


def is_misfit(test):
    """Return whether J rejects the runs at the point, but not the surrogate there, at 5 %.

    Examples
    --------
    >>> is_misfit({"p_value": 1e-4, "surrogate_statistic": 0.8, "degrees": 1})
    True
    >>> is_misfit({"p_value": 1e-4, "surrogate_statistic": 15.0, "degrees": 1})
    False
    """
    if test["p_value"] is None:
        return False
    expected = float(chi2.sf(test["surrogate_statistic"], test["degrees"]))
    return test["p_value"] < REJECTED <= expected


def recovery_lines(result):
    """Yield the coverage of intervals in pseudo-samples."""
    rows = {"all": result["recovery"]["all"], **result["recovery"]["parameters"]}
    samples = rows["all"]["samples"]
    yield (
        f"Recovery from {samples} pseudo-samples: share of 90 % intervals that contain the true "
        f"value (aim {AIM[0]:g} to {AIM[1]:g}), its binomial interval, error over the range"
    )
    table = (
        (
            name,
            amount(row["share"], 2),
            pair([row["low"], row["high"]]),
            amount(row.get("error"), 2),
        )
        for name, row in rows.items()
    )
    yield from aligned(("parameter", "coverage", "95 %", "error"), table)


def identified_lines(result):
    """Yield the slopes and the weakest direction."""
    found, names = result["identifiability"], list(result["parameters"])
    yield "Identifiability: change in standard errors when a parameter moves a tenth of its range"
    rows = (
        (moment, *(f"{row[name]:+.1f}" for name in names))
        for moment, row in found["per_tenth_of_range"].items()
    )
    yield from aligned(("moment", *names), rows)
    yield "  singular values: " + ", ".join(map(amount, found["singular_values"]))
    weakest, value = found["directions"][-1], found["singular_values"][-1]
    parts = " ".join(f"{weakest[name]:+.2f} {name}" for name in names)
    error = "not identified" if value < UNIFORM else f"s.e. {PER_CENT / value:.0f} % of the range"
    yield f"  weakest direction ({error}): {parts}"


def error_lines(result):
    """Yield how well the surrogates predict points that were left out."""
    yield "Surrogate: root mean square error at points left out, share of variance explained,"
    yield "  and error over its own standard error (near 1 if that is right)"
    rows = (
        (name, amount(row["error"]), f"{row['explained']:.2f}", f"{row['relative']:.2f}")
        for name, row in result["surrogate"].items()
    )
    yield from aligned(("moment", "error", "explained", "relative"), rows)
    if result.get("failed_runs"):
        yield f"  {result['failed_runs']} runs failed: see runs/failed"


def scenario_text(result):
    """Return the point as a scenario file that extends the calibrated one."""
    tables = {}
    for key, value in result["changes"].items():
        tables = changed(tables, key, value)
    lines = [
        f"# Point of the calibration {result['name']} (perplab calibrate).",
        f"extends = {toml_value(result['scenario'])}",
        *table_lines("", tables),
    ]
    return "\n".join(lines) + "\n"
