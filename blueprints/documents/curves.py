"""Geometry of a chart of curves over ability: lines as point lists, ticks and grid, told apart by dash as well as colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640.0, 260.0, 46.0, 70.0, 16.0, 34.0
COLOURS = ("#1d4ed8", "#b45309", "#0f766e", "#9d174d", "#4d7c0f", "#6d28d9", "#0369a1", "#7f1d1d")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4", "4 4", "12 2")
LABEL_GAP = 13.0
MOST_STEPS = 5


@dataclass(frozen=True, slots=True)
class Curve:
    """One line with its name at its end."""

    name: str
    points: str
    colour: str
    dash: str
    label_y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: its place and its text."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class CurveChart:
    """A chart ready to be drawn."""

    curves: list[Curve]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    base: float = HEIGHT - BOTTOM


def curve_chart(x: Sequence[float], lines: Mapping[str, Sequence[float]]) -> CurveChart:
    """Return the chart of named lines over common x, from zero to a little above the highest value.

    Examples
    --------
    >>> chart = curve_chart([0, 1], {"A": [0, 2]})
    >>> chart.curves[0].points
    '46.0,226.0 570.0,26.0'
    >>> [tick.text for tick in chart.y_ticks]
    ['0', '0.5', '1', '1.5', '2']
    """
    highest = max((value for values in lines.values() for value in values), default=0.0) or 1.0
    top = highest * 1.05

    def place(value: float) -> float:
        return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 1)

    def across(value: float) -> float:
        return round(LEFT + (value - x[0]) / ((x[-1] - x[0]) or 1.0) * (WIDTH - LEFT - RIGHT), 1)

    labels = _spread([place(values[-1]) for values in lines.values()])
    curves = [
        Curve(
            name, " ".join(f"{across(a)},{place(b)}" for a, b in zip(x, values, strict=True)),
            COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)], round(labels[number], 1),
        )
        for number, (name, values) in enumerate(lines.items())
    ]  # fmt: skip
    step = _step(highest)
    heights = [round(step * n, 6) for n in range(int(highest / step + 1e-9) + 1)]
    return CurveChart(
        curves, [Tick(across(v), f"{v:g}") for v in x if float(v).is_integer()], [Tick(place(v), f"{v:g}") for v in heights]
    )  # fmt: skip


def _step(span: float) -> float:
    power = 10.0 ** len(f"{span:.0f}")
    sizes = sorted(power * 10.0**-down * part for down in range(5) for part in (1, 2, 5))
    return next(size for size in sizes if span / size <= MOST_STEPS)


def _spread(heights: Sequence[float]) -> list[float]:
    """Return heights of labels moved upwards until none covers another."""
    found, limit = list(heights), float("inf")
    for place in sorted(range(len(found)), key=lambda one: -found[one]):
        found[place] = limit = min(found[place], limit - LABEL_GAP)
    return found
