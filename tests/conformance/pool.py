"""The quotes of a pool: constant product, or the oracle's price moved by the skew.

References: Perpetual Protocol v1 (virtual reserves); Synthetix SIP-279; GMX v2.
"""

import math

READS = ("trading", "contract")


def skew_price(trading, lot, index, skew, size):
    """Return the average price of `size` lots at an oracle's price moved by the skew (lots)."""
    scale, rebate = trading["scale"] / lot, trading.get("rebate_share", 1.0)
    side = math.copysign(1.0, size)
    towards = min(max(-skew * side, 0.0), abs(size))
    middle, beyond = skew + 0.5 * side * towards, abs(size) - towards
    far = skew + side * (towards + 0.5 * beyond)
    shift = (rebate * towards * middle + beyond * far) / (abs(size) * scale)
    return index * (1.0 + side * trading["half_spread"] + shift)


def price(tape, rules, step, size):
    """Return the average price of `size` lots after a step."""
    trading, lot, spot = rules["trading"], rules["contract"]["lot"], tape.asset["spot"][0]
    if trading["venue_type"] == "vamm":
        depth, start = trading["depth_usd"], trading["depth_usd"] / spot
        base = start + tape.position["lots"][step][tape.fund] * lot
        return depth * start / (base * (base - size * lot))
    skew = -float(tape.position["lots"][step][tape.fund])
    return skew_price(trading, lot, tape.view["index"][step], skew, size)


def compare(tape, rules):
    """Yield best bid and ask of every still step, in ticks."""
    if rules["trading"]["venue_type"] == "book":
        return
    tick = rules["contract"]["tick"]
    for step in tape.still.nonzero()[0]:
        bid = max(math.floor(price(tape, rules, step, -1.0) / tick), 1)
        ask = max(math.ceil(price(tape, rules, step, 1.0) / tick), bid + 1)
        seen = tape.view[step]
        yield "pool quotes", step, [seen["best_bid"], seen["best_ask"]], [bid, ask]
