"""Forests of liquidations, their channels and their amplification, on events worked by hand."""

import math

import numpy as np
import pytest

from perplab.analysis.metrics import cascade
from perplab.sim.state.codes import TAKEOVER, TWIN_TAKEOVER
from perplab.sim.state.event_rows import EVENT
from tests.recorded import events_of

LOT = 0.001
NONE = np.zeros(0, EVENT)


@pytest.fixture
def two_trees():
    """Node 0 (index) triggers 1 and 2, 2 triggers 3; 4 (funding) is alone.

    Node 0 takes two slices, the second a takeover.
    """
    events = events_of(
        (0, -1, 1, -1000, 100.0),
        (1, 0, 0, -2000, 99.0),
        (2, 0, 0, -1000, 98.0),
        (0, -2, -1, -500, 98.0),
        (3, 2, 0, -1000, 97.0),
        (4, -1, 3, 3000, 99.0),
    )
    events["kind"][3] = TAKEOVER
    return events


def test_forest_has_a_node_a_liquidation(two_trees):
    graph = cascade.forest(two_trees, LOT)
    assert sorted(graph.edges) == [(0, 1), (0, 2), (2, 3)]
    assert graph.nodes[0]["slices"] == 2 and graph.nodes[0]["cause"] == "index"
    assert graph.nodes[0]["notional"] == pytest.approx(100.0 + 49.0)


def test_trees_have_size_depth_and_notional(two_trees):
    rows = cascade.trees(cascade.forest(two_trees, LOT))
    assert [(row["root"], row["size"], row["depth"], row["cause"]) for row in rows] == [
        (0, 4, 2, "index"),
        (4, 1, 0, "funding"),
    ]
    assert sum(row["notional"] for row in rows) == pytest.approx(
        cascade.liquidated_notional(two_trees, LOT)
    )


def test_branching_ratio_is_endogenous_over_all(two_trees):
    assert cascade.branching_ratio(cascade.forest(two_trees, LOT)) == pytest.approx(3 / 5)


def test_every_lot_counts_once_at_its_mark(two_trees):
    assert cascade.liquidated_notional(two_trees, LOT) == pytest.approx(
        100 + 198 + 98 + 49 + 97 + 297
    )
    assert cascade.liquidation_count(two_trees) == 5
    unwound = events_of((-1, -1, 1, -9999, 100.0))
    assert (
        cascade.liquidated_notional(unwound, LOT) == 0 and cascade.liquidation_count(unwound) == 0
    )


def test_order_of_rows_does_not_matter(two_trees):
    shuffled = two_trees[[5, 3, 1, 4, 0, 2]]
    assert cascade.cascade_figures(shuffled, LOT) == cascade.cascade_figures(two_trees, LOT)


def test_channels_share_what_took_the_equity(two_trees):
    two_trees["index_pnl"], two_trees["basis_pnl"] = -30.0, 10.0
    two_trees["funding"], two_trees["fees"] = -10, 0
    two_trees["index_pnl"][5] = two_trees["funding"][5] = 0
    by_channel = cascade.notional_by_channel(cascade.forest(two_trees, LOT))
    losing = 100 + 198 + 98 + 49 + 97
    assert by_channel == pytest.approx(
        {"index": 0.75 * losing, "basis": 0, "funding": 0.25 * losing, "fees": 0, "other": 297}
    )


def test_amplification_by_hand(two_trees):
    twin = two_trees[[0, 5]].copy()
    twin["kind"] = TWIN_TAKEOVER
    assert cascade.amplification(two_trees, twin) == pytest.approx(1 - (100 + 297) / 839)
    same = two_trees.copy()
    same["kind"] = TWIN_TAKEOVER
    assert cascade.amplification(two_trees, same) == 0
    assert cascade.amplification(two_trees, NONE) == 1
    assert math.isnan(cascade.amplification(NONE, NONE))


def test_amplification_leaves_out_what_came_before_the_branch(two_trees):
    twin = two_trees[[0, 1, 5]].copy()
    twin["kind"][2] = TWIN_TAKEOVER
    assert cascade.amplification(two_trees, twin) == pytest.approx(1 - 297 / (839 - 298))
    assert math.isnan(cascade.amplification(two_trees, two_trees))


@pytest.mark.parametrize(
    ("steps", "rounds", "a_step", "longest"),
    [
        ([3, 3, 4, 4, 9], [0, 1, 0, 1, 0], 2, 4),
        ([3, 3, 4, 4, 9], [0, 1, 0, 1, 0], 12, 2),
        ([3, 4, 5, 7, 7], [0, 0, 0, 0, 0], 1, 3),
    ],
)
def test_rounds_are_counted_across_steps(two_trees, steps, rounds, a_step, longest):
    events = two_trees[:5]
    events["step"], events["round"] = steps, rounds
    assert cascade.rounds_max(events, a_step) == longest


def test_nothing_liquidated():
    figures = cascade.cascade_figures(NONE, LOT)
    assert (
        figures["liquidations"],
        figures["rounds_max"],
        figures["largest_tree"],
        figures["deepest_tree"],
    ) == (0, 0, 0, 0)
    assert math.isnan(figures["branching_ratio"])
    assert sum(figures["notional_by_channel"].values()) == 0


def test_parent_outside_the_events_still_roots_its_tree():
    graph = cascade.forest(events_of((7, 3, 0, -1000, 100.0)), LOT)
    assert cascade.trees(graph) == [
        {
            "root": 3,
            "size": 2,
            "depth": 1,
            "cause": None,
            "endogenous": 1,
            "notional": 100.0,
            "seconds": 0.0,
        }
    ]
    assert cascade.branching_ratio(graph) == 1
