"""Rows per second and processor time of each case, as bars (SVG)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import svg

from benchmarks.drawing import BLUE, words

_ROW, _LABELS, _BARS, _VALUES, _GAP = 22, 200, 250, 60, 20
_PALE = "#bbbbbb"
Bars = Sequence[tuple[str, float]]


def bars(left: Bars, right: Bars, titles: tuple[str, str]) -> str:
    """Two columns of bars with the same rows.

    :param left: name and value of each row. :param right: the same names, other values.
    """
    width, height = _LABELS + 2 * (_BARS + _VALUES + _GAP), (len(left) + 2) * _ROW
    marks: list[svg.Element] = [svg.Rect(x=0, y=0, width=width, height=height, fill="white")]
    for number, (name, _) in enumerate(left):
        marks.append(words(_LABELS - 8, _top(number) + 14, name, anchor="end", size=12))
    for number, (values, title) in enumerate(zip((left, right), titles, strict=True)):
        at = _LABELS + number * (_BARS + _VALUES + _GAP)
        marks += [words(at, 16, title, size=12), *_column(values, at)]
    return svg.SVG(width=width, height=height, viewBox=svg.ViewBoxSpec(0, 0, width, height), elements=marks).as_str()


def _column(values: Bars, at: int) -> Iterator[svg.Element]:
    highest = max(value for _, value in values)
    for number, (name, value) in enumerate(values):
        length, colour = round(_BARS * value / highest, 1), _PALE if name == "bare" else BLUE
        yield svg.Rect(x=at, y=_top(number), width=max(length, 1), height=_ROW - 6, fill=colour)
        yield words(at + length + 5, _top(number) + 13, f"{value:,.1f}", size=12)


def _top(number: int) -> int:
    return (number + 1) * _ROW
