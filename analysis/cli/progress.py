"""Progress bars on standard error; nothing is shown where it is not a terminal."""

import contextlib

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

NAME = "{task.description}"


@contextlib.contextmanager
def step_bar(name, steps):
    """Give a function that advances a bar by a number of steps, or None without a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn(NAME), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=steps)
        yield lambda count: bar.advance(task, count)


@contextlib.contextmanager
def run_bar(name, runs):
    """Give a function that advances a bar by one run and shows runs per second."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    rate = TextColumn("{task.fields[rate]}")
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    columns = (TextColumn(NAME), BarColumn(), MofNCompleteColumn(), rate, *times)
    with Progress(*columns, console=console, transient=True) as bar:
        bar.add_task(name, total=runs, rate="")
        yield lambda: advance(bar)


def advance(bar):
    """Move the only task of a bar on by one run and update its rate."""
    task = bar.tasks[0]
    rate = (task.completed + 1) / max(task.elapsed or 0.0, 1e-9)
    bar.update(task.id, advance=1, rate=f"{rate:.3g} runs/s")
