"""Lag over a day, as SVG: a panel for each day that was played."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import svg

from benchmarks.arrivals import DAY
from benchmarks.drawing import BLUE, GREY, RED, words
from benchmarks.simulate import Played

_WIDTH, _PANEL, _PLOT = 960, 200, 130
_LEFT, _RIGHT, _TOP = 90, 110, 34
_PLOT_WIDTH = _WIDTH - _LEFT - _RIGHT
_STEPS = 480  # columns of the lag: the greatest of each three minutes
_HOURS = 4


def picture(days: Mapping[str, Played]) -> str:
    """Blue: messages that have arrived and are not in the table. Red: messages that arrive in a second."""
    panels: list[svg.Element] = []
    for number, (title, played) in enumerate(days.items()):
        moved: list[svg.Transform] = [svg.Translate(0, number * _PANEL)]
        panels.append(svg.G(transform=moved, elements=list(_panel(title, played))))
    height = len(days) * _PANEL + 24
    legend = (
        "blue, left scale: messages that are not in the table yet; red, right scale: messages that arrive in a second"
    )
    ground = svg.Rect(x=0, y=0, width=_WIDTH, height=height, fill="white")
    elements = [ground, *panels, words(_LEFT, height - 8, legend)]
    drawn = svg.SVG(viewBox=svg.ViewBoxSpec(0, 0, _WIDTH, height), elements=elements)
    return drawn.as_str().replace("><", ">\n<") + "\n"


def _panel(title: str, played: Played) -> Iterator[svg.Element]:
    setup, figures = played.setup, played.figures()
    workers = "one task" if setup.slices == 1 else f"{setup.slices} slices"
    said = f"{workers}, every {setup.every / 60:g} min, at most {_short(figures['worst_lag'])} messages waiting"
    yield words(_LEFT, 20, f"{title}: {said}", size=13)
    yield svg.Rect(x=_LEFT, y=_TOP, width=_PLOT_WIDTH, height=_PLOT, fill="none", stroke=GREY, stroke_width=0.6)
    lags, rates = _lags(played), _rates(played)
    most, fastest = _round_up(max(*lags, 1)), _round_up(max(rates))
    outline: list[svg.PathData] = [svg.M(_LEFT, _TOP + _PLOT)]
    for at, lag in enumerate(lags):
        outline += [svg.V(_height(lag / most)), svg.H(round(_LEFT + _PLOT_WIDTH * (at + 1) / _STEPS, 1))]
    yield svg.Path(d=[*outline, svg.V(_TOP + _PLOT), svg.Z()], fill=BLUE, fill_opacity=0.55)
    line: list[svg.PathData] = [svg.M(_LEFT, _height(rates[0] / fastest))]
    for at, rate in enumerate(rates):
        line += [svg.V(_height(rate / fastest)), svg.H(round(_LEFT + _PLOT_WIDTH * (at + 1) / len(rates), 1))]
    yield svg.Path(d=line, stroke=RED, stroke_width=1.2, fill="none")
    yield words(_LEFT - 6, _TOP + 10, _short(most), anchor="end")
    yield words(_LEFT - 6, _TOP + _PLOT, "0", anchor="end")
    yield words(_WIDTH - _RIGHT + 6, _TOP + 10, f"{_short(fastest)}/s", colour=RED)
    for hour in range(0, 25, _HOURS):
        yield words(_LEFT + round(_PLOT_WIDTH * hour / 24), _TOP + _PLOT + 15, f"{hour}:00", anchor="middle")


def _lags(played: Played) -> Sequence[int]:
    """The greatest of each step of the last day."""
    start, step = (played.days - 1) * DAY, DAY / _STEPS
    found = [played.lag(start + (number + 1) * step) for number in range(_STEPS)]
    for at in played.corners():
        number = min(int((at - start) / step), _STEPS - 1)
        found[number] = max(found[number], played.lag(at))
    return found


def _rates(played: Played) -> Sequence[float]:
    weights = played.arrivals.weights
    return [played.arrivals.messages / sum(weights) * one * len(weights) / DAY for one in weights]


def _height(share: float) -> float:
    return round(_TOP + _PLOT * (1 - share), 1)


def _round_up(value: float) -> float:
    """To a figure that is easily read."""
    unit: float = 10.0 ** math.floor(math.log10(value))
    return next(unit * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if value <= unit * step * (1 + 1e-9))


def _short(value: float) -> str:
    for size, name in ((10**9, " billion"), (10**6, " million"), (10**3, " thousand")):
        if value >= size:
            return f"{value / size:.3g}{name}"
    return f"{value:.3g}"
