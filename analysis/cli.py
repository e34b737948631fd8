"""The command ``perplab``: run a story, list the stories, show one, show a venue's rules.

Whatever is heavy is imported inside the commands that need it.
"""

import contextlib
import json
import os
import pathlib
import sys
import time
from typing import Annotated, Optional

import typer

from sim.errors import ParameterError, PerplabError

app = typer.Typer(help="A laboratory of perpetual futures markets.", no_args_is_help=True, add_completion=False,
                  pretty_exceptions_enable=False)
REFUSED, FAILED, INTERRUPTED = 2, 1, 130
REPLAY_HELP = "Replay"


def main():
    """Run the command line; refused values end with code 2, Ctrl-C with 130, what the machine refuses with 1."""
    try:
        app(standalone_mode=True)
    except ParameterError as error:
        stop(f"{len(error.faults)} fault{'s' * (len(error.faults) > 1)}:\n{error}", REFUSED)
    except PerplabError as error:
        stop(f"{type(error).__name__}: {error}", FAILED)
    except KeyboardInterrupt:
        stop("interrupted; nothing was left half-written", INTERRUPTED)
    except OSError as error:
        stop(f"could not write: {error}", FAILED)


def stop(message, code):
    """Print a message to standard error and end the process with a code."""
    print(f"perplab: {message}", file=sys.stderr)
    sys.exit(code)


@app.command()
def run(
    story: Annotated[str, typer.Argument(help="A story of the library, or a TOML file.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    days: Annotated[Optional[float], typer.Option(help="Length of the run.")] = None,
    settings: Annotated[Optional[list[str]], typer.Option("--set", metavar="KEY=VALUE", help="Change a value, by dotted key.")] = None,
    out: Annotated[Optional[pathlib.Path], typer.Option(help="Folder of the run.  [default: runs/NAME-seedN]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw nothing.")] = False,
    spot: Annotated[Optional[pathlib.Path], typer.Option(help="CSV, .csv.gz or Parquet file of spot prices to replay.",
                                                         rich_help_panel=REPLAY_HELP)] = None,
    column: Annotated[Optional[str], typer.Option(help="Its price column.", rich_help_panel=REPLAY_HELP)] = None,
    time_column: Annotated[Optional[str], typer.Option(help="Its time column.", rich_help_panel=REPLAY_HELP)] = None,
    start: Annotated[Optional[str], typer.Option(help="First time to replay.", rich_help_panel=REPLAY_HELP)] = None,
    perp_column: Annotated[Optional[str], typer.Option(help="Column of the real perpetual.", rich_help_panel=REPLAY_HELP)] = None,
    funding: Annotated[Optional[pathlib.Path], typer.Option(help="File of the real funding rates.",
                                                            rich_help_panel=REPLAY_HELP)] = None,
):
    """Run a story; print what came out, keep it in a folder, draw it."""
    from analysis.session import Options, run_story

    replay = {"file": spot and str(spot.absolute()), "column": column, "time_column": time_column, "start": start}
    comparison = {"perp_column": perp_column, "funding_file": funding and str(funding.absolute())}
    run_story(Options(story, seed, days, settings or [], out, as_json, not no_figures,
                      {key: value for key, value in replay.items() if value is not None},
                      {key: value for key, value in comparison.items() if value is not None}))


@app.command("list")
def list_stories():
    """List the stories that come with perplab."""
    from rich.console import Console

    from analysis.tables import story_table
    from scenarios.resolve import library_names, resolve

    stories = [resolve(name).tables for name in library_names()]
    Console().print(story_table([(story["name"], story.get("title", ""), story.get("question", "")) for story in stories]))


@app.command()
def show(story: Annotated[str, typer.Argument(help="A story of the library, or a TOML file.")],
         settings: Annotated[Optional[list[str]], typer.Option("--set", metavar="KEY=VALUE", help="Change a value, by dotted key.")] = None):
    """Print a story as resolved: every value, with its unit and what it means."""
    from analysis.showing import scenario_lines
    from analysis.session import stated

    for line in scenario_lines(story, stated(settings or [])):
        print(line)


@app.command()
def rulebook(name: Annotated[str, typer.Argument(help="A venue of the library, or a TOML file.")]):
    """Print a venue's rules, with their sources."""
    from analysis.showing import rulebook_lines

    for line in rulebook_lines(name):
        print(line)


if __name__ == "__main__":
    main()
