"""Public files that are read without editing: the columns of Binance's klines and funding."""

from perplab.sim.market_data.numeric_texts import NUMBER

KLINES = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
FUNDING = ("calc_time", "funding_interval_hours", "last_funding_rate")
OTHER_NAMES = (
    ({"open_time", "close", "close_time"}, {"timestamp": "close_time", "spot": "close"}),
    ({"calc_time", "last_funding_rate"}, {"timestamp": "calc_time", "rate": "last_funding_rate"}),
    ({"fundingTime", "fundingRate"}, {"timestamp": "fundingTime", "rate": "fundingRate"}),
)
LEAST_MILLISECONDS, LONGEST_HOURS = 1e11, 24


def headerless_names(first):
    """Return the names of the columns of a file without a header, by its first line.

    Numbers from "1", unless the line is one of Binance's klines or funding rates.

    Examples
    --------
    >>> headerless_names(["2022-01-01", "46216.93"])
    ['1', '2']
    >>> headerless_names(["1735689600000", "8", "0.0001"])
    ['calc_time', 'funding_interval_hours', 'last_funding_rate']
    """
    numbers = [float(field) if NUMBER.fullmatch(field) else None for field in first]
    if None not in numbers and is_kline(numbers):
        return list(KLINES)
    if None not in numbers and is_funding(numbers):
        return list(FUNDING)
    return [str(number) for number in range(1, len(first) + 1)]


def is_kline(numbers):
    """Return whether the numbers of a row are a kline's: open and close time enclose prices."""
    if len(numbers) != len(KLINES):
        return False
    opened, _, high, low, close = numbers[:5]
    return LEAST_MILLISECONDS < opened < numbers[6] and 0 < low <= close <= high


def is_funding(numbers):
    """Return whether the numbers of a row are time (ms or us), interval in hours, and a rate."""
    if len(numbers) != len(FUNDING):
        return False
    time, hours, rate = numbers
    return time > LEAST_MILLISECONDS and 1 <= hours <= LONGEST_HOURS and abs(rate) < 1


def other_names(columns):
    """Return ``{other name: column}`` for a file with the columns of a known one.

    They are the names that scenarios use unless told otherwise; the price of a kline is its close,
    whose time is `close_time`.
    """
    others = {}
    for known, names in OTHER_NAMES:
        if known <= set(columns):
            others |= {other: name for other, name in names.items() if other not in columns}
    return others
