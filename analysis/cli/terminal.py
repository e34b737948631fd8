"""What the command line prints: every line goes through `say`, `note` or a `Terminal`.

Names are printed as they are: markup and emoji codes in them mean nothing, control characters are
visible (`perplab.analysis.escapes.console_text`).
"""

import contextlib
import sys

from rich.console import Console

from perplab.analysis.escapes import console_text


class Terminal(Console):
    """A console of rich that takes no text for markup.

    Parameters
    ----------
    without : int, optional
        Width in columns where the output is no terminal.
    **options
        Of `rich.console.Console`.
    """

    def __init__(self, without=None, **options):
        super().__init__(markup=False, emoji=False, highlight=False, **options)
        if without is not None and not self.is_terminal:
            self.width = without

    def render_str(self, text, **options):
        """Return a text as rich's, with its control characters visible."""
        return super().render_str(console_text(text), **options | {"markup": False, "emoji": False})


def say(text):
    """Print a text to standard output."""
    print(console_text(text), flush=True)


def note(text):
    """Print a text to standard error."""
    print(console_text(text), file=sys.stderr, flush=True)


@contextlib.contextmanager
def imports_announced():
    """Print each kind of a user's own that is imported during the block to standard error."""
    from perplab.scenarios.files.kinds import before_import

    with before_import(announce):
        yield


def announce(reference):
    """Print that a kind is imported."""
    note(f"importing the trader kind {reference}: its code runs here")


def print_any_encoding():
    """Print characters that an output's encoding lacks as escapes, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
