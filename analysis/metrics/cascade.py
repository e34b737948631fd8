"""Cascades: which liquidation triggered which, what took the accounts' equity, and amplification.

A *node* is one liquidation: an account in a market from the moment it falls below maintenance until
it is above it or flat. All its liquidation orders, takeovers and ADL events are slices of that
node. An edge leads from the node whose liquidation order pushed another below maintenance to that
other node, which is *endogenous*. A node without a parent is an *immigrant*, with a cause of its
own.

Liquidated notional counts each forced lot once, at the mark of its event: lots filled by the book,
taken over by the fund, or closed by ADL. What the fund unwinds later is not counted again. The size
of a cascade is its *amplification* against the no-impact twin, not its number of rounds.
"""

import collections
import math

import numpy as np

from perplab.sim.state.codes import CAUSES, ENDOGENOUS, NO_ROW, TWIN_TAKEOVER

AFTERMATH_SECONDS = 6 * 3600.0
CHANNELS = ("index", "basis", "funding", "fees")
OTHER = "other"
CHANNEL_FIELDS = ("index_pnl", "basis_pnl", "funding", "fees")


def of_liquidations(events):
    """Return the events that belong to a liquidation, in their sequence."""
    chosen = events[events["node"] != NO_ROW]
    return chosen[np.argsort(chosen["sequence"], kind="stable")]


def notional(events, lot):
    """Return the notional of each event at its mark, in quote currency.

    Parameters
    ----------
    events : numpy.ndarray of EVENT
    lot : float, base currency
    """
    return np.abs(events["lots"]) * events["mark"] * lot


def liquidated_notional(events, lot):
    """Return the notional of all forced lots, each counted once, in quote currency."""
    return float(notional(of_liquidations(events), lot).sum())


def liquidation_count(events):
    """Return the number of liquidations: one per (account, market, episode)."""
    return len(np.unique(of_liquidations(events)["node"]))


def rounds_max(events, rounds_per_step):
    """Return the most consecutive rounds with a forced event, across steps.

    Parameters
    ----------
    events : numpy.ndarray of EVENT
    rounds_per_step : int
        The last round of a step is followed by the first of the next.
    """
    events = of_liquidations(events)
    rounds = np.unique(events["step"] * rounds_per_step + events["round"])
    lengths = np.diff(np.flatnonzero(np.diff(rounds, prepend=-2, append=-2) != 1))
    return int(lengths.max(initial=0))


def between(rows, start, end):
    """Return the rows with a time from `start` to before `end`."""
    return rows[(rows["seconds"] >= start) & (rows["seconds"] < end)]


def shock_window(shock_seconds):
    """Return the window in which liquidations are attributed to a run's shocks, in seconds.

    It opens at the start of the first shock and closes six hours after the end of the last.

    Parameters
    ----------
    shock_seconds : sequence of (float, float)
        Start and end of each.

    Returns
    -------
    tuple of float, or None without a shock
    """
    if not len(shock_seconds):
        return None
    starts, ends = zip(*shock_seconds, strict=True)
    return min(starts), max(ends) + AFTERMATH_SECONDS


def amplification(events, twin_events):
    """Return n = 1 - L_twin / L, the share of liquidated notional that forced trading caused.

    Parameters
    ----------
    events, twin_events : numpy.ndarray of EVENT
        Of one market, with and without impact of liquidation orders; the same lot.

    Returns
    -------
    float
        0 where forced trading changed nothing, near 1 where it caused nearly all, NaN if nothing
        was liquidated.

    Notes
    -----
    Liquidations before the twin branched off (its events that are not twin takeovers) are left out
    of both. Count both in a window around the shock (`shock_window`): over a longer time run and
    twin diverge by chance.

    This is a share of *notional* and counts everything that forced trading changed. The
    `branching_ratio` is a share of *accounts*: those that another's liquidation order triggered,
    which would have been above maintenance without the displacement of the mark. A triggering order
    explains *when* an account fell, the twin *whether* it falls: in a slow fall nearly all of the
    triggered accounts fall in the twin too, some minutes later
    (`perplab.analysis.metrics.episodes.fallen_in_twin`).
    """
    before = liquidated_notional(twin_events[twin_events["kind"] != TWIN_TAKEOVER], 1.0)
    total = liquidated_notional(events, 1.0) - before
    if not total > 0:
        return math.nan
    return 1 - (liquidated_notional(twin_events, 1.0) - before) / total


def forest(events, lot):
    """Return the liquidations of a run as a directed graph, from parents to children.

    Parameters
    ----------
    events : numpy.ndarray of EVENT
        Of one or several markets with the same lot.
    lot : float, base currency

    Returns
    -------
    networkx.DiGraph
        Nodes have `trader`, `market`, `cause` (a name of `perplab.sim.state.codes.CAUSES`),
        `seconds`, `step` and `round` of their first event, `last_seconds`, `slices`, `notional`
        (quote currency) and `channels` (see `loss_shares`).
    """
    import networkx as nx

    graph, chosen = nx.DiGraph(), of_liquidations(events)
    for event, value in zip(chosen, notional(chosen, lot), strict=True):
        node = int(event["node"])
        if node not in graph or "slices" not in graph.nodes[node]:
            graph.add_node(node, **first_slice(event))
            if event["parent"] >= 0:
                graph.add_edge(int(event["parent"]), node)
        graph.nodes[node]["slices"] += 1
        graph.nodes[node]["last_seconds"] = float(event["seconds"])
        graph.nodes[node]["notional"] += float(value)
    return graph


def first_slice(event):
    """Return the attributes that a node takes from its first event."""
    return {
        "trader": int(event["trader"]),
        "market": int(event["market"]),
        "cause": CAUSES[event["cause"]],
        "seconds": float(event["seconds"]),
        "step": int(event["step"]),
        "round": int(event["round"]),
        "channels": loss_shares(event),
        "slices": 0,
        "notional": 0.0,
    }


def loss_shares(event):
    """Return each channel's share of the losses of an event's account; the shares sum to 1.

    A gain counts as no loss. Without any loss the share of `other` is 1 (collateral withdrawn).
    """
    losses = [max(-float(event[field]), 0.0) for field in CHANNEL_FIELDS]
    total = sum(losses)
    shares = {
        channel: loss / total if total else 0.0
        for channel, loss in zip(CHANNELS, losses, strict=True)
    }
    return {**shares, OTHER: 0.0 if total else 1.0}


def trees(graph):
    """Return the figures of each tree, largest first.

    Returns
    -------
    list of dict
        `root`, `size` (nodes), `endogenous` (nodes), `depth` (edges of the longest path from the
        root), `notional` (quote currency), `cause` of the root, `seconds` from the first forced
        trade to the last.
    """
    rows = [tree_figures(graph, root) for root, degree in graph.in_degree if degree == 0]
    return sorted(rows, key=lambda row: (-row["size"], -row["notional"], row["root"]))


def tree_figures(graph, root):
    """Return the figures of the tree under a root."""
    depths = depths_below(graph, root)
    nodes = [graph.nodes[node] for node in depths if "cause" in graph.nodes[node]]
    return {
        "root": root,
        "size": len(depths),
        "depth": max(depths.values()),
        "cause": graph.nodes[root].get("cause"),
        "endogenous": sum(node["cause"] == CAUSES[ENDOGENOUS] for node in nodes),
        "notional": sum(node["notional"] for node in nodes),
        "seconds": max(node["last_seconds"] for node in nodes)
        - min(node["seconds"] for node in nodes),
    }


def depths_below(graph, root):
    """Return the number of edges between the root and each node of its tree."""
    depths, waiting = {root: 0}, [root]
    for node in waiting:
        below = list(graph.successors(node))
        depths.update(dict.fromkeys(below, depths[node] + 1))
        waiting.extend(below)
    return depths


def branching_ratio(graph):
    """Return endogenous nodes over all nodes, NaN without a node; compare `amplification`."""
    causes = cause_counts(graph)
    return causes[CAUSES[ENDOGENOUS]] / sum(causes.values()) if causes else math.nan


def cause_counts(graph):
    """Return the number of nodes by cause."""
    return collections.Counter(cause for _, cause in graph.nodes(data="cause") if cause is not None)


def notional_by_channel(graph):
    """Return the liquidated notional by what took the equity: index, basis, funding, fees, other.

    Returns
    -------
    dict of str to float, quote currency
        Each node's notional is divided by the `loss_shares` of its first event; the values sum to
        the liquidated notional.
    """
    nodes = [attributes for _, attributes in graph.nodes(data=True) if "channels" in attributes]
    return {
        channel: sum(node["notional"] * node["channels"][channel] for node in nodes)
        for channel in (*CHANNELS, OTHER)
    }


def cascade_figures(events, lot, rounds_per_step=1):
    """Return the figures of a market's cascades in one dictionary, amounts in quote currency.

    Returns
    -------
    dict
        `liquidations`, `liquidated_notional`, `rounds_max`, `branching_ratio`, `largest_tree`
        (nodes), `deepest_tree` (edges), `nodes_by_cause`, `notional_by_channel`.
    """
    graph = forest(events, lot)
    rows = trees(graph)
    return {
        "liquidations": liquidation_count(events),
        "liquidated_notional": liquidated_notional(events, lot),
        "rounds_max": rounds_max(events, rounds_per_step),
        "branching_ratio": branching_ratio(graph),
        "largest_tree": max((row["size"] for row in rows), default=0),
        "deepest_tree": max((row["depth"] for row in rows), default=0),
        "nodes_by_cause": dict(cause_counts(graph)),
        "notional_by_channel": notional_by_channel(graph),
    }
