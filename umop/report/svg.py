"""Draws lines as SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

WIDTH, HEIGHT = 400, 230
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 12, 40
_MOST_POINTS = 500
_MOST_DOTS = 24
_COLOURS = 8
"""The page has so many colours for lines, ``.c0`` and so on."""
_TICKS = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10])

_Range = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line of a plot.

    Attributes:
        label: What the legend calls it.
        points: x and y, by x.
    """

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class _Frame:
    """The place of a plot's values on the page.

    Attributes:
        x: From the left to the right side.
        y: From the lower to the upper side.
    """

    x: _Range
    y: _Range

    def left(self, x: float) -> float:
        """Pixels from the left side of the image."""
        share = (x - self.x[0]) / (self.x[1] - self.x[0])
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def top(self, y: float) -> float:
        """Pixels from the upper side of the image."""
        share = (y - self.y[0]) / (self.y[1] - self.y[0])
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def plot(
    lines: Sequence[Line],
    x: str,
    y: str,
    x_range: _Range | None = None,
    y_range: _Range | None = None,
) -> Markup:
    """Draws lines with their axes and a legend; says so where there is nothing to draw.

    Args:
        lines: The lines, each with the colour of its place; those without points are left out.
        x: What x is.
        y: What y is.
        x_range: What the axis shows; by default from the first to the last point.
        y_range: What the axis shows; by default round numbers around all points.

    Returns:
        An ``svg`` element and the legend.
    """
    colours = [number % _COLOURS for number, each in enumerate(lines) if each.points]
    lines = [Line(each.label, thinned(each.points)) for each in lines if each.points]
    if not lines:
        return Markup('<p class="empty">Nothing was measured yet.</p>')
    points = [point for each in lines for point in each.points]
    frame = _Frame(
        x_range or _widened(min(p[0] for p in points), max(p[0] for p in points)),
        y_range or _round_range([p[1] for p in points]),
    )
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_described(lines, x, y)}">',
        *_axes(frame, x, y),
        *(_drawn(frame, each, colour) for each, colour in zip(lines, colours, strict=True)),
        "</svg>",
        _legend(lines, colours),
    ]
    return Markup("".join(parts))


def thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Not more points than can be seen; the last one stays."""
    step = -(-len(points) // _MOST_POINTS)
    return points[::-step][::-1]


def _widened(low: float, high: float) -> _Range:
    """A range that is not empty: around a single value, half as much and as much again."""
    margin = 0.0 if high > low else abs(low) / 2 or 0.5
    return low - margin, high + margin


def _round_range(values: Sequence[float]) -> _Range:
    """From a round number below all values to one above."""
    ticks = _TICKS.tick_values(*_widened(min(values), max(values)))
    return float(ticks[0]), float(ticks[-1])


def _axes(frame: _Frame, x: str, y: str) -> list[str]:
    """Grid, numbers and names of the axes."""
    bottom = HEIGHT - BOTTOM
    parts = []
    for value in _inside(frame.y):
        top = frame.top(value)
        parts.append(f'<path class="grid" d="M{LEFT} {top}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{top + 4}" class="end">{value:.6g}</text>')
    for value in _inside(frame.x):
        left = frame.left(value)
        parts.append(f'<path class="grid" d="M{left} {bottom}v4"/>')
        parts.append(f'<text x="{left}" y="{bottom + 17}" class="middle">{value:.6g}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" class="end name">{escape(x)}</text>')
    parts.append(f'<text x="0" y="{HEIGHT - 4}" class="name">↑ {escape(y)}</text>')
    return parts


def _inside(shown: _Range) -> list[float]:
    """The round numbers inside a range."""
    slack = 1e-6 * (shown[1] - shown[0])
    ticks = map(float, _TICKS.tick_values(*shown))
    return [tick for tick in ticks if shown[0] - slack <= tick <= shown[1] + slack]


def _drawn(frame: _Frame, line: Line, colour: int) -> str:
    """One line; with a dot for each point where they are few."""
    places = [(frame.left(x), frame.top(y)) for x, y in line.points]
    path = " ".join(f"{left},{top}" for left, top in places)
    parts = [f'<polyline points="{path}"><title>{escape(line.label)}</title></polyline>']
    if len(places) <= _MOST_DOTS:
        parts += [
            f'<circle cx="{left}" cy="{top}" r="3">'
            f"<title>{escape(line.label)}: {y:.4g} at {x:g}</title></circle>"
            for (left, top), (x, y) in zip(places, line.points, strict=True)
        ]
    return f'<g class="c{colour}">{"".join(parts)}</g>'


def _legend(lines: Sequence[Line], colours: Sequence[int]) -> str:
    """The names of the lines, each with its colour."""
    items = (
        f'<li class="c{colour}">{escape(each.label)}</li>'
        for each, colour in zip(lines, colours, strict=True)
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _described(lines: Sequence[Line], x: str, y: str) -> str:
    """A plot in words, for those who do not see it."""
    ends = (f"{each.label} {each.points[-1][1]:.4g} at {each.points[-1][0]:g}" for each in lines)
    return escape(f"{y} by {x}; at the end {', '.join(ends)}")


def sparkline(values: Sequence[float], label: str) -> Markup:
    """A small curve without axes, of values from 0 to 1."""
    if not values:
        return Markup("")
    step = 100 / max(len(values) - 1, 1)
    path = " ".join(f"{i * step:.0f},{25 - 24 * value:.1f}" for i, value in enumerate(values))
    return Markup(
        f'<svg class="spark c0" viewBox="0 0 100 26" role="img" aria-label="{escape(label)}">'
        f'<path class="grid" d="M0 25.5H100"/><polyline points="{path}"/></svg>'
    )
