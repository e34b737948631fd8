"""Where the runs of a sweep execute: processes of this machine, or a Dask cluster."""

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import types

from perplab.sim.errors import Fault, ParameterError
from perplab.sim.parent_process import end_with_parent


class FreshProcess(multiprocessing.context.SpawnProcess):
    """A spawned process that does not import the main program again, and ignores Ctrl-C.

    What it runs is imported by name, so a sweep can be started from any script, with or without
    ``if __name__ == "__main__"``. It inherits that SIGINT is blocked: the process that started it
    gets the signal too, and kills it.
    """

    @staticmethod
    def _Popen(process):
        program, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
        signals = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return multiprocessing.context.SpawnProcess._Popen(process)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
            sys.modules["__main__"] = program


class FreshContext(multiprocessing.context.SpawnContext):
    """The context of `multiprocessing` whose processes are `FreshProcess`."""

    Process = FreshProcess


def local_pool(workers):
    """Return a pool of fresh processes, each of one thread; they end when this process does."""
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    return concurrent.futures.ProcessPoolExecutor(
        workers, FreshContext(), end_with_parent, (os.getpid(),)
    )


def kill_workers(pool):
    """Kill the processes of a local pool in the middle of their runs; return their number.

    It is 0 for other pools.
    """
    processes = list((getattr(pool, "_processes", None) or {}).values())
    for process in processes:
        process.kill()
    return len(processes)


def dask_pool(address):
    """Return the executor of a Dask cluster, by its scheduler's address.

    Raises
    ------
    ParameterError
        If Dask is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client

        return Client(address, timeout="10s").get_executor()
    except ImportError:
        bound = "used with pip install -e '.[sweep]'"
    except (OSError, TimeoutError, ValueError) as error:
        bound = f"the address of a Dask scheduler ({error})"
    raise ParameterError(Fault("--scheduler", address, bound))
