"""Words in a picture (SVG), for all pictures of the documentation."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import svg

BLUE, RED, GREY, BLACK = "#2c7fb8", "#d7301f", "#999999", "#222222"


def words(x: float, y: float, text: str, *, size: int = 11, anchor: Any = None, colour: str = BLACK) -> svg.Text:
    """A line of text. ``anchor``: "start" where nothing is said."""
    return svg.Text(
        x=x, y=y, text=escape(text), font_family="sans-serif", font_size=size, fill=colour, text_anchor=anchor
    )
