"""Charts as SVG text: they print, need no script, and carry their numbers as text for those who cannot see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640.0, 260.0, 46.0, 40.0, 16.0, 44.0
COLOURS = ("#1d4ed8", "#b45309", "#0f766e", "#9d174d", "#4d7c0f", "#6d28d9", "#0369a1", "#7f1d1d")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4", "4 4", "12 2")


@dataclass(frozen=True, slots=True)
class Frame:
    """The plane of a chart: data limits and the size of the picture."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    width: float = WIDTH
    height: float = HEIGHT
    x_least_step: float = 0.0

    def x(self, value: float) -> float:
        """Return the horizontal place of a value."""
        span = (self.x_high - self.x_low) or 1.0
        return LEFT + (value - self.x_low) / span * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the vertical place of a value."""
        span = (self.y_high - self.y_low) or 1.0
        return self.height - BOTTOM - (value - self.y_low) / span * (self.height - BOTTOM - TOP)


def histogram(starts: Sequence[float], width: float, counts: Sequence[int], *, title: str, axis: str) -> str:
    """Return bars of counts over steps of equal width."""
    frame = Frame(starts[0], starts[-1] + width, 0, max(counts) or 1)
    bars = "".join(
        f'<rect class="bar" x="{frame.x(start) + 1:.1f}" y="{frame.y(count):.1f}" '
        f'width="{max(frame.x(start + width) - frame.x(start) - 2, 1):.1f}" '
        f'height="{frame.y(0) - frame.y(count):.1f}"><title>{start:g}–{start + width:g}: {count}</title></rect>'
        for start, count in zip(starts, counts, strict=True)
    )
    return _svg(frame, _axes(frame, axis, "") + bars, title)


def scatter(
    points: Sequence[tuple[float, float, str, str]],
    frame: Frame,
    *,
    title: str,
    axes: tuple[str, str],
    levels: Sequence[float] = (),
) -> str:
    """Return named points `(x, y, name, weight)`; those with a weight are drawn as that class and labelled.

    `levels` are heights at which a dashed line is drawn across.
    """
    marks = "".join(
        f'<circle class="point {escape(weight)}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="4">'
        f"<title>{escape(name)}: {x:.2f}, {y:.2f}</title></circle>"
        + (f'<text x="{frame.x(x) + 6:.1f}" y="{frame.y(y) - 5:.1f}">{escape(name)}</text>' if weight else "")
        for x, y, name, weight in points
    )
    limits = "".join(
        f'<path class="grid" stroke-dasharray="5 4" d="M{LEFT} {frame.y(level):.1f}H{frame.width - RIGHT}"/>'
        for level in levels
    )
    return _svg(frame, _axes(frame, *axes) + limits + marks, title)


def lines(
    x: Sequence[float], curves: Mapping[str, Sequence[float]], frame: Frame, *, title: str, axes: tuple[str, str]
) -> str:
    """Return curves over common x, told apart by dash and letter as well as colour."""
    ends = _spread([frame.y(values[-1]) - 4 for values in curves.values()])
    drawn = []
    for place, (name, values) in enumerate(curves.items()):
        path = " ".join(f"{frame.x(a):.1f},{frame.y(b):.1f}" for a, b in zip(x, values, strict=True))
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        drawn.append(
            f'<polyline class="curve" points="{path}" stroke="{colour}" stroke-dasharray="{dash}"/>'
            f'<text x="{frame.x(x[-1]) + 5:.1f}" y="{ends[place]:.1f}" fill="{colour}">{escape(name)}</text>'
        )
    return _svg(frame, _axes(frame, *axes) + "".join(drawn), title)


@dataclass(frozen=True, slots=True)
class Mark:
    """One value of a course over time with its interval, where there is one, and a name for those who point at it."""

    x: float
    y: float
    name: str
    low: float | None = None
    high: float | None = None
    weight: str = ""


def timeline(marks: Sequence[Mark], frame: Frame, *, title: str, axes: tuple[str, str]) -> str:
    """Return values joined by a line, each with its interval as an upright bar."""
    path = " ".join(f"{frame.x(one.x):.1f},{frame.y(one.y):.1f}" for one in marks)
    drawn = "".join(_mark(one, frame) for one in marks)
    line = f'<polyline class="curve" points="{path}" stroke="{COLOURS[0]}"/>'
    return _svg(frame, _axes(frame, *axes) + line + drawn, title)


def _mark(one: Mark, frame: Frame) -> str:
    x = frame.x(one.x)
    bar = (
        f'<path class="curve" stroke="{COLOURS[0]}" d="M{x:.1f} {frame.y(one.low):.1f}V{frame.y(one.high):.1f}"/>'
        if one.low is not None and one.high is not None
        else ""
    )
    return (
        f'{bar}<circle class="point {escape(one.weight)}" cx="{x:.1f}" cy="{frame.y(one.y):.1f}" r="4">'
        f"<title>{escape(one.name)}: {one.y:.2f}</title></circle>"
    )


def _spread(heights: Sequence[float], gap: float = 12.0) -> list[float]:
    """Return heights of labels moved upwards until none covers another."""
    found = list(heights)
    limit = float("inf")
    for place in sorted(range(len(found)), key=lambda one: -found[one]):
        found[place] = limit = min(found[place], limit - gap)
    return found


def _axes(frame: Frame, x_title: str, y_title: str) -> str:
    base, top = frame.height - BOTTOM, TOP
    parts = [f'<path class="axis" d="M{LEFT} {top}V{base}H{frame.width - RIGHT}"/>']
    parts += [
        f'<text x="{frame.x(value):.1f}" y="{base + 15:.1f}" text-anchor="middle">{value:g}</text>'
        for value in _ticks(frame.x_low, frame.x_high, frame.x_least_step)
    ]
    for value in _ticks(frame.y_low, frame.y_high):
        y = frame.y(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{frame.width - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    parts.append(f'<text x="{frame.width - RIGHT}" y="{frame.height - 6}" text-anchor="end">{escape(x_title)}</text>')
    parts.append(f'<text x="{LEFT + 6}" y="{top + 10}">{escape(y_title)}</text>')
    return "".join(parts)


def _ticks(low: float, high: float, least: float = 0.0) -> list[float]:
    """Return round values between two limits, at most seven, no closer than the least step."""
    span = (high - low) or 1.0
    step = next(size for size in _steps(span) if span / size <= 6 and size >= least)
    first = -(-low // step) * step
    return [round(first + step * n, 10) + 0.0 for n in range(8) if first + step * n <= high + step * 1e-9]


def _steps(span: float) -> list[float]:
    power = 10.0 ** len(f"{span:.0f}")
    return sorted(power * 10.0**-down * part for down in range(4) for part in (1, 2, 5))


def _svg(frame: Frame, body: str, title: str) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {frame.width:g} {frame.height:g}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )
