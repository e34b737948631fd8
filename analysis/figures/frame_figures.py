"""Charts of frames, one thing each: ``frame, axes -> axes``. Units stand on the axes, colours are safe for the colour-blind."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import NullLocator
from matplotlib.transforms import ScaledTranslation

from perplab.analysis.estimators.series import BPS
from perplab.analysis.figures.style import PALETTE
from perplab.analysis.metrics.catalogue import interval_of, label, scaled
from perplab.analysis.metrics.scenario_words import value_text

MOST_TICKS = 8
FEWEST_FOR_VIOLIN = 10
DECADE = 10.0
MARKERS, POINTS_ASIDE = "osD^vPX*", 3.0


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


def response_curve(frame, axes, factor, figure, hue="arm", words=None):
    """Draw a figure over a factor of a sweep: mean over seeds with its 95 % interval (Student's t), a curve each value of `hue`.

    What else varies is averaged over within each seed. `words` maps columns to what they are called. Values that are no numbers stand
    in the order of the frame; a frame without `hue` is one curve.
    """
    shown, scale = over_seeds(
        frame if hue in frame else frame.assign(**{hue: ""}), [factor, hue], figure
    )
    names = [] if pd.api.types.is_numeric_dtype(shown[factor]) else list(shown[factor].unique())
    if names:
        shown[factor] = shown[factor].map(names.index)
    words, levels = words or {}, list(shown[hue].unique())
    for place, level in enumerate(levels):
        aside = (place - (len(levels) - 1) / 2) * POINTS_ASIDE / 72
        curve(
            shown[shown[hue] == level],
            axes,
            factor,
            figure,
            color=PALETTE[place % len(PALETTE)],
            marker=MARKERS[place % len(MARKERS)],
            label=value_text(level),
            transform=axes.transData + ScaledTranslation(aside, 0, axes.figure.dpi_scale_trans),
        )
    factor_axis(axes, shown[factor].unique(), names)
    axes.set_xlabel(words.get(factor, label(factor)))
    axes.set_ylabel(label(figure, scale))
    if len(levels) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=min(len(levels), 4),
            title=words.get(hue, label(hue)),
            frameon=False,
            columnspacing=1.0,
            handletextpad=0.4,
            alignment="left",
        )
    return axes


def curve(rows, axes, factor, figure, **look):
    """Draw the mean of a figure at each level of a factor with its interval over seeds."""
    levels = np.sort(rows[factor].unique())
    told = np.array(
        [
            [
                np.nan if part is None else part
                for part in interval_of(rows[figure][rows[factor] == level], figure)
            ]
            for level in levels
        ],
        float,
    )
    reach = np.column_stack([told[:, 0] - told[:, 1], told[:, 2] - told[:, 0]]).T
    reached = np.column_stack([np.repeat(levels, 3), told.ravel()])
    axes.update_datalim(reached[np.isfinite(reached).all(axis=1)])
    axes.errorbar(
        levels,
        told[:, 0],
        yerr=np.nan_to_num(reach),
        capsize=2,
        markersize=3.5,
        linewidth=0.9,
        elinewidth=0.7,
        **look,
    )


def response_points(frame, axes, factor, figure, words=None):
    """Draw a figure over a factor of a sampled design: a dot a point, its mean over seeds; every other factor varies with it."""
    points = [name for name in frame if name.startswith("factor.")]
    shown, scale = over_seeds(frame, points, figure)
    means = shown.groupby(points, as_index=False)[figure].mean()
    axes.scatter(means[factor], means[figure], s=8, color=PALETTE[0], linewidths=0, alpha=0.8)
    if spans_decades(means[factor].unique()):
        axes.set_xscale("log")
    axes.set_xlabel((words or {}).get(factor, label(factor)))
    axes.set_ylabel(label(figure, scale))
    return axes


def over_seeds(frame, factors, figure):
    """Return a figure by factors and seed, averaged over what else varies, in a legible scale, and the word of that scale."""
    scale, word = scaled(frame[figure], figure)
    keys = list(dict.fromkeys([*factors, *(["seed"] if "seed" in frame else [])]))
    kept = frame[[*keys, figure]].dropna(subset=[figure])
    if "seed" in frame:
        kept = kept.groupby(keys, as_index=False, sort=False, dropna=False)[figure].mean()
    return kept.assign(**{figure: kept[figure] / scale}), word


def t_limits(figure):
    """Return the function that gives both ends of the interval of a figure over seeds."""

    def limits(values):
        _, low, high = interval_of(values, figure)
        return (np.nan, np.nan) if low is None else (low, high)

    return limits


def spans_decades(levels):
    """Return whether levels are better told apart by ratios: all positive, a factor of ten or more, and spaced more evenly so.

    Examples
    --------
    >>> spans_decades([0.0003, 0.001, 0.003]), spans_decades([50, 150, 250]), spans_decades([1, 50, 100, 150])
    (True, False, False)
    """
    levels = np.sort(np.asarray(levels, float))
    if len(levels) < 2 or levels[0] <= 0 or levels[-1] < DECADE * levels[0] * (1 - 1e-9):
        return False
    by_ratio, by_step = np.diff(np.log(levels)), np.diff(levels)
    return bool(by_ratio.std() / by_ratio.mean() <= by_step.std() / by_step.mean())


def factor_axis(axes, levels, names=()):
    """Put the ticks of a factor at its levels where they are few, on a logarithmic axis where they span decades by ratios.

    `names` are what the levels 0, 1, ... are called, if they are places of names.
    """
    levels = np.sort(levels.astype(float))
    if spans_decades(levels):
        axes.set_xscale("log")
    axes.margins(x=0.08)
    axes.autoscale_view()
    if len(levels) <= MOST_TICKS:
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(levels, names or [f"{level:,.6g}" for level in levels])
    return axes


def heat_map(frame, axes, across, down, figure, words=None):
    """Draw the mean of a figure over two factors."""
    scale, word = scaled(frame[figure], figure)
    table = mean_table(frame, across, down, figure) / scale
    sns.heatmap(
        table,
        ax=axes,
        cmap="cividis",
        annot=table.size <= 49,
        fmt=".3g",
        cbar_kws={"label": label(figure, word)},
        annot_kws={"size": 7},
    )
    return named_axes(axes, across, down, words)


def mean_table(frame, across, down, figure):
    """Return the mean of a figure by two factors, the higher values of the second one at the top."""
    return frame.pivot_table(index=down, columns=across, values=figure, aggfunc="mean").sort_index(
        ascending=False
    )


def named_axes(axes, across, down, words):
    """Name both axes by their factors, the numbers on them level."""
    axes.set_xlabel((words or {}).get(across, label(across)))
    axes.set_ylabel((words or {}).get(down, label(down)))
    axes.tick_params(axis="y", rotation=0)
    return axes


def attack_map(frame, axes, across, down, profit="pnl_by_kind.manipulation", words=None):
    """Draw the attacker's mean profit over two factors, gains and losses in two colours; below it the liquidated notional, both in thousands."""
    tables = [
        mean_table(frame, across, down, name).to_numpy() / 1e3
        for name in (profit, "liquidated_notional")
    ]
    widest = float(np.nanmax(np.abs(tables[0]))) or 1.0
    texts = np.vectorize(lambda gained, liquidated: f"{gained:,.3g}\n({liquidated:,.0f})")(*tables)
    sns.heatmap(
        mean_table(frame, across, down, profit) / 1e3,
        ax=axes,
        cmap="PuOr",
        vmin=-widest,
        vmax=widest,
        fmt="",
        annot=texts if texts.size <= 49 else False,
        annot_kws={"size": 6},
        cbar_kws={"label": "attacker's profit\n(thousand USD)"},
    )
    return named_axes(axes, across, down, words)


def leverage(frame, axes):
    """Draw the leverage of open positions (`Records.positions`), a stacked histogram by kind."""
    shown = frame[frame["equity"] > 0].assign(
        leverage=lambda part: part["notional"] / part["equity"],
        kind=lambda part: part["kind"].str.replace("_", " "),
    )
    sns.histplot(
        shown,
        x="leverage",
        hue="kind",
        multiple="stack",
        bins=40,
        log_scale=True,
        ax=axes,
        palette=PALETTE[: shown["kind"].nunique()],
        linewidth=0,
    )
    axes.set_xlabel("leverage (notional over equity)")
    axes.set_ylabel("open positions")
    if axes.get_legend():
        axes.get_legend().set_title(None)
    return axes


def distribution(frame, axes, group, figure, hue=None, words=None):
    """Draw a figure by a factor of names (rulebooks, say): violins from ten seeds on, below that every run and the mean with its interval."""
    words, factors = words or {}, [group, *([hue] if hue else [])]
    shown, scale = over_seeds(frame, factors, figure)
    apart = (
        {"hue": hue, "palette": PALETTE[: shown[hue].nunique()]} if hue else {"color": PALETTE[0]}
    )
    if shown.groupby(factors).size().min() >= FEWEST_FOR_VIOLIN:
        sns.violinplot(
            shown,
            x=figure,
            y=group,
            ax=axes,
            inner="quart",
            linewidth=0.6,
            density_norm="width",
            cut=0,
            alpha=0.7,
            **apart,
        )
    else:
        run_points(shown, axes, group, figure, apart)
    axes.set_xlabel(label(figure, scale))
    axes.set_ylabel(words.get(group, label(group)))
    if axes.get_legend():
        sns.move_legend(
            axes,
            "lower left",
            bbox_to_anchor=(0, 1),
            ncols=4,
            title=words.get(hue, label(hue)),
            frameon=False,
            alignment="left",
        )
    return axes


def run_points(frame, axes, group, figure, apart):
    """Draw every run as a dot, and the mean with its interval beside."""
    dodge = "hue" in apart
    sns.stripplot(
        frame,
        x=figure,
        y=group,
        orient="h",
        ax=axes,
        size=2.5,
        alpha=0.6,
        jitter=False,
        dodge=dodge,
        legend=dodge,
        **apart,
    )
    width = 0.4 if dodge else False
    sns.pointplot(
        frame,
        x=figure,
        y=group,
        orient="h",
        ax=axes,
        errorbar=t_limits(figure),
        linestyle="none",
        marker="d",
        markersize=4,
        dodge=width,
        legend=False,
        err_kws={"linewidth": 0.9},
        capsize=0.08,
        **apart,
    )
    return axes


def beside_data(simulated, real, axes, name):
    """Draw the distributions of a simulated and of a real series, as densities."""
    for values, color, text in ((simulated, PALETTE[0], "simulated"), (real, "0.4", "real")):
        sns.kdeplot(
            x=np.asarray(values)[np.isfinite(values)],
            ax=axes,
            color=color,
            label=text,
            fill=True,
            alpha=0.2,
            linewidth=0.9,
        )
    axes.set_xlabel(name)
    axes.set_ylabel("density")
    axes.legend(frameon=False)
    return axes


def settling(frame, axes):
    """Draw how sensitivity indices settle as samples are added (a frame of `perplab.analysis.estimators.sensitivity.indices`)."""
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
