"""Progress on standard error: bars on a terminal; elsewhere one line if code is compiled."""

import contextlib

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from perplab.analysis.cli.interrupts import raise_if_interrupted
from perplab.analysis.cli.terminal import Terminal, note
from perplab.analysis.escapes import console_text
from perplab.sim.compiler.cache import compiling_shown, is_filled
from perplab.sim.compiler.jit import COMPILED

NAME = TextColumn("{task.description}", markup=False)
COMPILING = "compiling the market, once"
COMPILING_NOTE = f"{COMPILING} per version: about a minute"


@contextlib.contextmanager
def step_bar(name, steps):
    """Give a function that advances a bar by a number of steps; without a terminal there is no bar.

    While the market is compiled, the bar says so and counts the parts done.
    """
    console = Terminal(stderr=True)
    if not console.is_terminal:
        with compiling_noted():
            yield raise_if_interrupted
        return
    columns = (NAME, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(console_text(name), total=steps)

        def show(compiled, parts):
            if compiled < parts:
                look = {"description": COMPILING, "total": parts, "completed": compiled}
                bar.update(task, **look, refresh=True)
            else:
                bar.reset(task, description=console_text(name), total=steps)

        with compiling_shown(show):
            yield lambda count: (raise_if_interrupted(), bar.advance(task, count))


@contextlib.contextmanager
def compiling_noted():
    """Print one line to standard error when the market is compiled during the block."""
    with compiling_shown(lambda compiled, parts: compiled == 0 and note(COMPILING_NOTE)):
        yield


def note_workers_compile():
    """Print a line to standard error if the workers of a sweep have to compile the market."""
    if COMPILED and not is_filled():
        note(f"the workers are {COMPILING_NOTE}")


@contextlib.contextmanager
def run_bar(name, runs):
    """Give a function that advances a bar by one run and shows runs per second."""
    console = Terminal(stderr=True)
    if not console.is_terminal:
        yield raise_if_interrupted
        return
    rate = TextColumn("{task.fields[rate]}", markup=False)
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    columns = (NAME, BarColumn(), MofNCompleteColumn(), rate, *times)
    with Progress(*columns, console=console, transient=True) as bar:
        bar.add_task(console_text(name), total=runs, rate="")
        yield lambda: advance(bar)


def advance(bar):
    """Move the only task of a bar on by one run and update its rate."""
    task = bar.tasks[0]
    rate = (task.completed + 1) / max(task.elapsed or 0.0, 1e-9)
    bar.update(task.id, advance=1, rate=f"{rate:.3g} runs/s")
