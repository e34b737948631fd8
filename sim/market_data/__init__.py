"""Market data from files: tables, times, numbers, and the series of prices and funding in them.

`read_series` is the one function that reads a real series, whatever it is for: it refuses a file
with all its faults at once, each with its line, and never leaves out a row. What is done with the
series is elsewhere: the replay in `perplab.sim.spot`, the comparison in `perplab.analysis.metrics`.
"""

from perplab.sim.market_data.faulty_rows import ROWS_REPORTED, refuse
from perplab.sim.market_data.funding_rates import FundingRates, read_funding
from perplab.sim.market_data.series import Column, Series, read_series
from perplab.sim.market_data.tables import Table, read_table, version
from perplab.sim.market_data.times import iso, parse_times

__all__ = [
    "ROWS_REPORTED",
    "Column",
    "FundingRates",
    "Series",
    "Table",
    "iso",
    "parse_times",
    "read_funding",
    "read_series",
    "read_table",
    "refuse",
    "version",
]
