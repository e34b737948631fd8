"""Drawings of graphs: ``graph, axes -> axes``. Trees of liquidations in time, and who lost to whom."""

import collections

import networkx as nx
import numpy as np
from matplotlib.lines import Line2D

from perplab.analysis.figures.style import PALETTE
from perplab.analysis.metrics.cascade import depths_below, trees
from perplab.analysis.metrics.catalogue import magnitude
from perplab.sim.state.records import CAUSES

CAUSE_COLOURS = {cause: PALETTE[k] for k, cause in zip((7, 0, 1, 3, 4, 5), CAUSES, strict=True)}
LARGEST_DOT, SMALLEST_DOT = 55.0, 3.0
MOST_TREES = 12
LOST, BORNE = PALETTE[3], PALETTE[2]
FLOW = {"alpha": 0.6, "solid_capstyle": "butt"}
AMOUNT = {
    "fontsize": 7.5,
    "ha": "center",
    "va": "center",
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8},
}


def cascade_trees(graph, axes, most=MOST_TREES):
    """Draw the largest trees of a forest of liquidations (`perplab.analysis.metrics.cascade.forest`), one above the other, the largest at the top.

    A dot is an account, its area the liquidated notional, its colour what pushed it below maintenance; a line leads from the forced order
    that pushed it. Time runs to the right from the tree's first forced trade.
    """
    rows = [row for row in trees(graph)[:most] if row["cause"] is not None]
    places, top = {}, 0
    for row in reversed(rows):
        tree = placed(graph, row["root"], top)
        places |= tree
        top = max(y for _, y in tree.values()) + 2
    dots = np.array([places[node] for node in places]).reshape(-1, 2)
    for source, target in graph.subgraph(places).edges:
        (x, y), (there, height) = places[source], places[target]
        axes.plot([x, x, there], [y, height, height], color="0.75", linewidth=0.5, zorder=1)
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
    axes.set_xlabel("time since the tree's first liquidation (min)")
    axes.set_ylabel(f"accounts, by tree\n({len(rows)} of {len(trees(graph))} trees)")
    axes.set_yticks([])
    return cause_key(axes, {graph.nodes[node]["cause"] for node in places})


def placed(graph, root, bottom):
    """Return by node its minutes since the root and its height: in depth-first order from the top, so that lines do not cross."""
    order = [node for node in nx.dfs_preorder_nodes(graph, root) if "seconds" in graph.nodes[node]]
    depths, first = depths_below(graph, root), graph.nodes[root]["seconds"]
    order = [node for node in order if node in depths]
    return {
        node: ((graph.nodes[node]["seconds"] - first) / 60.0, bottom + len(order) - 1 - k)
        for k, node in enumerate(order)
    }


def cause_key(axes, causes):
    """Write above the axes what the colours mean."""
    dots = [
        Line2D(
            [],
            [],
            marker="o",
            linestyle="",
            markersize=4,
            color=CAUSE_COLOURS[cause],
            label="another's liquidation" if cause == CAUSES[0] else cause,
        )
        for cause in CAUSES
        if cause in causes
    ]
    if dots:
        axes.legend(
            handles=dots,
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(dots),
            frameon=False,
            fontsize=7.5,
            handletextpad=0.1,
        )
    return axes


def loss_flows(graph, axes):
    """Draw a loss network (`perplab.analysis.metrics.losses.loss_network` by kind): the liquidated on the left, who took over on the right.

    Width and text of a line are what passed over against the mark, its colour who gained by it; lines on which nothing passed are left out.
    """
    heights = [heights_of(graph, end) for end in (0, 1)]
    edges = [edge for edge in graph.edges(data=True) if edge[2]["loss"] != 0]
    widest = max((abs(flow["loss"]) for *_, flow in edges), default=1.0)
    scale, word = magnitude([flow["loss"] for *_, flow in edges])
    for k, (source, target, flow) in enumerate(edges):
        y, there, at = heights[0][source], heights[1][target], 0.3 + 0.2 * (k % 3)
        axes.plot(
            [0, 1],
            [y, there],
            linewidth=0.6 + 9 * abs(flow["loss"]) / widest,
            color=LOST if flow["loss"] > 0 else BORNE,
            **FLOW,
        )
        axes.text(at, y + at * (there - y), f"{abs(flow['loss']) / scale:,.3g}", **AMOUNT)
    for x, align, places in ((-0.02, "right", heights[0]), (1.02, "left", heights[1])):
        for name, y in places.items():
            axes.text(x, y, str(name).replace("_", " "), ha=align, va="center")
    axes.set_axis_off()
    axes.set_title(f"against the mark, {word}USD", fontsize=8)
    words = ((LOST, "lost by the liquidated", 1), (BORNE, "borne by the other side", -1))
    lines = [
        Line2D([], [], color=colour, linewidth=3, alpha=0.6, label=text)
        for colour, text, sign in words
        if any(sign * flow["loss"] > 0 for *_, flow in edges)
    ]
    axes.legend(
        handles=lines,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=2,
        frameon=False,
        fontsize=8,
    )
    return axes


def heights_of(graph, end):
    """Return by name the height of each node that begins (0) or ends (1) an edge, the one with the largest amount at the top."""
    weight = collections.Counter()
    for *ends, flow in graph.edges(data=True):
        if flow["loss"] != 0:
            weight[ends[end]] += abs(flow["loss"])
    return {name: 1 - (k + 0.5) / len(weight) for k, (name, _) in enumerate(weight.most_common())}
