"""Ctrl-C: an interrupt that a library's callback swallowed is raised again at the next progress."""

import signal
import threading

_seen = []


def watch_interrupts():
    """Note each Ctrl-C, besides raising KeyboardInterrupt; where it is ignored it stays so."""
    _seen.clear()
    own = signal.getsignal(signal.SIGINT) in (signal.default_int_handler, note_interrupt)
    if own and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, note_interrupt)


def note_interrupt(number, frame):
    """Note a Ctrl-C and raise KeyboardInterrupt."""
    _seen.append(number)
    raise KeyboardInterrupt


def raise_if_interrupted(count=0):
    """Raise KeyboardInterrupt if a Ctrl-C came and the command still runs."""
    if _seen:
        raise KeyboardInterrupt
