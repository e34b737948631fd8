"""The directory of the world: the words through which compiled code finds entries and tables.

First come the addresses of the entries, one word each in the order of `ENTRIES`; then three words for each table: its
address, rows and columns. Code on disk remembers the place of an entry, so the order must not depend on the order of imports.
"""

from llvmlite import ir

ENTRIES = (
    "accrue",
    "act_fast",
    "average_by_law",
    "begin",
    "cancel",
    "cross_equity_of_many",
    "deep_mid",
    "fill",
    "imbalance_rate",
    "liquidate",
    "liquidation_round",
    "margin_in_use",
    "match",
    "note_peak",
    "place_limit",
    "place_market",
    "place_off_book",
    "price_of_sources",
    "record",
    "risk",
    "run_pool_adl",
    "sample_all",
    "sample_by_law",
    "settle",
    "settle_due_items_everywhere",
    "side_rate",
    "swap",
    "transfer_to_fund",
    "value_all",
)
"""Names of all entries; a new one is added here."""

tables_declared = {}


def load_constant(builder, first, place):
    """Return word `place` of the directory, promised not to change while the code runs: read once, whatever is stored."""
    value = builder.load(builder.gep(first, [ir.Constant(ir.IntType(64), place)]))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value
