"""Geometry of charts, which `charts.html` draws as SVG. Widths are per cent, so text has one size on every screen."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

HEIGHT = 200
_TOP, _BOTTOM = 14, 24
_PLOT = HEIGHT - _TOP - _BOTTOM
_LINES = 4
_UNITS = (("M", 1_000_000), ("k", 1_000))
_GAP = 0.3
"""The free share of a step between two bars."""


class Series(NamedTuple):
    """Values of one kind, one for each step; `text` are the formatted values."""

    name: str
    values: Sequence[float | None]
    text: Sequence[str]


class Tick(NamedTuple):
    """A line of the scale, in pixels from the top."""

    y: float
    text: str


class Label(NamedTuple):
    """A text below the chart; `x` is per cent from the left."""

    x: float
    text: str
    anchor: str


class Bar(NamedTuple):
    """A bar: `x` and `width` in per cent, `y` and `height` in pixels; `kind` is the index of its series."""

    x: float
    width: float
    y: float
    height: float
    kind: int
    text: str


class Stroke(NamedTuple):
    """A line from one step to the next, in the units of `Bar`; a line of length 0 is a dot."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: int


class Chart(NamedTuple):
    """A chart, with its values for a table."""

    name: str
    title: str
    description: str
    ticks: list[Tick]
    labels: list[Label]
    bars: list[Bar]
    strokes: list[Stroke]
    series: Sequence[Series]
    steps: Sequence[str]


class Axis(NamedTuple):
    """The time axis: the name of each step, and the few labels below the chart by step."""

    steps: Sequence[str]
    marks: dict[int, str]


def bars(name: str, title: str, axis: Axis, series: Sequence[Series], describe: str) -> Chart:
    """Return a chart of stacked bars."""
    totals = [sum(values.values[step] or 0 for values in series) for step in range(len(axis.steps))]
    top, ticks = _scale(max(totals, default=0))
    width = 100 / max(1, len(axis.steps))
    rectangles = []
    for step, name_of_step in enumerate(axis.steps):
        floor_y: float = _TOP + _PLOT
        for kind, values in enumerate(series):
            value = values.values[step] or 0
            if value:
                height = max(1.0, value / top * _PLOT)
                floor_y -= height
                text = f"{name_of_step} · {values.name}: {values.text[step]}"
                rectangles.append(
                    Bar(
                        _rounded((step + _GAP / 2) * width),
                        _rounded(width * (1 - _GAP)),
                        _rounded(floor_y),
                        _rounded(height),
                        kind,
                        text,
                    )
                )
    return Chart(name, title, describe, ticks, _labels(axis), rectangles, [], series, axis.steps)


def lines(name: str, title: str, axis: Axis, series: Sequence[Series], describe: str) -> Chart:
    """Return a chart of lines; steps without a value are left out."""
    top, ticks = _scale(max((value for values in series for value in values.values if value is not None), default=0))
    width = 100 / max(1, len(axis.steps))
    strokes = []
    for kind, values in enumerate(series):
        points = [
            (_rounded((step + 0.5) * width), _rounded(_TOP + _PLOT - value / top * _PLOT))
            for step, value in enumerate(values.values)
            if value is not None
        ]
        # A zero-length line with round caps draws a single point as a dot.
        for (x1, y1), (x2, y2) in zip(points, points[1:] or points, strict=False):
            strokes.append(Stroke(x1, y1, x2, y2, kind))
    return Chart(name, title, describe, ticks, _labels(axis), [], strokes, series, axis.steps)


def _labels(axis: Axis) -> list[Label]:
    width = 100 / max(1, len(axis.steps))
    return [Label(_rounded((step + 0.5) * width), text, "middle") for step, text in axis.marks.items()]


def _scale(highest: float) -> tuple[float, list[Tick]]:
    """Return the top of a scale, and its lines at round numbers."""
    step = _round_step(highest / _LINES) if highest else 0.25
    count = max(1, ceil(highest / step)) if highest else _LINES
    top = step * count
    marks = range(count + 1) if highest else (0,)
    unit, size = next(((unit, size) for unit, size in _UNITS if top >= size * 10), ("", 1))
    digits = max(0, -floor(log10(step / size))) if highest else 0
    ticks = [
        Tick(_rounded(_TOP + _PLOT - n * step / top * _PLOT), f"{n * step / size:,.{digits}f}{unit}" if n else "0")
        for n in marks
    ]
    return top, ticks


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … (also below 1) that is at least `least`."""
    power = 10.0 ** floor(log10(least))
    return next(round(factor * power, 12) for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _rounded(value: float) -> float:
    return round(value, 2)
