"""The command ``perplab``: run a story, sweeps and branches of it, list and show stories and venues' rules, check results.

Whatever is heavy is imported inside the commands that need it.
"""

import pathlib
import sys
from typing import Annotated

import typer

from perplab.sim.errors import ParameterError, PerplabError

REFUSED, FAILED = 2, 1
REPLAY = "Real prices"

Story = Annotated[str, typer.Argument(help="A story of the library, or a TOML file.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a value, by dotted key; may be repeated."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")]
Days = Annotated[float | None, typer.Option(help="Length of the run.")]
Out = Annotated[
    pathlib.Path | None, typer.Option(help="Folder of the run; by default runs/NAME-seedN.")
]
BranchOut = Annotated[
    pathlib.Path | None,
    typer.Option(help="Folder of the branches; by default runs/NAME-seedN-branches."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")]
NoFigures = Annotated[bool, typer.Option("--no-figures", help="Draw nothing.")]
Spot = Annotated[
    pathlib.Path | None,
    typer.Option(
        help="CSV, .csv.gz or Parquet file of spot prices to replay.", rich_help_panel=REPLAY
    ),
]
Column = Annotated[
    str | None, typer.Option(help="Its column of spot prices.", rich_help_panel=REPLAY)
]
TimeColumn = Annotated[
    str | None, typer.Option(help="Its column of times.", rich_help_panel=REPLAY)
]
Start = Annotated[str | None, typer.Option(help="First time to replay.", rich_help_panel=REPLAY)]
PerpColumn = Annotated[
    str | None,
    typer.Option(help="Its column of the real perpetual, to draw beside.", rich_help_panel=REPLAY),
]
Funding = Annotated[
    pathlib.Path | None,
    typer.Option(help="File of the real funding rates, to draw beside.", rich_help_panel=REPLAY),
]

app = typer.Typer(
    help="A laboratory of perpetual futures markets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main():
    """Run the command line; refused values end with code 2, what the machine or a rule refuses with 1."""
    try:
        app()
    except ParameterError as error:
        stop(error, REFUSED)
    except PerplabError as error:
        stop(f"{type(error).__name__}: {error}", FAILED)
    except OSError as error:
        stop(f"a file could not be read or written: {error}", FAILED)
    except MemoryError as error:
        stop(f"not enough memory: {error}", FAILED)


def stop(message, code):
    """Print a message to standard error and end the process with a code."""
    print(f"perplab: {message}", file=sys.stderr)
    sys.exit(code)


def print_version(asked):
    """Print the version and end, if asked."""
    if asked:
        from perplab.scenarios.runs.store import version_of

        print(f"perplab {version_of('perplab')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version."),
    ] = False,
):
    """A laboratory of perpetual futures markets."""


@app.command()
def run(
    story: Story,
    seed: Seed = 0,
    days: Days = None,
    settings: Settings = None,
    out: Out = None,
    as_json: Json = False,
    no_figures: NoFigures = False,
    spot: Spot = None,
    column: Column = None,
    time_column: TimeColumn = None,
    start: Start = None,
    perp_column: PerpColumn = None,
    funding: Funding = None,
    checkpoint_hours: Annotated[
        float | None,
        typer.Option(
            help="Keep the state every so many simulated hours; the same "
            "command goes on from it after a kill."
        ),
    ] = None,
):
    """Run a story: print what came out, keep it in a folder, draw it."""
    from perplab.analysis.cli.run_command import Options, run_story

    replay = {"file": absolute(spot), "column": column, "time_column": time_column, "start": start}
    comparison = {"perp_column": perp_column, "funding_file": absolute(funding)}
    run_story(
        Options(
            story,
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
    )


def absolute(path):
    """Return a path as text from the root, or None."""
    return path and str(path.absolute())


def given(options):
    """Return the options that were given."""
    return {key: value for key, value in options.items() if value is not None}


@app.command("list")
def list_stories():
    """List the stories that come with perplab."""
    from rich.console import Console

    from perplab.analysis.cli.terminal_tables import story_table
    from perplab.scenarios.files.overrides import resolve
    from perplab.scenarios.files.sources import library_names

    stories = [resolve(name).tables for name in library_names()]
    Console().print(story_table([(story["name"], story.get("question", "")) for story in stories]))


@app.command()
def show(story: Story, settings: Settings = None):
    """Print a story as resolved: every value, with its unit and what it means."""
    from perplab.analysis.cli.describe import scenario_lines
    from perplab.scenarios.files.overrides import stated

    for line in scenario_lines(story, stated(settings or [])):
        print(line)


@app.command()
def sweep(
    file: Annotated[pathlib.Path, typer.Argument(help="A sweep file (TOML).")],
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 2,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, to run on its workers instead.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Finish a sweep that was stopped; failed runs are tried again."
        ),
    ] = False,
    out: Annotated[
        pathlib.Path | None, typer.Option(help="Folder of the sweep; by default sweeps/NAME.")
    ] = None,
):
    """Run all points and seeds of a sweep file; what is finished is kept whatever happens."""
    from perplab.analysis.cli.sweep_command import run_sweep

    if run_sweep(file, workers, scheduler, resume, out):
        stop(
            "some runs failed: their errors stand in the column error of runs.parquet and in failed/",
            FAILED,
        )


@app.command()
def branch(
    story: Story,
    at_hours: Annotated[float, typer.Option(min=0, help="Hour from which the branches differ.")],
    arm: Annotated[
        list[str], typer.Option(help="NAME:KEY=VALUE[,KEY=VALUE ...]; may be repeated.")
    ],
    seed: Seed = 0,
    days: Days = None,
    settings: Settings = None,
    out: BranchOut = None,
):
    """Run a story and let it go on from one moment under changed rules or traits, with the same random numbers."""
    from perplab.analysis.cli.sweep_command import run_branches
    from perplab.scenarios.files.overrides import stated

    run_branches(
        story,
        seed,
        stated(settings or []) | ({} if days is None else {"days": days}),
        at_hours,
        arm,
        out,
    )


@app.command()
def report(
    path: Annotated[pathlib.Path, typer.Argument(help="Folder of a run, a sweep or branches.")],
):
    """Write a self-contained page of results, with vector figures and LaTeX tables, into PATH/report."""
    from perplab.analysis.report.run_report import write_report

    print(f"written to {write_report(path)}", file=sys.stderr)


@app.command()
def check(path: Annotated[pathlib.Path, typer.Argument(help="Folder of a run or a sweep.")]):
    """Check that a stored run or sweep is whole and accounts for every unit of money."""
    from perplab.analysis.cli.sweep_command import print_check

    if print_check(path):
        sys.exit(FAILED)


@app.command()
def rulebook(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Venues of the library, or TOML files; none lists them."),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Print only what differs.")] = False,
    figure: Annotated[
        pathlib.Path | None, typer.Option(help="Draw funding rate against premium into this file.")
    ] = None,
):
    """Print venues' rules, with their sources; compare them; draw their funding laws."""
    from perplab.analysis.cli.describe import comparison_table, rulebook_lines, rulebook_table

    if figure is not None:
        from perplab.analysis.figures.funding_law import funding_law_figure

        funding_law_figure(names or [], figure)
    elif not names:
        show_table(rulebook_table())
    elif compare:
        show_table(comparison_table(names), wrapped=True)
    else:
        for line in (line for name in names for line in rulebook_lines(name)):
            print(line)


def show_table(table, wrapped=False):
    """Print a table as wide as it needs, or wrapped to the width of the terminal."""
    from rich.console import Console

    Console(soft_wrap=not wrapped).print(table)


if __name__ == "__main__":
    main()
