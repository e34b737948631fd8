"""Charts of frames, one thing each: ``frame, axes -> axes``. Units stand on the axes, colours are safe for the colour-blind."""

import numpy as np
import seaborn as sns

from analysis.canvas import PALETTE
from analysis.metrics import BPS

LABELS = {
    "basis_mean_bps": "basis, mean (bp)",
    "basis_sd_bps": "basis, sd (bp)",
    "funding_mean_bps_8h": "funding, mean (bp per 8 h)",
    "funding_sd_bps_8h": "funding, sd (bp per 8 h)",
    "liquidated_notional": "liquidated (quote currency)",
    "insurance_fund_change": "fund, change (quote currency)",
    "open_interest_mean": "open interest (quote currency)",
}


def label(name):
    """Return what a column is called on an axis.

    Examples
    --------
    >>> label("basis_mean_bps"), label("factor.cap")
    ('basis, mean (bp)', 'cap')
    """
    return LABELS.get(name, name.removeprefix("factor.").replace("_", " "))


def phase_portrait(frame, axes):
    """Draw basis against predicted funding (columns of a series table), light at first, dark at the end."""
    basis = (frame["mid"] / frame["spot"] - 1) * BPS
    known = frame["mid"] > 0
    every = max(len(frame) // 4_000, 1)
    axes.scatter(
        basis[known][::every],
        frame["predicted_funding"][known][::every] * BPS,
        s=2,
        c=np.arange(known.sum())[::every],
        cmap="cividis_r",
        linewidths=0,
        rasterized=True,
    )
    axes.axhline(0, color="0.85", linewidth=0.6, zorder=0)
    axes.axvline(0, color="0.85", linewidth=0.6, zorder=0)
    axes.set_xlabel("basis (bp of spot)")
    axes.set_ylabel("predicted funding rate\n(bp per interval)")
    return axes


def response_curve(frame, axes, factor, figure, hue="arm"):
    """Draw a figure over a factor of a sweep: mean over seeds and everything else, with its 95 % interval; a curve each value of `hue`."""
    count = frame[hue].nunique()
    apart = {"hue": hue, "style": hue, "palette": PALETTE[:count]} if count > 1 else {"color": PALETTE[0]}
    sns.lineplot(frame, x=factor, y=figure, errorbar=("ci", 95), n_boot=400, seed=0, marker="o", markersize=3, ax=axes, **apart)
    axes.set_xlabel(label(factor))
    axes.set_ylabel(label(figure))
    if axes.get_legend():
        sns.move_legend(axes, "center left", bbox_to_anchor=(1.01, 0.5), title=label(hue), frameon=False)
    return axes


def heat_map(frame, axes, across, down, figure):
    """Draw the mean of a figure over two factors."""
    table = frame.pivot_table(index=down, columns=across, values=figure, aggfunc="mean").sort_index(ascending=False)
    sns.heatmap(table, ax=axes, cmap="cividis", annot=table.size <= 49, fmt=".3g", cbar_kws={"label": label(figure)}, annot_kws={"size": 7})
    axes.set_xlabel(label(across))
    axes.set_ylabel(label(down))
    return axes


def attack_map(frame, axes, across, down, profit="pnl_by_kind.manipulation"):
    """Draw the attacker's mean profit over two factors, gains and losses in two colours; below it the liquidated notional, both in thousands."""
    tables = [
        frame.pivot_table(index=down, columns=across, values=name, aggfunc="mean").sort_index(ascending=False) / 1e3 for name in (profit, "liquidated_notional")
    ]
    widest = float(np.nanmax(np.abs(tables[0].to_numpy()))) or 1.0
    texts = np.vectorize(lambda gained, liquidated: f"{gained:,.3g}\n({liquidated:,.0f})")(*(table.to_numpy() for table in tables))
    sns.heatmap(
        tables[0],
        ax=axes,
        cmap="PuOr",
        vmin=-widest,
        vmax=widest,
        annot=texts if texts.size <= 49 else False,
        fmt="",
        annot_kws={"size": 6},
        cbar_kws={"label": "attacker's profit\n(thousand of quote currency)"},
    )
    axes.set_xlabel(label(across))
    axes.set_ylabel(label(down))
    return axes


def leverage(frame, axes):
    """Draw the leverage of open positions (`Records.positions`), a stacked histogram by kind."""
    shown = frame[frame["equity"] > 0].assign(leverage=lambda part: part["notional"] / part["equity"], kind=lambda part: part["kind"].str.replace("_", " "))
    sns.histplot(shown, x="leverage", hue="kind", multiple="stack", bins=40, log_scale=True, ax=axes, palette=PALETTE[: shown["kind"].nunique()], linewidth=0)
    axes.set_xlabel("leverage (notional over equity)")
    axes.set_ylabel("open positions")
    if axes.get_legend():
        axes.get_legend().set_title(None)
    return axes


def violin(frame, axes, group, figure):
    """Draw the distribution of a figure over seeds, a violin a group (a rulebook, say)."""
    sns.violinplot(frame, x=figure, y=group, ax=axes, color=PALETTE[9], inner="quart", linewidth=0.6, density_norm="width", cut=0)
    axes.set_xlabel(label(figure))
    axes.set_ylabel("")
    return axes


def beside_data(simulated, real, axes, name):
    """Draw the distributions of a simulated and of a real series, as densities."""
    for values, color, text in ((simulated, PALETTE[0], "simulated"), (real, "0.4", "real")):
        sns.kdeplot(x=np.asarray(values)[np.isfinite(values)], ax=axes, color=color, label=text, fill=True, alpha=0.2, linewidth=0.9)
    axes.set_xlabel(name)
    axes.set_ylabel("density")
    axes.legend(frameon=False)
    return axes


def settling(frame, axes):
    """Draw how sensitivity indices settle as samples are added (a frame of `analysis.sensitivity.indices`)."""
    for k, ((factor, index), part) in enumerate(frame.groupby(["factor", "index"], sort=False)):
        axes.errorbar(
            part["samples"],
            part["value"],
            yerr=part["half"],
            color=PALETTE[k % 10],
            marker="o",
            markersize=3,
            linewidth=0.9,
            capsize=2,
            label=f"{factor}, {index.replace('_', ' ')}",
        )
    axes.set_xscale("log", base=2)
    axes.set_xlabel("samples (base number)")
    axes.set_ylabel("index")
    axes.legend(frameon=False, fontsize=6)
    return axes
