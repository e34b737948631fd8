"""The command ``perplab`` from its first line: an interrupt while its parts are still being loaded ends it as any other does."""

import sys

INTERRUPTED = 130


def main():
    """Load the command line and run it; end with code 130 when interrupted."""
    try:
        from perplab.analysis.cli.commands import main as command

        command()
    except KeyboardInterrupt:
        print("perplab: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
