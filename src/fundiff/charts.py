"""Loss curves as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 460, 280
LEFT, RIGHT, TOP, BOTTOM = 54, 362, 26, 240
SERIES = {"train_loss": "training", "validation_loss": "validation"}


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between low and high, or the powers alone where that gives too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    return (
        ticks if len(ticks) <= 6 else [t for t in ticks if math.isclose(math.log10(t) % 1, 0, abs_tol=1e-9)]
    )


def plain(value: float) -> str:
    """A number in three significant digits, never in powers of ten."""
    return f"{value:.3g}" if value >= 1e-4 else f"{value:.7f}".rstrip("0")


def epoch_ticks(last: int) -> list[int]:
    """A handful of epochs, the last one among them."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if last / s <= 6)
    return sorted(
        {1, last} | {e for e in range(step, last + 1, step) if last - e >= step / 2 and e > step / 2}
    )


def apart(y: dict[str, float], gap: float = 30) -> dict[str, float]:
    """The heights of the labels at the curves' ends, moved until none overlaps another."""
    names = sorted(y, key=lambda name: y[name])
    placed: dict[str, float] = {}
    for name in names:
        placed[name] = max([y[name], *[other + gap for other in placed.values()]])
    over = max(0.0, max(placed.values()) - (BOTTOM - 10)) if placed else 0.0
    return {name: value - over for name, value in placed.items()}


def loss_curve(
    rows: Sequence[dict[str, float]],
    title: str,
    marks: Sequence[int] = (),
    reference: tuple[str, float] | None = None,
) -> str:
    """Training and validation loss per epoch on a log axis; `marks` are epochs shown elsewhere, `reference` a level."""
    values = [row[key] for row in rows for key in SERIES] + ([reference[1]] if reference else [])
    low, high = min(values) / 1.12, max(values) * 1.12
    last = int(rows[-1]["epoch"])

    def x(epoch: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (epoch - 1) / max(1, last - 1), 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * math.log(value / low) / math.log(high / low), 1)

    ends = {key: rows[-1][key] for key in SERIES}
    about = f"{title} over {last} epochs: " + ", ".join(
        f"{label} from {plain(rows[0][key])} to {plain(ends[key])}" for key, label in SERIES.items()
    )
    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(about)}">']
    for tick in log_ticks(low, high):
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{RIGHT}" y1="{y(tick)}" y2="{y(tick)}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 8}" y="{y(tick) + 4}" text-anchor="end">{plain(tick)}</text>'
        )
    for epoch in epoch_ticks(last):
        parts.append(
            f'<text class="tick" x="{x(epoch)}" y="{BOTTOM + 18}" text-anchor="middle">{epoch}</text>'
        )
    parts.append(
        f'<text class="axis" x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">epoch</text>'
    )
    parts.append(f'<text class="axis" x="{LEFT - 46}" y="{TOP - 12}">loss (log)</text>')
    for epoch in marks:
        anchor = "start" if epoch < last * 0.15 else "end" if epoch > last * 0.9 else "middle"
        parts.append(f'<line class="mark" x1="{x(epoch)}" x2="{x(epoch)}" y1="{TOP}" y2="{BOTTOM}"/>')
        parts.append(
            f'<text class="mark" x="{x(epoch)}" y="{TOP - 12}" text-anchor="{anchor}">epoch {epoch}</text>'
        )
    if reference:
        level = y(reference[1])
        parts.append(f'<line class="reference" x1="{LEFT}" x2="{RIGHT}" y1="{level}" y2="{level}"/>')
    for key, label in SERIES.items():
        points = " ".join(f"{x(row['epoch'])},{y(row[key])}" for row in rows)
        parts.append(f'<polyline class="{label}" points="{points}"/>')
        for row in rows:
            hint = f"epoch {row['epoch']:g}: {label} {plain(row[key])}"
            parts.append(f'<circle class="{label}" cx="{x(row["epoch"])}" cy="{y(row[key])}" r="2.6">')
            parts.append(f"<title>{hint}</title></circle>")
    heights = {label: y(ends[key]) for key, label in SERIES.items()}
    levels = dict(zip(SERIES.values(), ends.values(), strict=True))
    if reference:
        heights["reference"], levels["reference"] = y(reference[1]), reference[1]
    for name, height in apart(heights).items():
        label = reference[0] if reference and name == "reference" else name
        parts.append(f'<text class="{name}" x="{RIGHT + 10}" y="{round(height, 1)}">{escape(label)}')
        parts.append(f'<tspan x="{RIGHT + 10}" dy="14">{plain(levels[name])}</tspan></text>')
    return "".join(parts) + "</svg>"
