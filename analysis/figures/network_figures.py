"""Drawings of graphs on given axes: trees of liquidations over time, and transfers of losses."""

import collections

import networkx as nx
import numpy as np
from matplotlib.lines import Line2D

from perplab.analysis.escapes import figure_text
from perplab.analysis.figures.style import PALETTE
from perplab.analysis.metrics.cascade import depths_below, trees
from perplab.analysis.metrics.catalogue import magnitude
from perplab.sim.state.codes import CAUSES

CAUSE_COLOURS = {cause: PALETTE[k] for k, cause in zip((7, 0, 1, 3, 4, 5), CAUSES, strict=True)}
LARGEST_DOT, SMALLEST_DOT = 55.0, 3.0
MOST_TREES = 12
LOST, GAINED = PALETTE[3], PALETTE[2]
FLOW = {"alpha": 0.6, "solid_capstyle": "butt"}
AMOUNT = {
    "fontsize": 7.5,
    "ha": "center",
    "va": "center",
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8},
}
ABOVE = {"loc": "lower right", "bbox_to_anchor": (1, 1), "fontsize": 7.5, "handletextpad": 0.1}
BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "fontsize": 8}


def cascade_trees(graph, axes, most=MOST_TREES):
    """Draw the largest trees of liquidations, the largest at the top.

    A dot is an account: its area is the liquidated notional, its colour what pushed it below
    maintenance. A line leads from the liquidation order that pushed it. Time starts at the first
    forced trade of each tree.

    Parameters
    ----------
    graph : networkx.DiGraph
        From `perplab.analysis.metrics.cascade.forest`.
    axes : matplotlib.axes.Axes
    most : int
        Largest number of trees.
    """
    rows = [row for row in trees(graph)[:most] if row["cause"] is not None]
    places = stacked_places(graph, [row["root"] for row in reversed(rows)])
    for source, target in graph.subgraph(places).edges:
        (x, y), (there, height) = places[source], places[target]
        axes.plot([x, x, there], [y, height, height], color="0.75", linewidth=0.5, zorder=1)
    draw_accounts(graph, axes, places)
    axes.set_xlabel("time since the tree's first liquidation (min)")
    axes.set_ylabel(f"accounts, by tree\n({len(rows)} of {len(trees(graph))} trees)")
    axes.set_yticks([])
    return cause_key(axes, {graph.nodes[node]["cause"] for node in places})


def stacked_places(graph, roots):
    """Return the position (minutes, height) of each node of several trees, the first lowest."""
    places, top = {}, 0
    for root in roots:
        tree = placed(graph, root, top)
        places |= tree
        top = max(y for _, y in tree.values()) + 2
    return places


def draw_accounts(graph, axes, places):
    """Draw a dot per account: area by notional, colour by cause."""
    dots = np.array([places[node] for node in places]).reshape(-1, 2)
    notional = np.array([graph.nodes[node]["notional"] for node in places])
    axes.scatter(
        dots[:, 0],
        dots[:, 1],
        s=SMALLEST_DOT + LARGEST_DOT * notional / max(notional.max(initial=0.0), 1e-300),
        linewidths=0,
        zorder=2,
        color=[CAUSE_COLOURS[graph.nodes[node]["cause"]] for node in places],
        alpha=0.85,
    )


def placed(graph, root, bottom):
    """Return by node its minutes since the root and its height.

    Heights follow depth-first order from the top, so that lines do not cross.
    """
    order = [node for node in nx.dfs_preorder_nodes(graph, root) if "seconds" in graph.nodes[node]]
    depths, first = depths_below(graph, root), graph.nodes[root]["seconds"]
    order = [node for node in order if node in depths]
    return {
        node: ((graph.nodes[node]["seconds"] - first) / 60.0, bottom + len(order) - 1 - k)
        for k, node in enumerate(order)
    }


def cause_key(axes, causes):
    """Put the legend of the colours above the axes."""
    look = {"marker": "o", "linestyle": "", "markersize": 4}
    dots = [
        Line2D([], [], color=CAUSE_COLOURS[cause], label=cause_name(cause), **look)
        for cause in CAUSES
        if cause in causes
    ]
    if dots:
        axes.legend(handles=dots, ncols=len(dots), frameon=False, **ABOVE)
    return axes


def cause_name(cause):
    """Return the label of a cause of liquidation."""
    return "another liquidation" if cause == CAUSES[0] else cause


def loss_flows(graph, axes):
    """Draw transfers of loss: liquidated kinds on the left, those that took over on the right.

    Width and number are the difference between trade price and mark price; the colour says who
    gained. Lines with no transfer are left out.

    Parameters
    ----------
    graph : networkx.DiGraph
        From `perplab.analysis.metrics.losses.loss_network`, by kind.
    axes : matplotlib.axes.Axes
    """
    heights = [heights_of(graph, end) for end in (0, 1)]
    edges = [edge for edge in graph.edges(data=True) if edge[2]["loss"] != 0]
    scale, word = magnitude([flow["loss"] for *_, flow in edges])
    draw_flows(axes, edges, heights, scale)
    for x, align, places in ((-0.02, "right", heights[0]), (1.02, "left", heights[1])):
        for name, y in places.items():
            axes.text(x, y, figure_text(str(name).replace("_", " "), 30), ha=align, va="center")
    axes.set_axis_off()
    axes.set_title(f"loss against the mark price ({word}USD)", fontsize=8)
    flow_key(axes, [flow["loss"] for *_, flow in edges])
    return axes


def draw_flows(axes, edges, heights, scale):
    """Draw a line per edge, as wide as its loss, with the amount in units of `scale` on it."""
    widest = max((abs(flow["loss"]) for *_, flow in edges), default=1.0)
    for k, (source, target, flow) in enumerate(edges):
        y, there, at = heights[0][source], heights[1][target], 0.3 + 0.2 * (k % 3)
        width = 0.6 + 9 * abs(flow["loss"]) / widest
        colour = LOST if flow["loss"] > 0 else GAINED
        axes.plot([0, 1], [y, there], linewidth=width, color=colour, **FLOW)
        axes.text(at, y + at * (there - y), f"{abs(flow['loss']) / scale:,.3g}", **AMOUNT)


def flow_key(axes, losses):
    """Put the legend of the two directions of loss below the axes."""
    words = ((LOST, "lost by the liquidated", 1), (GAINED, "lost by the counterparty", -1))
    lines = [
        Line2D([], [], color=colour, linewidth=3, alpha=0.6, label=text)
        for colour, text, sign in words
        if any(sign * loss > 0 for loss in losses)
    ]
    axes.legend(handles=lines, ncols=2, frameon=False, **BELOW)


def heights_of(graph, end):
    """Return the height of each node at one end of the edges (0: source, 1: target)."""
    weight = collections.Counter()
    for *ends, flow in graph.edges(data=True):
        if flow["loss"] != 0:
            weight[ends[end]] += abs(flow["loss"])
    return {name: 1 - (k + 0.5) / len(weight) for k, (name, _) in enumerate(weight.most_common())}
