"""Plots of scores with error bars, for example quality against UNet calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from fundiff.pipeline.files import replacing

MARKERS = "osD^v"
IN_A_ROW = 3  # most panels in a row: a page shows the plot as wide as its text, and more would be too small


@dataclass(frozen=True)
class Panel:
    """One score: its name, points (x, y, spread) of every curve, and horizontal lines to compare with, by name."""

    name: str
    curves: Mapping[str, Sequence[tuple[float, float, float]]]
    levels: Mapping[str, float]
    log: bool = False


def plot_curves(path: str | Path, panels: Sequence[Panel], x_label: str) -> None:
    """Write the panels as one PNG, side by side or, if there are many, in two columns.

    x is logarithmic with a tick at every value; error bars are the spreads.
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
        axis.set_xscale("log")
        for (name, points), marker in zip(panel.curves.items(), MARKERS, strict=False):
            x, y, spread = zip(*sorted(points), strict=True)
            axis.errorbar(x, y, spread, marker=marker, markersize=5, capsize=3, linewidth=1.5, label=name)
        for (name, level), style in zip(panel.levels.items(), (":", "--"), strict=False):
            axis.axhline(level, color="0.4", linestyle=style, linewidth=1.2, label=name)
        ticks = sorted({point[0] for points in panel.curves.values() for point in points})
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.minorticks_off()
        if panel.log:
            axis.set_yscale("log")
        axis.set_xlabel(x_label)
        axis.set_title(panel.name, fontsize=11)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes.flat[len(panels) - 1].legend(fontsize=9, frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, metadata={"Software": None})
    plt.close(figure)
