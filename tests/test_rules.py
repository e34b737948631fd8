"""Rulebooks in sentences, against each other, and as curves."""

import numpy as np
import pytest

from perplab.analysis.figures import funding_law
from perplab.analysis.report import rulebook_text as rules
from perplab.analysis.studies import rulebooks as studies_rulebooks
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names


@pytest.mark.parametrize("name", rulebook_names())
def test_every_rulebook_can_be_told(name):
    told = dict(rules.sentences(load_rulebook(name)))
    assert set(told) == {
        "trading",
        "premium",
        "funding",
        "mark",
        "index",
        "margin",
        "liquidation",
        "loss beyond the fund",
    }
    assert all(
        text.endswith(".") and text[0].isupper() or heading == "mark"
        for heading, text in told.items()
    )


def test_differences_are_what_is_not_the_same():
    assert list(rules.differences(["binance", "binance"])) == []
    assert dict(rules.differences(["binance", "none"]))["funding.enabled"] == [True, False]


def test_the_curve_has_its_plateau_and_its_caps():
    frame = funding_law.law_frame(["binance", "hyperliquid", "gmx-v2", "none"], 100.0, 2001)
    assert set(frame["rulebook"]) == {"binance", "hyperliquid"}
    binance = frame[frame["rulebook"] == "binance"]
    flat = binance[np.isclose(binance["rate_bps_8h"], 1.0)]["premium_bps"]
    assert (flat.min(), flat.max()) == pytest.approx((-4.0, 6.0), abs=0.11)
    assert (binance["rate_bps_8h"].min(), binance["rate_bps_8h"].max()) == pytest.approx(
        (-30.0, 30.0)
    )


def test_rulebooks_are_compared_with_the_same_traders_and_seeds():
    lines = list(
        studies_rulebooks.compared("calm", ["binance", "none"], range(2), 1, {"days": 0.2})
    )
    assert (
        len(lines) == 4
        and lines[2].startswith("| binance | ")
        and lines[3].count("|") == lines[0].count("|")
    )
    assert " - |" in lines[3]
