"""Processes that end when the process that started them is gone."""

import ctypes
import os
import signal
import sys
import threading
import time

SIGNAL_AT_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
INTERVAL = 0.5


def end_with_parent(parent):
    """End this process as soon as its parent has ended, whatever ended it.

    On Linux the kernel kills it, even in the middle of compiled code. Elsewhere, and if the parent
    has ended before this call, a thread that looks every `INTERVAL` seconds does.

    Parameters
    ----------
    parent : int
        Number of the parent process.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SIGNAL_AT_DEATH_OF_PARENT, signal.SIGKILL)
    threading.Thread(target=watch, args=(parent,), daemon=True).start()


def watch(parent):
    """Wait until `parent` is no longer the parent of this process, then end this process."""
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os._exit(1)
