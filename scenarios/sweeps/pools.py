"""Where the runs of a sweep execute: processes of this machine, or a Dask cluster."""

import concurrent.futures
import multiprocessing
import os
import sys
import types

from perplab.sim.errors import Fault, ParameterError


class FreshProcess(multiprocessing.context.SpawnProcess):
    """A spawned process that does not import the main program again.

    What it runs is imported by name, so a sweep can be started from any script, with or without
    ``if __name__ == "__main__"``.
    """

    @staticmethod
    def _Popen(process):
        program, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
        try:
            return multiprocessing.context.SpawnProcess._Popen(process)
        finally:
            sys.modules["__main__"] = program


class FreshContext(multiprocessing.context.SpawnContext):
    """The context of `multiprocessing` whose processes are `FreshProcess`."""

    Process = FreshProcess


def local_pool(workers):
    """Return a pool of fresh processes, each of one thread."""
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    return concurrent.futures.ProcessPoolExecutor(workers, mp_context=FreshContext())


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
