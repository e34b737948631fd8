"""The command ``perplab``: run scenarios, sweeps and branches; show rules; report; check.

Heavy packages are imported inside the commands that need them, so that ``perplab --help`` is fast.
"""

import errno
import sys
from typing import Annotated

import typer

from perplab.analysis.cli import options
from perplab.sim.errors import Fault, ParameterError, PerplabError

REFUSED, FAILED = 2, 1
NAMES = ("ENOENT", "EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP")
OF_A_NAME = {getattr(errno, name) for name in NAMES}
"""Errors of the file system that are those of the name of a file."""
HELP = "A simulator of perpetual futures markets."
SWEEP_FAILED = "some runs failed: see the column error of runs.parquet and the folder failed/"

app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


def main() -> None:
    """Run the command line: exit code 2 for refused values, 1 for other errors."""
    from perplab.analysis.cli.terminal import print_any_encoding

    print_any_encoding()
    try:
        app()
    except ParameterError as error:
        stop(error, REFUSED)
    except PerplabError as error:
        stop(f"{type(error).__name__}: {error}", FAILED)
    except OSError as error:
        stop(*file_fault(error))
    except MemoryError as error:
        stop(f"not enough memory: {error}", FAILED)


def file_fault(error):
    """Return ``(message, exit code)`` of an error of the file system.

    A file that is not there or may not be used is refused; a full disk is a failure.
    """
    if error.filename is None or error.errno not in OF_A_NAME:
        return f"a file could not be read or written: {error}", FAILED
    bound = f"one that can be read and written ({error.strerror})"
    return Fault("file", str(error.filename), bound), REFUSED


def stop(message, code):
    """Print a message to standard error and exit with a code."""
    from perplab.analysis.cli.terminal import note

    note(f"perplab: {message}")
    sys.exit(code)


def print_version(asked):
    """Print the version and exit, if asked for."""
    if asked:
        import importlib.metadata

        from perplab.analysis.cli.terminal import say

        say(f"perplab {importlib.metadata.version('perplab')}")
        raise typer.Exit


@app.callback(help=HELP)
def perplab(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
):
    """Take the options that come before a command."""


@app.command()
def run(
    scenario: options.Scenario,
    seed: options.Seed = 0,
    days: options.Days = None,
    settings: options.Settings = None,
    out: options.Out = None,
    as_json: options.Json = False,
    no_figures: options.NoFigures = False,
    spot: options.Spot = None,
    column: options.Column = None,
    time_column: options.TimeColumn = None,
    start: options.Start = None,
    perp_column: options.PerpColumn = None,
    funding: options.Funding = None,
    funding_column: options.FundingColumn = None,
    funding_time_column: options.FundingTimeColumn = None,
    checkpoint_hours: options.Checkpoint = None,
):
    """Run a scenario: print its summary, store the run, draw its figures."""
    from perplab.analysis.cli.run_command import Options, run_scenario
    from perplab.analysis.cli.terminal import imports_announced

    replay = {"file": absolute(spot), "column": column, "time_column": time_column, "start": start}
    comparison = {
        "perp_column": perp_column,
        "funding_file": absolute(funding),
        "funding_column": funding_column,
        "funding_time_column": funding_time_column,
    }
    chosen = Options(
        scenario,
        seed,
        days,
        settings or [],
        out,
        as_json,
        not no_figures,
        given(replay),
        given(comparison),
        checkpoint_hours,
    )
    with imports_announced():
        run_scenario(chosen)


def absolute(path):
    """Return a path as absolute text, or None."""
    return path and str(path.absolute())


def given(values):
    """Return the options that were given."""
    return {key: value for key, value in values.items() if value is not None}


@app.command("list")
def list_scenarios():
    """List the scenarios of the library."""
    from rich.table import Table

    from perplab.scenarios.files.overrides import resolve
    from perplab.scenarios.files.sources import library_names

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("scenario", no_wrap=True)
    table.add_column("question")
    for name in library_names():
        scenario = resolve(name).tables
        table.add_row(scenario["name"], scenario.get("question", ""))
    show_table(table, wrapped=True)


@app.command()
def show(scenario: options.Scenario, settings: options.Settings = None):
    """Print a resolved scenario: every value with its unit or meaning."""
    from perplab.analysis.cli.describe import scenario_lines
    from perplab.analysis.cli.terminal import say
    from perplab.scenarios.files.overrides import stated

    for line in scenario_lines(scenario, stated(settings or [])):
        say(line)


@app.command()
def sweep(
    file: options.SweepFile,
    workers: options.Workers = 2,
    scheduler: options.Scheduler = None,
    resume: options.Resume = False,
    out: options.SweepOut = None,
):
    """Run all design points and seeds of a sweep file. Finished runs survive an interruption."""
    from perplab.analysis.cli.sweep_command import run_sweep
    from perplab.analysis.cli.terminal import imports_announced

    with imports_announced():
        failures = run_sweep(file, workers, scheduler, resume, out)
    if failures:
        stop(SWEEP_FAILED, FAILED)


@app.command()
def calibrate(
    file: options.CalibrationFile,
    workers: options.Workers = 2,
    out: options.CalibrationOut = None,
    as_json: options.Json = False,
):
    """Estimate parameters of a scenario from moments of a real market.

    Finished runs survive an interruption; the same command continues.
    """
    from perplab.analysis.cli.calibrate_command import run_calibration
    from perplab.analysis.cli.terminal import imports_announced

    with imports_announced():
        run_calibration(file, workers, out, as_json)


@app.command()
def branch(
    scenario: options.Scenario,
    at_hours: options.AtHours,
    arm: options.Arms,
    seed: options.Seed = 0,
    days: options.Days = None,
    settings: options.Settings = None,
    out: options.BranchOut = None,
):
    """Run a scenario and continue it from a branch point under changed rules or traits.

    All branches use the same random numbers.
    """
    from perplab.analysis.cli.branch_command import run_branches
    from perplab.analysis.cli.terminal import imports_announced
    from perplab.scenarios.files.overrides import stated

    origins = {} if days is None else {"days": "--days"}
    changes = stated(settings or [], others=origins) | given({"days": days})
    with imports_announced():
        run_branches(scenario, seed, changes, at_hours, arm, out, origins)


@app.command()
def study(
    name: options.StudyName = None,
    seeds: options.StudySeeds = "30",
    workers: options.Workers = 2,
    as_json: options.Json = False,
    out: options.StudyOut = None,
    story: options.Story = None,
    dt: options.Dt = None,
    real: options.RealPrices = None,
    real_rates: options.RealRates = None,
):
    """List the studies, or run one: treatments against a control, paired by seed."""
    from perplab.analysis.cli.study_command import print_studies, run_named

    if name is None:
        print_studies(as_json)
    else:
        run_named(name, seeds, workers, as_json, out, story, dt, (real, real_rates))


@app.command()
def report(path: options.ReportFolder):
    """Write a self-contained page with vector figures and LaTeX tables into PATH/report."""
    from perplab.analysis.cli.terminal import note
    from perplab.analysis.report import write_report

    note(f"written to {write_report(path)}")


@app.command()
def check(path: options.CheckFolder):
    """Check that stored runs are intact and that all money is accounted for."""
    from perplab.analysis.cli.check_command import print_check

    if print_check(path):
        sys.exit(FAILED)


@app.command()
def rulebook(
    names: options.Rulebooks = None,
    compare: options.Compare = False,
    figure: options.LawFigure = None,
):
    """Print venues' rulebooks with their sources, compare them, or draw their funding formulas."""
    from perplab.analysis.cli.describe import comparison_table, rulebook_lines, rulebook_table
    from perplab.analysis.cli.terminal import say

    if figure is not None:
        from perplab.analysis.figures.funding_law import funding_law_figure

        funding_law_figure(names or [], figure)
    elif not names:
        show_table(rulebook_table())
    elif compare:
        show_table(comparison_table(names), wrapped=True)
    else:
        for line in (line for name in names for line in rulebook_lines(name)):
            say(line)


def show_table(table, wrapped=False):
    """Print a table as wide as it needs, or wrapped to the width of the terminal."""
    from perplab.analysis.cli.terminal import Terminal

    Terminal(soft_wrap=not wrapped).print(table)


if __name__ == "__main__":
    main()
