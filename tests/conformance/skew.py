"""Rates that follow the open interest of longs and shorts.

References: GMX v2, MarketUtils (adaptive funding factor); Synthetix SIP-279 (funding velocity).
"""

import math

from tests.conformance.arithmetic import clamp

READS = ("premium", "contract")
LAWS = ("open_interest", "adaptive_open_interest", "skew_velocity")
DAY_SECONDS = 86_400.0


def interest(tape, step):
    """Return the lots of traders that are long and short at the end of a step."""
    lots = tape.position["lots"][step][: tape.fund]
    return float(lots[lots > 0].sum()), float(-lots[lots < 0].sum())


def imbalance(longs, shorts, exponent=1.0):
    """Return sign(L - S) |L - S|**exponent / (L + S), 0 while a side is empty."""
    if not longs or not shorts:
        return 0.0
    return math.copysign(abs(longs - shorts) ** exponent, longs - shorts) / (longs + shorts)


def adapted(rules, rate, uneven, seconds):
    """Return the adaptive rate after `seconds` of an imbalance."""
    if uneven * rate < 0.0 or abs(uneven) > rules["stable_imbalance"]:
        rate += uneven * rules["increase"] * seconds
    elif abs(uneven) < rules["decreasing_imbalance"]:
        rate = math.copysign(max(abs(rate) - rules["decrease"] * seconds, 0.0), rate)
    return clamp(rate, -rules["maximum_rate"], rules["maximum_rate"])


def rates(rules, lot, carried, longs, shorts, seconds):
    """Return ``(rate charged, rate carried over)``."""
    if rules["law"] == "open_interest":
        return imbalance(longs, shorts, rules["exponent"]) * rules["factor"], carried
    if rules["law"] == "adaptive_open_interest":
        carried = adapted(rules, carried, imbalance(longs, shorts), seconds)
        least = rules.get("minimum_rate", 0.0) if carried else 0.0
        return math.copysign(max(abs(carried), least), carried), carried
    share = clamp((longs - shorts) * lot / rules["skew_scale"], -1.0, 1.0)
    carried += share * rules["maximum_velocity"] * seconds / DAY_SECONDS
    return carried, carried


def compare(tape, rules):
    """Yield the rate of every quiet step: there the tables show the interest of the sample."""
    if rules["premium"]["law"] not in LAWS:
        return
    lot = rules["contract"]["lot"]
    for step in tape.quiet.nonzero()[0]:
        carried = tape.market["skew_rate_carried"][step - 1]
        charged, carried = rates(rules["premium"], lot, carried, *interest(tape, step), tape.dt)
        yield "rate of open interest", step, tape.view["premium"][step], charged
        seen = tape.market["skew_rate_carried"][step]
        yield "rate of open interest", step, seen, carried
