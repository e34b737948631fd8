"""Laws called with plain numbers, as test tables and venues' vectors state them."""

import numpy as np

from perplab.sim.laws.funding import SEEN, funding_law, funding_rate, limited

NOTHING_SEEN = np.zeros(1, SEEN)[0]


def rate_of(premium, interest_rate, damper, damper_mode, cap, divisor):
    """Return the funding rate of a law without floor and step limit."""
    law = funding_law(
        interest_rate=interest_rate,
        damper=damper,
        damper_mode=damper_mode,
        cap=cap,
        divisor=divisor,
    )
    return float(funding_rate(law, premium, NOTHING_SEEN))


def limited_rate(before, rate, step_limit):
    """Return a rate kept within a step limit of the one before."""
    return float(limited(funding_law(step_limit=step_limit), before, rate, 1.0))
