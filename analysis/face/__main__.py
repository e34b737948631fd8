"""The command ``perplab``, also ``python -m perplab``.

The command line is imported inside the handler, so that an interrupt during that import ends the
process as any later one does.
"""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line; exit with code 130 on Ctrl-C."""
    try:
        from perplab.analysis.cli.interrupts import watch_interrupts

        watch_interrupts()
        from perplab.analysis.cli.commands import main as command

        command()
    except KeyboardInterrupt:
        print("perplab: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
