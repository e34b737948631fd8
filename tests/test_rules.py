"""Rulebooks in sentences, against each other, and as curves."""

import numpy as np
import pytest

from perplab.analysis.figures import funding_law
from perplab.analysis.report import rulebook_keys
from perplab.analysis.studies import rulebook_text as rules
from perplab.sim.rulebook.rulebook import load_rulebook, rulebook_names


@pytest.mark.parametrize("name", rulebook_names())
def test_every_rulebook_has_its_sentences(name):
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
        text.endswith(".") and text[0].isupper() and " ." not in text for text in told.values()
    )


def test_differences_are_what_is_not_the_same():
    assert list(rulebook_keys.differences(["binance", "binance"])) == []
    assert dict(rulebook_keys.differences(["binance", "none"]))["funding.enabled"] == [True, False]


def test_the_curve_has_its_flat_part_and_its_caps():
    frame = funding_law.law_frame(["binance", "hyperliquid", "gmx-v2", "none"], 100.0, 2001)
    assert set(frame["rulebook"]) == {"binance", "hyperliquid"}
    binance = frame[frame["rulebook"] == "binance"]
    flat = binance[np.isclose(binance["rate_bps_8h"], 1.0)]["premium_bps"]
    assert (flat.min(), flat.max()) == pytest.approx((-4.0, 6.0), abs=0.11)
    assert (binance["rate_bps_8h"].min(), binance["rate_bps_8h"].max()) == pytest.approx(
        (-30.0, 30.0)
    )


def test_every_unit_belongs_to_a_key_of_some_rulebook():
    keys = {
        ".".join(part for part in key.split(".") if not part.isdecimal())
        for name in rulebook_names()
        for key in rulebook_keys.rows_of(load_rulebook(name))
    }
    assert set(rulebook_keys.RULEBOOK_UNITS) <= keys


def test_rates_are_stated_per_8_h():
    told = dict(rules.sentences(load_rulebook("hyperliquid")))["funding"]
    assert "interest 1 bp per 8 h (0.00125 % per 1 h)" in told
    assert "clamp ±5 bp of premium" in told and "cap ±3,200 bp per 8 h (4 % per 1 h)" in told
