"""Plots of scores with error bars, for example quality against UNet calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from fundiff.pipeline.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^v"
IN_A_ROW = 3  # most panels in a row: a page shows the plot as wide as its text, and more would be too small


@dataclass(frozen=True)
class Panel:
    """One score: its name, points (x, y, spread) of every curve, and horizontal lines to compare with, by name.

    share: y is a share of 1 and is shown in percent. log: y is logarithmic.
    """

    name: str
    curves: Mapping[str, Sequence[tuple[float, float, float]]]
    levels: Mapping[str, float]
    share: bool = False
    log: bool = False


def draw_scale(axis: Axes, panel: Panel) -> None:
    """Set the y axis of a panel: percent that end at 100, or plain numbers on a logarithmic scale."""
    from matplotlib.ticker import PercentFormatter

    if panel.share:
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        low, high = axis.get_ylim()
        # The error bar of a share may reach above 1.
        axis.set_ylim(max(low, 0), min(high, 1 + 0.03 * (1 - low)))
    if panel.log:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("{x:g}")


def plot_curves(path: str | Path, panels: Sequence[Panel], x_label: str) -> None:
    """Write the panels as one PNG, side by side or, if there are many, in two columns.

    x is logarithmic, or linear if it may be 0, with a tick at every value; error bars are the spreads.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    columns = len(panels) if len(panels) <= IN_A_ROW else 2
    rows = ceil(len(panels) / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.4 * columns, 3.4 * rows), squeeze=False, layout="constrained"
    )
    for spare in axes.flat[len(panels) :]:
        spare.set_visible(False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        ticks = sorted({point[0] for points in panel.curves.values() for point in points})
        axis.set_xscale("log" if all(x > 0 for x in ticks) else "linear")
        for (name, points), marker in zip(panel.curves.items(), cycle(MARKERS), strict=False):
            x, y, spread = zip(*sorted(points), strict=True)
            bars = spread if any(spread) else None
            axis.errorbar(x, y, bars, marker=marker, markersize=5, capsize=3, linewidth=1.5, label=name)
        for (name, level), style in zip(panel.levels.items(), (":", "--"), strict=False):
            axis.axhline(level, color="0.4", linestyle=style, linewidth=1.2, label=name)
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()
        draw_scale(axis, panel)
        axis.set_xlabel(x_label)
        axis.set_title(panel.name, fontsize=11)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, metadata={"Software": None})
    plt.close(figure)
