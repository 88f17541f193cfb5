"""The two pictures of the story, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import svg

from benchmarks.drawing import BLACK, BLUE, GREY, RED, words
from laboratory.measures import Steps, position

Run = dict[str, Any]
_WIDTH, _COLUMNS = 960, 2
_PANEL, _PLOT = 200, 140  # heights
_LEFT, _TOP, _GAP = 46, 30, 24
_PLOT_WIDTH = (_WIDTH - _COLUMNS * (_LEFT + _GAP)) // _COLUMNS
_ROW = 34
_LABELS = 230


def progress(runs: Sequence[Run], seconds: float) -> str:
    """A panel for each set-up: how far each partition is in the table, over time.

    :param seconds: of the time axis.
    """
    highest = max(run["produced"] / max(1, len(run["progress"])) for run in runs)
    rows = -(-len(runs) // _COLUMNS)
    panels: list[svg.Element] = []
    for number, run in enumerate(runs):
        down, right = divmod(number, _COLUMNS)
        panel = list(_panel(run, seconds, highest))
        panels.append(svg.G(transform=[svg.Translate(right * _WIDTH // _COLUMNS, down * _PANEL)], elements=panel))
    legend = "one line a partition; red: the slowest; dashed: what was written"
    return _drawing(rows * _PANEL + 24, [*panels, words(_LEFT, rows * _PANEL + 14, legend)])


def rebalances(runs: Sequence[Run], seconds: float) -> str:
    """A strip for each set-up, with a mark for each rebalance of a group that has members."""
    width = _WIDTH - _LABELS - _GAP
    marks: list[svg.Element] = []
    for number, run in enumerate(runs):
        top = 8 + number * _ROW
        within = [at for at, _ in run["rebalances"] if at <= seconds]
        marks.append(words(8, top + 16, run["setup"]))
        marks.append(svg.Rect(x=_LABELS, y=top, width=width, height=_ROW - 10, fill="#f4f4f4"))
        strokes: list[svg.PathData] = []
        for at in within:
            strokes += [svg.M(round(_LABELS + width * at / seconds, 1), top), svg.v(_ROW - 10)]
        if strokes:
            marks.append(svg.Path(d=strokes, stroke=RED, stroke_width=1.2, fill="none"))
        marks.append(words(_WIDTH - _GAP + 4, top + 16, str(len(within))))
    bottom = 8 + len(runs) * _ROW
    marks += [words(_LABELS + round(width * at / seconds) - 6, bottom + 10, f"{at:g} s") for at in _ticks(seconds)]
    return _drawing(bottom + 24, marks)


def _panel(run: Run, seconds: float, highest: float) -> Iterator[svg.Element]:
    """Title, frame, what was written, a line for each partition, the slowest on top."""
    yield words(_LEFT, 18, run["setup"], size=13)
    yield svg.Rect(x=_LEFT, y=_TOP, width=_PLOT_WIDTH, height=_PLOT, fill="none", stroke=GREY, stroke_width=0.6)
    written = [svg.M(_LEFT, _TOP + _PLOT), svg.L(_LEFT + _PLOT_WIDTH, _TOP)]
    yield svg.Path(d=written, stroke=BLACK, stroke_width=0.8, stroke_dasharray=[4, 3], fill="none")
    places = sorted(run["progress"].items(), key=lambda item: position(item[1], seconds), reverse=True)
    for number, (_, steps) in enumerate(places):
        slowest = number == len(places) - 1
        line = _line(steps, seconds, highest)
        colour, width, opacity = (RED, 2.0, 1.0) if slowest else (BLUE, 0.9, 0.45)
        yield svg.Path(d=line, stroke=colour, stroke_width=width, stroke_opacity=opacity, fill="none")
    yield words(4, _TOP + 10, f"{highest:,.0f}")
    yield words(4, _TOP + _PLOT, "0")
    for at in _ticks(seconds):
        yield words(_LEFT + round(_PLOT_WIDTH * at / seconds) - 6, _TOP + _PLOT + 14, f"{at:g} s")


def _line(steps: Steps, seconds: float, highest: float) -> list[svg.PathData]:
    """Stairs: a MERGE brings a batch at once."""
    line: list[svg.PathData] = [svg.M(_LEFT, _TOP + _PLOT)]
    for at, reached in steps:
        if at <= seconds:
            line.append(svg.H(round(_LEFT + _PLOT_WIDTH * at / seconds, 1)))
            line.append(svg.V(round(_TOP + _PLOT * (1 - reached / highest), 1)))
    return [*line, svg.H(_LEFT + _PLOT_WIDTH)]


def _ticks(seconds: float) -> list[float]:
    return [seconds * part / 3 for part in range(4)]


def _drawing(height: int, elements: list[svg.Element]) -> str:
    """On white: pages may be dark."""
    ground = svg.Rect(x=0, y=0, width=_WIDTH, height=height, fill="white")
    whole = svg.SVG(viewBox=svg.ViewBoxSpec(0, 0, _WIDTH, height), elements=[ground, *elements])
    return whole.as_str().replace("><", ">\n<") + "\n"
