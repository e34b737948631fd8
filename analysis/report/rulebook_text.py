"""A venue's rulebook for people: in sentences, against another, and its funding rate drawn against the premium."""

import math

from perplab.sim.rulebook.rulebook import load_rulebook

BPS, PERCENT = 1e4, 100.0


TIERS = "margin.tiers."


TEXTS = ("name", "dated", "sources", "assumed")


VENUE_TYPES = {
    "book": "Orders meet in a book, by price and then time.",
    "vamm": "Orders are swaps against a virtual market maker of constant product.",
    "oracle": "Orders are filled by a pool at the index, moved by the traders' net position.",
}


SAMPLES = {
    "impact": "impact prices against the index",
    "impact_plus_pending": "impact prices against the mark, plus the rate in force",
    "impact_or_zero": "impact prices against the index, nothing where the book is too thin",
    "impact_mean": "the mean of the impact prices against the index",
    "mid": "the mid against the index",
    "mark": "the mark against the index",
    "average_gap": "a decaying average of the mid against that of the index",
    "open_interest": "the imbalance of open interest",
    "adaptive_open_interest": "a rate that grows while open interest is unbalanced",
    "skew_velocity": "a rate that drifts with the traders' net position",
}


AVERAGES = {
    "simple": "averaged alike",
    "linear_ramp": "averaged with weights that rise to the end of the interval",
    "median_of_votes": "taken by the median of each minute, then averaged",
    "recursive": "averaged with weights that decay",
    "last": "taken as it is",
}


CLOSE_FRACTIONS = {
    "first_share": "a first share, then the rest",
    "each_share": "a share at a time",
    "tier_step": "down to the next margin tier",
    "half": "half while equity is above half of maintenance",
    "just_enough": "just enough to be safe again",
}


RECEIVERS = {
    "pro_rata": "receivers share what payers pay",
    "pool_fees": "the pool pays receivers only from its fees",
}


SURPLUS_OWNERS = {
    "trader": "the account keeps what is left",
    "fund": "what closing it whole leaves is the fund's",
}


SHARINGS = {
    "deleveraging": "counterparties are deleveraged",
    "winners": "winners pay in proportion to their profit",
    "open_interest": "everybody with open interest pays",
    "fund": "the fund stays below zero",
}


def percent(fraction):
    """Return a fraction in per cent, as short as it can be.

    Examples
    --------
    >>> percent(0.0005), percent(float("inf"))
    ('0.05 %', 'without bound')
    """
    return f"{fraction * PERCENT:.6g} %" if math.isfinite(fraction) else "without bound"


def sentences(book):
    """Return the rules of a book as ``(heading, sentence)`` pairs."""
    funding, liquidation, last = book.funding, book.liquidation, book.deleveraging
    yield "trading", trading_sentence(book.trading)
    yield (
        "premium",
        f"A sample is {SAMPLES[book.premium.law]}; samples are {AVERAGES[book.premium.average]}.",
    )
    yield "funding", funding_sentence(book) if funding.enabled else "None."
    yield (
        "mark",
        ("The median of " if len(book.mark.inputs) == 3 else "")
        + ", ".join(
            part.input.replace("_", " ")
            + (f" ({part.window_seconds:g} s)" if part.window_seconds else "")
            for part in book.mark.inputs
        )
        + mark_limits(book.mark)
        + ".",
    )
    yield "index", index_sentence(book.index)
    tier = book.margin.tiers[0]
    yield (
        "margin",
        (
            f"Maintenance {percent(tier.maintenance_fraction)} and leverage up to {book.margin.maximum_leverage:g} in the first of "
            f"{len(book.margin.tiers)} tiers"
            + (
                f", and {percent(book.margin.size_slope)} more for each BTC."
                if book.margin.size_slope
                else "."
            )
        ),
    )
    share = (
        "all at once"
        if liquidation.first_share == 1 and liquidation.portion.endswith("share")
        else CLOSE_FRACTIONS[liquidation.portion]
    )
    yield (
        "liquidation",
        (
            f"Closed: {share}; orders go as far as the {liquidation.forced_limit} price; fee {percent(liquidation.fee)}{shared_fee(liquidation)}; "
            f"{SURPLUS_OWNERS[liquidation.surplus]}; the fund takes over {taken_over(liquidation)}{fund_limit(book)}."
        ),
    )
    how = (
        f": {last.picking.replace('_', ' ')}, at the {last.price.replace('_', ' ')} price"
        if last.sharing == "deleveraging"
        else ""
    )
    yield "loss beyond the fund", f"{SHARINGS[last.sharing].capitalize()}{how}{winners(last)}."


def trading_sentence(trading):
    """Return where orders meet, and what a pool earns beside its price."""
    base, kink, above = trading.borrowing
    extras = [f"gets {percent(trading.fee_share)} of the fees"] * (trading.fee_share > 0)
    if base > 0:
        extras.append(
            f"charges the larger side up to {percent(above)} a year for its reserve ({percent(base * kink)} at {percent(kink)} of it)"
        )
    return " ".join(
        [VENUE_TYPES[trading.place], *[f"The pool {' and '.join(extras)}."] * bool(extras)]
    )


def winners(last):
    """Return when winners are closed, empty where they never are."""
    if last.pool_adl_trigger is None:
        return ""
    return f"; winners are closed once a side's profit is {percent(last.pool_adl_trigger)} of the pool, until it is {percent(last.pool_adl_target)}"


def mark_limits(mark):
    """Return how often a mark is refreshed and how far it may leave the index, empty where neither is limited."""
    refreshed = f", every {mark.refresh_seconds:g} s" if mark.refresh_seconds else ""
    return refreshed + (
        f", within {percent(mark.clamp)} of the index" if math.isfinite(mark.clamp) else ""
    )


def index_sentence(index):
    """Return how the index comes from spot."""
    lag = f", {index.window_seconds:g} s behind" if index.window_seconds else ""
    if index.law == "one_source":
        return f"Spot{lag}."
    within = (
        f" kept within {percent(index.clamp)} of their median"
        if index.law == "clamped_mean" and math.isfinite(index.clamp)
        else ""
    )
    law = (
        f"mean of {len(index.weights)} sources{within}"
        if index.law == "clamped_mean"
        else f"median of {len(index.weights)} sources"
    )
    limits = [f"not older than {index.of_sources('stale_seconds'):g} s"] * (
        index.stale_seconds is not None
    )
    limits += [f"not further than {percent(index.of_sources('exclusion'))} from the median"] * (
        index.exclusion is not None
    )
    return f"Weighted {law}{lag}{', ' * bool(limits)}{' and '.join(limits)}."


def shared_fee(liquidation):
    """Return what part of the liquidation fee the fund gets, empty where all."""
    return (
        f", {percent(liquidation.fund_share)} of it to the fund and the rest to liquidators"
        if liquidation.fund_share < 1
        else ""
    )


def taken_over(liquidation):
    """Return when the fund takes a position over."""
    if liquidation.takeover_after_order:
        return "what the order leaves"
    return (
        f"below {percent(liquidation.takeover_share)} of maintenance"
        if liquidation.takeover_share
        else "once equity is below zero"
    )


def fund_limit(book):
    """Return how much the fund takes over, empty where all."""
    if book.deleveraging.sharing != "deleveraging":
        return ""
    never = ", never from an account below zero" if book.deleveraging.below_zero else ""
    return (
        f", up to {book.fund.leverage:g} times its equity{never}"
        if math.isfinite(book.fund.leverage)
        else never
    )


def funding_sentence(book):
    """Return the funding law of a book as a sentence."""
    law = book.funding
    when = "paid continuously, stated for" if law.accrual == "continuous" else "settled every"
    bends = {
        "band": f"damper {percent(law.damper)} either side",
        "sum": "no damper",
        "dead_band": f"nothing within {percent(law.damper)} of zero",
    }
    extras = [f"divided by {law.divisor:g}"] * (law.divisor != 1) + [
        "charged one interval later"
    ] * law.lag
    if math.isfinite(law.step_limit):
        extras.append(f"changing by at most {percent(law.step_limit)} an interval")
    if law.floor > -book.funding_cap:
        extras.append(f"never below {percent(law.floor)}")
    if law.receivers != "same_rate":
        extras.append(RECEIVERS[law.receivers])
    parts = [
        f"{when} {law.interval_hours:g} h",
        f"interest {percent(law.interest_rate)}",
        bends[law.damper_mode],
        f"cap {percent(book.funding_cap)}",
        *extras,
        f"on the notional at the {law.notional}",
    ]
    return f"{', '.join(parts)}.".capitalize()


def rows_of(book):
    """Return every value of a book by its dotted key; of the margin tiers a list of values by key, so that tables of any length take one line a key."""

    def walk(prefix, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from walk(f"{prefix}{key}.", inner)
        elif prefix == TIERS:
            yield from ((f"{prefix}{key}", column_of(value, key)) for key in value[0])
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
            for place, inner in enumerate(value):
                yield from walk(f"{prefix}{place}.", inner)
        else:
            yield prefix.rstrip("."), value

    return dict(walk("", book.model_dump(exclude=set(TEXTS))))


def column_of(rows, key):
    """Return the values of a key in rows that have it, None if none has."""
    return [row[key] for row in rows if row.get(key) is not None] or None


def differences(names):
    """Return ``(key, values)`` of what is not the same in all of several rulebooks; None where a book lacks a key."""
    books = [rows_of(load_rulebook(name)) for name in names]
    keys = list(dict.fromkeys(key for book in books for key in book))
    for key in keys:
        values = [book.get(key) for book in books]
        if any(value != values[0] for value in values):
            yield key, values
