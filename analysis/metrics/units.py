"""Units and meanings of traits and keys."""

UNITS = {
    "_bps": "bp",
    "_seconds": "s",
    "_hours": "h",
    "_days": "days",
    "_usd": "quote currency",
    "_per_year": "per year",
    "_per_day": "per day",
    "_share": "share",
}


MEANINGS = {
    "days": "length of the run",
    "dt_seconds": "s a step",
    "record_seconds": "s between two recorded rows",
    "premium_sample_seconds": "s between two samples of the premium, about",
    "volatility": "per square root of a year",
    "drift": "growth of the price per year",
    "initial_price": "quote currency",
    "number": "traders",
    "permanent_impact_bps": "bp per 100,000 of quote currency traded in spot",
    "transient_impact_bps": "bp per 100,000 of quote currency traded in spot",
    "move": "fraction of the price",
    "minutes": "min",
    "sd": "stationary standard deviation",
    "slow_sd": "of the log volatility",
    "fast_sd": "of the log volatility",
    "perp_price_discovery": "share of perpetual flow that moves the common value",
    "level": "quote currency",
}


def meaning(key):
    """Return the unit or meaning of a key of a scenario, empty where the key says it all."""
    return MEANINGS.get(key) or next(
        (unit for ending, unit in UNITS.items() if key.endswith(ending)), ""
    )
