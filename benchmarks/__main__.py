"""``python -m benchmarks``: messages per CPU second of each contestant; compare ratios only."""

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from benchmarks import perplab_market
from benchmarks.clock import peak_memory
from benchmarks.contest import CONTESTANTS, Range, hold
from benchmarks.zero_intelligence import TRADERS

CALM_MONTH = "from benchmarks.perplab_market import run_calm; run_calm(traders=1_000, days=30)"


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="CPU seconds of a measurement (default .5)"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[one.letter for one in CONTESTANTS],
        help="contestants by letter",
    )
    parser.add_argument("--traders", nargs="+", type=int, default=TRADERS, help="market sizes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--no-memory", action="store_true", help="leave out the peak memory of (c)")
    return parser.parse_args()


def shown(values, scale, digits):
    """Return a Range as text: median (lowest-highest)."""
    median, lowest, highest = (f"{value / scale:.{digits}f}" for value in values)
    return f"{median} ({lowest}-{highest})"


def digits_of(value):
    """Return the number of decimals that shows a value to about three figures."""
    return 3 if value < 1 else 2 if value < 100 else 0


def table_of(result, part, title, names, scale):
    """Return a table with a row per name and a column per market size."""
    table = Table(title=title)
    for heading in ("", *(f"{traders:,} traders" for traders in result["sizes"])):
        table.add_column(heading)
    for key, name in names.items():
        cells = [size[part].get(key) for size in result["sizes"].values()]
        if any(cells):
            table.add_row(
                name,
                *(
                    shown(cell, scale, digits_of(cell.median / scale)) if cell else ""
                    for cell in cells
                ),
            )
    return table


def print_tables(result):
    """Print speeds, ratios, missing contestants and peak memory."""
    console = Console() if sys.stdout.isatty() else Console(width=120)
    names = {one.letter: f"({one.letter}) {one.name}" for one in CONTESTANTS}
    pairs = {pair: pair for size in result["sizes"].values() for pair in size["ratios"]}
    console.print(
        table_of(
            result, "speeds", "million messages per CPU second: median (lowest-highest)", names, 1e6
        )
    )
    console.print(
        table_of(result, "ratios", "ratios within a round: median (lowest-highest)", pairs, 1)
    )
    for letter, why in result["absent"].items():
        console.print(f"({letter}) absent: {why}")
    if "peak_memory_bytes" in result:
        console.print(
            "(c) peak memory, 1,000 traders, 30 days of minutes: "
            f"{result['peak_memory_bytes'] / 1e6:.0f} MB"
        )


def plain(value):
    """Return a result with its Ranges as dictionaries."""
    if isinstance(value, Range):
        return value._asdict()
    return {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def main():
    """Measure and print."""
    asked = arguments()
    result = hold(asked.rounds, asked.seconds, asked.only, asked.traders)
    if not asked.no_memory and hasattr(perplab_market, "run_calm"):
        result["peak_memory_bytes"] = peak_memory(CALM_MONTH)
    if asked.json:
        print(json.dumps(plain(result), indent=1))
    else:
        print_tables(result)


if __name__ == "__main__":
    main()
