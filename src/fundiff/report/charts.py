"""Loss curves as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 280
LEFT, RIGHT, TOP, BOTTOM = 54, 362, 26, 240
SERIES = {"train_loss": "training", "validation_loss": "validation"}


def log_ticks(low: float, high: float) -> list[float]:
    """A few round numbers from low to high: evenly spaced if high < 5 low, else 1, 2, 5 times powers of ten."""
    if high < 5 * low:
        steps = (m * 10.0**p for p in range(-9, 9) for m in (1, 2, 2.5, 5))
        step = next(s for s in steps if high - low < 5 * s)
        return [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    return (
        ticks if len(ticks) <= 6 else [t for t in ticks if math.isclose(math.log10(t) % 1, 0, abs_tol=1e-9)]
    )


def plain(value: float) -> str:
    """A number with three significant digits and without an exponent."""
    return f"{value:.3g}" if value >= 1e-4 else f"{value:.7f}".rstrip("0")


def epoch_ticks(last: int) -> list[int]:
    """A few epochs for the axis, including the first and the last."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if last / s <= 6)
    return sorted(
        {1, last} | {e for e in range(step, last + 1, step) if last - e >= step / 2 and e > step / 2}
    )


def apart(y: dict[str, float], gap: float = 30) -> dict[str, float]:
    """The y of the labels at the curves' ends, by name, moved so that they lie at least `gap` apart."""
    names = sorted(y, key=lambda name: y[name])
    placed: dict[str, float] = {}
    for name in names:
        placed[name] = max([y[name], *[other + gap for other in placed.values()]])
    over = max(0.0, max(placed.values()) - (BOTTOM - 10)) if placed else 0.0
    return {name: value - over for name, value in placed.items()}


Level = tuple[str, float]


@dataclass(frozen=True)
class Scale:
    """The scales of a chart: epochs 1 to last, and losses from low to high on a log axis."""

    last: int
    low: float
    high: float

    def x(self, epoch: float) -> float:
        """The x of an epoch, in the chart's units."""
        return round(LEFT + (RIGHT - LEFT) * (epoch - 1) / max(1, self.last - 1), 1)

    def y(self, loss: float) -> float:
        """The y of a loss, in the chart's units."""
        share = math.log(loss / self.low) / math.log(self.high / self.low)
        return round(BOTTOM - (BOTTOM - TOP) * share, 1)


def text(kind: str, x: float, y: float, words: str, anchor: str = "start") -> str:
    """A text element; `kind` is its class in the style sheet."""
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def line(kind: str, x1: float, x2: float, y1: float, y2: float) -> str:
    """A straight line; `kind` is its class in the style sheet."""
    return f'<line class="{kind}" x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}"/>'


def frame(scale: Scale, marks: Sequence[int]) -> list[str]:
    """Axes, ticks, and vertical lines at the epochs `marks`."""
    parts = []
    for tick in log_ticks(scale.low, scale.high):
        height = scale.y(tick)
        parts.append(
            line("rule", LEFT, RIGHT, height, height) + text("tick", LEFT - 8, height + 4, plain(tick), "end")
        )
    for epoch in epoch_ticks(scale.last):
        parts.append(text("tick", scale.x(epoch), BOTTOM + 18, str(epoch), "middle"))
    parts.append(text("axis", (LEFT + RIGHT) / 2, HEIGHT - 6, "epoch (loss on a log axis)", "middle"))
    for epoch in marks:
        anchor = "start" if epoch < scale.last * 0.15 + 1 else "end" if epoch > scale.last * 0.9 else "middle"
        parts.append(line("mark", scale.x(epoch), scale.x(epoch), TOP, BOTTOM))
        parts.append(text("mark", scale.x(epoch), TOP - 10, f"epoch {epoch}", anchor))
    return parts


def curves(scale: Scale, rows: Sequence[dict[str, float]]) -> list[str]:
    """Both losses as lines, and for each epoch a dot whose tooltip shows the value."""
    parts = []
    for key, label in SERIES.items():
        points = " ".join(f"{scale.x(row['epoch'])},{scale.y(row[key])}" for row in rows)
        parts.append(f'<polyline class="{label}" points="{points}"/>')
        for row in rows:
            dot = f'<circle class="{label}" cx="{scale.x(row["epoch"])}" cy="{scale.y(row[key])}" r="2.6">'
            parts.append(f"{dot}<title>epoch {row['epoch']:g}: {label} {plain(row[key])}</title></circle>")
    return parts


def loss_curve(
    rows: Sequence[dict[str, float]],
    title: str,
    marks: Sequence[int] = (),
    reference: Level | None = None,
) -> str:
    """Training and validation loss by epoch, as SVG.

    marks: epochs to point out. reference: name and loss of a horizontal line.
    """
    levels = {label: rows[-1][key] for key, label in SERIES.items()}
    first = {label: rows[0][key] for key, label in SERIES.items()}
    values = [row[key] for row in rows for key in SERIES] + ([reference[1]] if reference else [])
    scale = Scale(int(rows[-1]["epoch"]), min(values) / 1.12, max(values) * 1.12)
    told = ", ".join(f"{label} from {plain(first[label])} to {plain(levels[label])}" for label in levels)
    about = f"{title} over {scale.last} epochs: {told}"
    top = 0 if marks else TOP - 8
    view = f'viewBox="0 {top} {WIDTH} {HEIGHT - top}"'
    parts = [f'<svg class="chart" {view} role="img" aria-label="{escape(about)}">']
    parts += frame(scale, marks)
    names = {label: label for label in levels}
    if reference:
        names["reference"], levels["reference"] = reference
        parts.append(line("reference", LEFT, RIGHT, scale.y(reference[1]), scale.y(reference[1])))
    parts += curves(scale, rows)
    for kind, height in apart({name: scale.y(level) for name, level in levels.items()}).items():
        parts.append(text(kind, RIGHT + 10, round(height, 1), names[kind]))
        parts.append(text(kind, RIGHT + 10, round(height + 14, 1), plain(levels[kind])))
    return "".join(parts) + "</svg>"
