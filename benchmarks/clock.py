"""Measurement of CPU seconds and peak memory."""

import pathlib
import resource
import subprocess
import sys
import time

WARM_MESSAGES_A_TRADER = 20
"""Messages per trader after which the number of orders in the book is stationary."""


def warm_up(step, count_messages, traders):
    """Step a new market until its book has settled."""
    while count_messages() < WARM_MESSAGES_A_TRADER * traders:
        step()


def measure_steps(step, count_messages, seconds):
    """Run steps for about that many CPU seconds of this process.

    Parameters
    ----------
    step : callable
        Runs one step; called from a plain Python loop.
    count_messages : callable
        Returns the number of messages so far.
    seconds : float

    Returns
    -------
    messages : int
    cpu_seconds : float
    """
    messages, start, steps = count_messages(), time.process_time(), 1
    while (spent := time.process_time() - start) < seconds:
        for _ in range(steps):
            step()
        steps = min(2 * steps, 4096) if spent < seconds / 8 else steps
    spent = time.process_time() - start
    return count_messages() - messages, spent


def own_peak():
    """Return the peak memory of this process in bytes.

    Notes
    -----
    On Linux this is the kernel's high-water mark of the running program; `resource` would include
    the memory of the parent process.
    """
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        return 1024 * int(
            next(
                line for line in status.read_text().splitlines() if line.startswith("VmHWM")
            ).split()[1]
        )
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peak_memory(statement):
    """Run a statement in a separate process and return the peak memory of that process, bytes.

    Examples
    --------
    >>> 200_000_000 < peak_memory("big = bytearray(200_000_000)") < 250_000_000
    True
    """
    told = "; from benchmarks.clock import own_peak; print(own_peak())"
    run = subprocess.run(
        [sys.executable, "-c", statement + told], capture_output=True, text=True, check=True
    )
    return int(run.stdout.split()[-1])
