"""The command ``perplab branch``: a base run and its branches from one branch point."""

import dataclasses

from perplab.analysis.cli.progress import compiling_noted
from perplab.analysis.cli.sweep_command import WIDTH
from perplab.analysis.cli.terminal import Terminal, note
from perplab.analysis.cli.terminal_tables import branch_table
from perplab.analysis.metrics.branches import BRANCHES, summary_since, why_unknown
from perplab.analysis.metrics.summary import summarize
from perplab.scenarios.files.branch_changes import branch_faults
from perplab.scenarios.files.loader import load
from perplab.scenarios.files.overrides import COMMAND_LINE
from perplab.scenarios.runs.manifest import refuse_links
from perplab.scenarios.runs.store import check_target, default_folder, write_json, write_run
from perplab.scenarios.sweeps.jobs import Job
from perplab.scenarios.sweeps.sweep_checks import name_faults
from perplab.scenarios.sweeps.sweep_design import Sweep
from perplab.scenarios.sweeps.sweep_file import stated_arm
from perplab.scenarios.sweeps.sweep_runner import outcomes_of
from perplab.sim.errors import Fault, ParameterError
from perplab.sim.faults import flattened


def run_branches(name, seed, settings, at_hours, arms, out, origins=()):
    """Run a scenario and its branches, write a folder for each and print them side by side.

    Parameters
    ----------
    name : str
        A scenario of the library, or a TOML file.
    seed : int
    settings : dict
        Changes of the base, by dotted key.
    at_hours : float
        The branch point.
    arms : list of str
        Changes of each branch: ``NAME:KEY=VALUE[,KEY=VALUE ...]``.
    out : pathlib.Path or None
        Folder of the branches; ``runs/NAME-seedN-branches-HASH`` by default.
    origins : mapping of str to str
        Options other than ``--set`` that made changes, by key.

    Raises
    ------
    ParameterError
        If an arm changes what cannot change during a run, names clash, the branch point is not
        before the end, or a folder holds something else. Nothing has run or been written then.
    """
    chosen = tuple(stated_arm(text, at_hours) for text in arms)
    sweep = Sweep(scenario=name, changes=settings, arms=chosen)
    origins = dict.fromkeys(settings, COMMAND_LINE) | dict(origins)
    scenario = load(name, settings, origins)
    refuse_arms(name, settings, scenario, chosen, seed, origins)
    refuse_late(at_hours, scenario)
    stated = tuple(arm.model_dump() for arm in sweep.arms)
    folder = out or default_folder(scenario, seed, True, stated, ending="-branches")
    refuse_links([folder / BRANCHES], "--out")
    for arm in ("base", *(arm.name for arm in chosen)):
        refuse_links([folder / arm], "--out")
        check_target(folder / arm)
    job = Job("branch", 0, name, settings, {}, seed, stated, ())
    with compiling_noted():
        summaries = write_branches(job, folder, at_hours)
    write_json(folder / BRANCHES, {"at_hours": at_hours, "arms": list(arms), "seed": seed})
    print_branches(f"{scenario.name}, seed {seed}: branches from hour {at_hours:g}", summaries)
    note(f"written to {folder}")


def refuse_arms(name, settings, scenario, chosen, seed, origins):
    """Raise ParameterError for arms with equal names or with changes that are not possible."""
    faults = name_faults(chosen, "--arm")
    for arm in chosen:
        faults = [*faults, *faults_of_arm(name, settings, scenario, arm, seed, origins)]
    if faults:
        raise ParameterError(*faults)


def faults_of_arm(name, settings, scenario, arm, seed, origins):
    """Return what an arm changes that is refused, or cannot change during a run."""
    option, own = f"--arm {arm.name}", flattened(arm.changes)
    try:
        changed = load(name, settings | own, origins | dict.fromkeys(own, option))
    except ParameterError as error:
        return error.faults
    return [
        dataclasses.replace(fault, file=option) for fault in branch_faults(scenario, changed, seed)
    ]


def refuse_late(at_hours, scenario):
    """Raise ParameterError if the branch point is not before the end of the run."""
    hours = 24 * scenario.days
    if at_hours >= hours:
        raise ParameterError(
            Fault("--at-hours", at_hours, f"before the end of the run ({hours:g} hours)")
        )


def write_branches(job, folder, at_hours):
    """Run base and branches, write each, and return their summaries from the branch point."""
    summaries = {}
    for name, outcome in outcomes_of(job):
        summary = summarize(outcome.records, outcome.twin)
        write_run(folder / name, outcome, summary, summary["wall_seconds"])
        summaries[name] = summary_since(outcome.records, at_hours, outcome.twin)
    return summaries


def print_branches(title, summaries):
    """Print branches side by side, as wide as the terminal, or 180 columns without one."""
    Terminal(WIDTH).print(branch_table(title, summaries, why_unknown))
