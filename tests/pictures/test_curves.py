"""Plots of scores: their axes have labels that a reader can compare with the report's tables."""

import matplotlib
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from fundiff.pictures.curves import Panel, draw_scale, plot_curves

matplotlib.use("Agg")


def y_labels(panel: Panel) -> list[str]:
    """The labels of the y axis that can be seen, after the panel's curves were drawn."""
    figure, axis = plt.subplots()
    for points in panel.curves.values():
        axis.errorbar(*zip(*points, strict=True))
    draw_scale(axis, panel)
    figure.canvas.draw()
    low, high = axis.get_ylim()
    ticks = [*axis.yaxis.get_major_ticks(), *axis.yaxis.get_minor_ticks()]
    labels = [tick.label1.get_text() for tick in ticks if low <= tick.get_loc() <= high]
    plt.close(figure)
    return [label for label in labels if label]


@pytest.mark.parametrize("values", [(0.992, 1.0), (0.3, 0.4), (0.0, 0.02), (0.5, 1.0)])
def test_a_share_is_in_percent_and_ends_at_100_whatever_its_error_bar(values):
    points = [(i, value, 0.02) for i, value in enumerate(values, 1)]
    labels = y_labels(Panel("accuracy", {"samples": points}, {}, share=True))
    assert len(labels) > 2 and len(set(labels)) == len(labels)
    assert all(0 <= float(label.removesuffix("%")) <= 100 for label in labels)


def test_a_logarithmic_axis_has_plain_numbers():
    labels = y_labels(Panel("distance", {"samples": [(1, 5.0, 0.1), (2, 8.0, 0.1)]}, {}, log=True))
    assert {"5", "6", "7", "8"} <= set(labels)


def test_no_curve_is_left_out_and_a_scale_of_0_has_room(tmp_path, monkeypatch):
    kept = []
    monkeypatch.setattr(plt, "close", kept.append)
    curves = {f"sampler {i}": [(0, i, 0), (5, i + 1, 0), (10, i, 0)] for i in range(7)}
    plot_curves(tmp_path / "curves.png", [Panel("distance", curves, {})], "guidance")
    (axis,) = kept[0].axes
    assert len(axis.get_lines()) == len(curves)
    left, middle, right = axis.transData.transform([(0, 0), (5, 0), (10, 0)])[:, 0]
    assert middle - left == pytest.approx(right - middle)


@pytest.mark.parametrize("count, columns", [(1, 1), (3, 3), (4, 2)])
def test_many_panels_stand_in_two_columns(tmp_path, count, columns):
    panel = Panel("recall", {"samples": [(1, 0.5, 0), (2, 0.6, 0)]}, {"real digits": 0.7}, share=True)
    plot_curves(tmp_path / "curves.png", [panel] * count, "calls")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.width == pytest.approx(4.4 * 130 * columns, abs=2)
