"""A venue's rulebook in sentences."""

import math

from perplab.analysis.estimators.series import BPS

PERCENT, HOURS = 100.0, 8.0
VENUE_TYPES = {
    "book": "Limit order book with price-time priority.",
    "vamm": "Virtual AMM with a constant product; orders are swaps.",
    "oracle": "Liquidity pool that fills at the index price, skewed by the traders' net position.",
}
SAMPLES = {
    "impact": "impact prices against the index",
    "impact_plus_pending": "impact prices against the mark, plus the rate in force",
    "impact_or_zero": "impact prices against the index, zero if the book is too thin",
    "impact_mean": "the mean of the impact prices against the index",
    "mid": "the mid price against the index",
    "mark": "the mark price against the index",
    "average_gap": "a decaying average of the mid price against that of the index",
    "open_interest": "a rate by the imbalance of open interest",
    "adaptive_open_interest": "a rate that rises while open interest is imbalanced",
    "skew_velocity": "a rate whose velocity follows the traders' net position",
}
AVERAGES = {
    "simple": "equally weighted",
    "linear_ramp": "weighted by a linear ramp that rises to the end of the interval",
    "median_of_votes": "reduced to the median of each minute, then averaged",
    "recursive": "averaged with exponentially decaying weights",
    "last": "not averaged: the last one counts",
}
CLAMPS = {
    "band": "clamp \N{PLUS-MINUS SIGN}%s bp of premium",
    "sum": "premium plus interest without a clamp",
    "dead_band": "dead band: no rate from a premium within \N{PLUS-MINUS SIGN}%s bp",
}
CLOSE_FRACTIONS = {
    "first_share": "a first share, then the rest",
    "each_share": "one share at a time",
    "tier_step": "down to the next margin tier",
    "half": "half while equity exceeds half of the maintenance margin",
    "just_enough": "just enough to restore the maintenance margin",
}
RECEIVERS = {
    "pro_rata": "receivers share what payers pay",
    "pool_fees": "the pool pays receivers only from its fees",
}
SURPLUS_OWNERS = {
    "trader": "remaining collateral stays with the account",
    "fund": "remaining collateral of a fully closed position goes to the fund",
}
LOSS_SHARINGS = {
    "adl": "auto-deleveraging (ADL) of counterparties",
    "winners": "profitable positions pay in proportion to their profit",
    "open_interest": "all open interest pays pro rata",
    "fund": "the fund runs a deficit",
}


def in_words(texts, name):
    """Return a law in words; one that has none here is called by its name."""
    return texts.get(name, name.replace("_", " "))


def percent(fraction):
    """Return a fraction in per cent.

    Examples
    --------
    >>> percent(0.0005), percent(float("inf"))
    ('0.05 %', 'no limit')
    """
    return f"{fraction * PERCENT:.6g} %" if math.isfinite(fraction) else "no limit"


def rate_text(fraction, hours):
    """Return a rate (fraction per interval of some hours) in bp per 8 h.

    Examples
    --------
    >>> rate_text(0.003, 8.0), rate_text(0.04, 1.0)
    ('30 bp per 8 h', '3,200 bp per 8 h (4 % per 1 h)')
    """
    text = f"{fraction * BPS * HOURS / hours:,.6g} bp per 8 h"
    return (
        text if hours == HOURS or not fraction else f"{text} ({percent(fraction)} per {hours:g} h)"
    )


def sentences(book):
    """Return the rules of a rulebook in words.

    Parameters
    ----------
    book : Rulebook

    Returns
    -------
    iterator of (str, str)
        Heading and sentence.
    """
    yield "trading", trading_sentence(book.trading)
    yield "premium", premium_sentence(book.premium)
    yield "funding", funding_sentence(book)
    yield "mark", mark_sentence(book.mark)
    yield "index", index_sentence(book.index)
    yield "margin", margin_sentence(book.margin)
    yield "liquidation", liquidation_sentence(book)
    yield "loss beyond the fund", loss_sentence(book.adl)


def trading_sentence(trading):
    """Return the venue type, and what a pool earns from fees and borrowing."""
    base, kink, above = trading.borrowing
    extras = []
    if trading.fee_share > 0:
        extras.append(f"receives {percent(trading.fee_share)} of the taker fees")
    if base > 0:
        extras.append(
            f"charges the larger side up to {percent(above)} per year for its reserve "
            f"({percent(base * kink)} at {percent(kink)} usage)"
        )
    pool = f" The pool {' and '.join(extras)}." if extras else ""
    return f"{in_words(VENUE_TYPES, trading.venue_type)}{pool}"


def premium_sentence(premium):
    """Return what a premium sample is and how samples are averaged."""
    sample, average = in_words(SAMPLES, premium.law), in_words(AVERAGES, premium.average)
    return f"Each sample is {sample}; samples are {average}."


def funding_sentence(book):
    """Return the funding formula: interval, interest, clamp, cap and exceptions."""
    law = book.funding
    if not law.enabled:
        return "None."
    continuous = law.accrual == "continuous"
    parts = [
        f"{'Accrues continuously, quoted per' if continuous else 'Settled every'} "
        f"{law.interval_hours:g} h",
        *interest_parts(book),
        f"cap \N{PLUS-MINUS SIGN}{rate_text(book.funding_cap, law.interval_hours)}"
        if math.isfinite(book.funding_cap)
        else "no cap",
        *funding_extras(book),
        f"paid on the notional at the {law.notional} price",
    ]
    return f"{'; '.join(parts)}."


def interest_parts(book):
    """Return interest rate and clamp; nothing if the rate follows open interest."""
    law = book.funding
    if book.premium.follows_skew:
        return ["rate by open interest"]
    interest = rate_text(law.interval_interest / law.divisor, law.interval_hours)
    return [f"interest {interest}", damper_text(law)]


def damper_text(law):
    """Return the damper of a funding formula; one that has no words here by its name and keys.

    Examples
    --------
    >>> import types
    >>> needs = {"damper_mode": {"wide_band": ("width_days",)}}
    >>> damper_text(
    ...     types.SimpleNamespace(damper_mode="wide_band", damper=5e-4, width_days=2.0, needs=needs)
    ... )
    'wide band (damper 0.0005, width days 2)'
    """
    if law.damper_mode in CLAMPS:
        words = CLAMPS[law.damper_mode]
        return words % format(law.damper * BPS, ".6g") if "%s" in words else words
    keys = ("damper", *law.needs.get("damper_mode", {}).get(law.damper_mode, ()))
    values = ", ".join(f"{key.replace('_', ' ')} {getattr(law, key):g}" for key in keys)
    return f"{in_words(CLAMPS, law.damper_mode)} ({values})"


def funding_extras(book):
    """Return the less common terms of a funding formula."""
    law, hours = book.funding, book.funding.interval_hours
    if law.divisor != 1:
        yield f"premium and interest divided by {law.divisor:g}"
    if law.lag:
        yield "charged one interval later"
    step_limit, floor = law.step_limit / law.bound_parts**2, law.floor / law.bound_parts
    if math.isfinite(step_limit):
        yield f"changes by at most {rate_text(step_limit, hours)} between intervals"
    if floor > -book.funding_cap:
        yield f"never below {rate_text(floor, hours)}"
    if law.receivers != "same_rate":
        yield in_words(RECEIVERS, law.receivers)


def mark_sentence(mark):
    """Return the inputs of the mark price and its limits."""
    names = [
        part.input.replace("_", " ")
        + (f" ({part.window_seconds:g} s)" if part.window_seconds else "")
        for part in mark.inputs
    ]
    text = f"{'Median of ' if len(names) == 3 else ''}{', '.join(names)}{mark_limits(mark)}."
    return text[0].upper() + text[1:]


def mark_limits(mark):
    """Return how often a mark price is updated and its distance from the index, if limited."""
    every = f", every {mark.refresh_seconds:g} s" if mark.refresh_seconds else ""
    within = f", within {percent(mark.clamp)} of the index" if math.isfinite(mark.clamp) else ""
    return every + within


def index_sentence(index):
    """Return how the index is computed from spot."""
    lag = f", {index.window_seconds:g} s behind" if index.window_seconds else ""
    if index.law == "one_source":
        return f"Spot{lag}."
    law = f"median of {len(index.weights)} sources"
    if index.law == "clamped_mean":
        within = f" clamped to within {percent(index.clamp)} of their median"
        law = f"mean of {len(index.weights)} sources{within * math.isfinite(index.clamp)}"
    limits = []
    if index.stale_seconds is not None:
        limits.append(f"not older than {index.of_sources('stale_seconds'):g} s")
    if index.exclusion is not None:
        limits.append(f"not further than {percent(index.of_sources('exclusion'))} from the median")
    return f"Weighted {law}{lag}{', ' * bool(limits)}{' and '.join(limits)}."


def margin_sentence(margin):
    """Return the first margin tier and the number of tiers."""
    fraction = percent(margin.tiers[0].maintenance_fraction)
    slope = f", plus {percent(margin.size_slope)} per BTC" if margin.size_slope else ""
    tiers = f"in the first of {len(margin.tiers)} tiers" if len(margin.tiers) > 1 else "in one tier"
    leverage = f"leverage up to {margin.maximum_leverage:g}"
    return f"Maintenance margin {fraction}{slope} and {leverage} {tiers}."


def liquidation_sentence(book):
    """Return how positions are liquidated: fraction, limit price, fee, surplus, take-over."""
    rules = book.liquidation
    share = in_words(CLOSE_FRACTIONS, rules.close_fraction)
    if rules.first_share == 1 and rules.close_fraction.endswith("share"):
        share = "the entire position at once"
    surplus = in_words(SURPLUS_OWNERS, rules.surplus_owner)
    return (
        f"Closes {share}, with orders limited at the {rules.order_limit} price; fee "
        f"{percent(rules.fee)}{shared_fee(rules)}; {surplus}; the fund takes over "
        f"{taken_over(rules)}{fund_limit(book)}."
    )


def shared_fee(rules):
    """Return the fund's share of the liquidation fee, empty if it gets all of it."""
    if rules.fund_share == 1:
        return ""
    return f", {percent(rules.fund_share)} of it to the fund and the rest to liquidators"


def taken_over(rules):
    """Return when the fund takes a position over."""
    if rules.takeover_after_order:
        return "what the order does not fill"
    if rules.takeover_share:
        return f"below {percent(rules.takeover_share)} of the maintenance margin"
    return "once equity is negative"


def fund_limit(book):
    """Return the limits on what the fund takes over, empty without limits."""
    if book.adl.loss_sharing != "adl":
        return ""
    bounded = math.isfinite(book.fund.leverage)
    most = f", up to {book.fund.leverage:g} times its equity" if bounded else ""
    return most + (", never from negative accounts" if book.adl.below_zero else "")


def loss_sentence(rules):
    """Return who bears losses beyond the fund, and when a pool closes profitable positions."""
    how = ""
    if rules.loss_sharing == "adl":
        how = f": {rules.selection.replace('_', ' ')}, at the {rules.price.replace('_', ' ')} price"
    if rules.below_zero:
        how += "; the fund's own positions too, once its equity is negative"
    text = f"{in_words(LOSS_SHARINGS, rules.loss_sharing)}{how}{pool_adl(rules)}."
    return text[0].upper() + text[1:]


def pool_adl(rules):
    """Return when a pool closes profitable positions, empty if it never does."""
    if rules.pool_trigger is None:
        return ""
    return (
        f"; pool ADL from a side's profit of {percent(rules.pool_trigger)} of the pool down to "
        f"{percent(rules.pool_target)}"
    )
