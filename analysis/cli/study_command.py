"""The command ``perplab study``: list the studies, run one, print and write its results."""

import functools
import json
import pathlib
import re

from perplab.analysis.cli.progress import run_bar
from perplab.analysis.cli.terminal import Terminal, note, say
from perplab.analysis.cli.terminal_tables import plain_table
from perplab.analysis.studies.drawing import FORMS, draw_study
from perplab.analysis.studies.execution import run_study
from perplab.analysis.studies.markdown import study_lines
from perplab.analysis.studies.register import all_studies, study_named
from perplab.analysis.studies.results import Result, as_json
from perplab.analysis.studies.study import arms_of, chosen_settings
from perplab.analysis.studies.targets import real_figures
from perplab.scenarios.runs.atomic_folders import probe_inside, real_folder
from perplab.scenarios.runs.json_files import write_json
from perplab.sim.atomic_files import atomic_file
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.streams import stated_seed

SEEDS = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")
MOST_SEEDS = 1_000_000
RUNS = "runs"


def print_studies(as_object=False):
    """Print name, question and scenarios of every study, as a table or as one JSON object."""
    rows = [
        (study.name, study.question, list(dict.fromkeys(each.story for each in study.settings)))
        for study in all_studies().values()
    ]
    if as_object:
        keys = ("study", "question", "scenarios")
        say(json.dumps({"studies": [dict(zip(keys, row, strict=True)) for row in rows]}, indent=1))
        return
    table = plain_table(("study", "left"))
    table.add_column("question")
    table.add_column("scenarios")
    for name, question, stories in rows:
        table.add_row(name, question, ", ".join(stories))
    Terminal().print(table)


def stated_seeds(text):
    """Return the seeds that a text states: a number of them, or the first and the last.

    Examples
    --------
    >>> stated_seeds("3"), stated_seeds("100-102")
    ([0, 1, 2], [100, 101, 102])
    """
    found = SEEDS.fullmatch(text)
    first, last = (0, int(found[1]) - 1) if found and found[2] is None else (0, -1)
    if found and found[2] is not None:
        first, last = int(found[1]), int(found[2])
    if not 0 <= last - first < MOST_SEEDS:
        bound = "a number of seeds, such as 30, or the first and the last, such as 100-129"
        raise ParameterError(Fault("--seeds", text, f"{bound}; at most {MOST_SEEDS:,}"))
    return [stated_seed(seed) for seed in range(first, last + 1)]


def run_named(name, seeds, workers, as_object, out, story=None, dt=None, real=(None, None)):
    """Run a study; print it, and write it and its figure into a folder.

    Parameters
    ----------
    name : str
    seeds : str
    workers : int
    as_object : bool
        Print one JSON object instead of tables.
    out : pathlib.Path or None
        Folder of all studies; ``studies`` by default. Runs are stored in its folder `RUNS`.
    story, dt : str, float, optional
        Scenario and step instead of the study's own.
    real : tuple of (path or None, path or None)
        Real prices and rates to compare with instead of the figures in the code.

    Raises
    ------
    ParameterError
        If an option, an arm or the folder is refused. Nothing has run or been written then.
    SweepError
        If a run failed; finished runs are kept.
    """
    study, chosen = study_named(name), stated_seeds(seeds)
    settings = chosen_settings(study, story, dt)
    beside = {each.story: real_figures(each.story, *real) for each in settings}
    folder = real_folder(out or pathlib.Path("studies"))
    arms = arms_of(study, settings)
    probe_inside(folder, [f"{study.name}.{form}" for form in ("md", "json", *FORMS)])
    progress = functools.partial(run_bar, study.name)
    figures, seconds = run_study(study, arms, chosen, folder / RUNS, workers, progress, note)
    result = Result(study, arms, chosen, figures, beside)
    lines = list(study_lines(result))
    write_result(result, lines, folder)
    say(json.dumps(as_json(result), indent=1) if as_object else "\n".join(lines))
    note(f"all runs together took {seconds:,.0f} s")
    note(f"written to {folder / study.name}.md, .json, .png and .svg")


def write_result(result, lines, folder):
    """Write tables, JSON object and figure of a study into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(folder / f"{result.study.name}.md") as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with atomic_file(folder / f"{result.study.name}.json") as part:
        write_json(part, as_json(result))
    draw_study(result, folder)
