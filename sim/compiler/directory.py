"""The directory of the world: the words that lead to entries and tables.

First come the addresses of the entries, one word each in the order of `ENTRIES`; then three words
for each table: address, rows and columns. Cached code contains the index of an entry, so the order
must not depend on the order of imports.
"""

from llvmlite import ir

ENTRIES = (
    "accrue",
    "act_fast",
    "average_by_law",
    "begin",
    "cancel",
    "carry_out_hedges",
    "cross_equity_of_many",
    "deep_mid",
    "deleverage_fund",
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
    "run_stops",
    "sample_all",
    "sample_by_law",
    "settle",
    "settle_due_items_everywhere",
    "side_rate",
    "swap",
    "trade_in_spot",
    "transfer_to_fund",
    "value_all",
)
"""Names of all entries; add a new one here."""

tables_declared = {}
"""``{name: (index, dtype, dimensions)}`` of all tables, in the order of declaration."""


def load_constant(builder, first, index):
    """Load word `index` of the directory with LLVM's ``invariant.load``.

    The optimiser may then reuse the value across stores.
    """
    value = builder.load(builder.gep(first, [ir.Constant(ir.IntType(64), index)]))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value
