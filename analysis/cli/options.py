"""Arguments and options that several commands share."""

import pathlib
from typing import Annotated

import typer

from perplab.sim.errors import ParameterError

REPLAY = "Replay of real prices"

Scenario = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A scenario of the library, or a TOML file.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a value, by dotted key. Repeatable."),
]


def seed_of(text):
    """Return the option ``--seed`` as an int, refused if it is no seed."""
    from perplab.sim.streams import stated_seed

    text = str(text)
    try:
        return stated_seed(int(text) if text.isdecimal() and len(text) < 40 else text)
    except ParameterError as error:
        raise typer.BadParameter(f"{text[:40]} is not {error.faults[0].expected}") from None


Seed = Annotated[
    int, typer.Option(parser=seed_of, metavar="INTEGER", help="Seed of all random numbers.")
]
Days = Annotated[float | None, typer.Option(help="Length of the run in days.")]
Out = Annotated[
    pathlib.Path | None,
    typer.Option(
        help="Output folder. Default: runs/NAME-seedN, with a hash if options change the scenario."
    ),
]
BranchOut = Annotated[
    pathlib.Path | None,
    typer.Option(help="Output folder. Default: runs/NAME-seedN-branches-HASH."),
]
SweepOut = Annotated[pathlib.Path | None, typer.Option(help="Output folder. Default: sweeps/NAME.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")]
NoFigures = Annotated[bool, typer.Option("--no-figures", help="Draw no figures.")]
Checkpoint = Annotated[
    float | None,
    typer.Option(
        help="Save the state every so many simulated hours. After an interruption the same "
        "command resumes from it."
    ),
]
Spot = Annotated[
    pathlib.Path | None,
    typer.Option(
        help="Spot prices to replay: a CSV, .csv.gz, .zip or Parquet file.", rich_help_panel=REPLAY
    ),
]
Column = Annotated[
    str | None, typer.Option(help="Column of the spot prices.", rich_help_panel=REPLAY)
]
TimeColumn = Annotated[
    str | None, typer.Option(help="Column of the times.", rich_help_panel=REPLAY)
]
Start = Annotated[str | None, typer.Option(help="First time to replay.", rich_help_panel=REPLAY)]
PerpColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the real perpetual's price, for comparison.", rich_help_panel=REPLAY
    ),
]
Funding = Annotated[
    pathlib.Path | None,
    typer.Option(help="File of real funding rates, for comparison.", rich_help_panel=REPLAY),
]
FundingColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the funding rates, fractions per interval.", rich_help_panel=REPLAY
    ),
]
FundingTimeColumn = Annotated[
    str | None, typer.Option(help="Column of the times of funding.", rich_help_panel=REPLAY)
]
SweepFile = Annotated[pathlib.Path, typer.Argument(metavar="FILE", help="A sweep file (TOML).")]
CalibrationFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="A calibration file (TOML), or the name of one of the library."
    ),
]
CalibrationOut = Annotated[
    pathlib.Path | None, typer.Option(help="Output folder. Default: calibrations/NAME.")
]
Workers = Annotated[int, typer.Option(min=1, help="Worker processes on this machine.")]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler whose workers run the sweep.")
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Finish an interrupted sweep; failed runs are tried again."),
]
AtHours = Annotated[float, typer.Option(min=0, help="The branch point, in hours.")]
Arms = Annotated[
    list[str],
    typer.Option("--arm", help="A branch: NAME:KEY=VALUE[,KEY=VALUE ...]. Repeatable."),
]
StudyName = Annotated[
    str | None, typer.Argument(metavar="[STUDY]", help="A study. None: list them.")
]
StudySeeds = Annotated[
    str, typer.Option(metavar="N|A-B", help="Number of seeds, from 0, or first and last seed.")
]
StudyOut = Annotated[
    pathlib.Path | None,
    typer.Option(help="Folder of results and finished runs, which are not run again."),
]
Story = Annotated[
    str | None, typer.Option(metavar="SCENARIO", help="Only this scenario of the study's.")
]
Dt = Annotated[float | None, typer.Option(help="Seconds per step, instead of the study's.")]
RealPrices = Annotated[
    pathlib.Path | None,
    typer.Option(
        "--real",
        envvar="PERPLAB_REAL_PRICES",
        help="Real hourly bars to compare with: columns timestamp, perp, spot, perp_volume.",
    ),
]
RealRates = Annotated[
    pathlib.Path | None,
    typer.Option(
        envvar="PERPLAB_REAL_RATES",
        help="Real funding rates to compare with: columns timestamp, rate.",
    ),
]
ReportFolder = Annotated[
    pathlib.Path, typer.Argument(metavar="PATH", help="Folder of a run, a sweep or branches.")
]
CheckFolder = Annotated[
    pathlib.Path, typer.Argument(metavar="PATH", help="Folder of a run, a sweep or branches.")
]
Rulebooks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RULEBOOK]...", help="Rulebooks of the library, or TOML files. None: list them."
    ),
]
Compare = Annotated[bool, typer.Option("--compare", help="Print only the differences.")]
LawFigure = Annotated[
    pathlib.Path | None,
    typer.Option(help="Draw funding rate against premium into this file (PNG, SVG or PDF)."),
]
