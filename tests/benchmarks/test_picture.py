from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from benchmarks.picture import bars


def test_each_row_has_two_bars_as_long_as_its_values() -> None:
    text = bars([("bare", 10.0), ("ours", 5.0)], [("bare", 1.0), ("ours", 4.0)], ("rows", "cost"))
    ET.fromstring(text)  # noqa: S314  # our own
    widths = [float(one) for one in re.findall(r'width="([0-9.]+)" height="16"', text)]
    assert widths == [250.0, 125.0, 62.5, 250.0]
    assert [name in text for name in ("bare", "ours", "rows", "cost")] == [True] * 4
