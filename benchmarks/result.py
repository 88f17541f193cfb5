"""The result file: JSON lines, first what holds for all, then a line for each run with the part that it belongs to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULT = Path(__file__).with_name("result.jsonl")
_PARTS = ("runs", "memory", "row_path", "crashes")


def read(path: Path = RESULT) -> dict[str, Any]:
    """What was measured: settings, versions, machine, and a list of runs for each part."""
    head, *lines = map(json.loads, path.read_text("utf-8").splitlines())
    found: dict[str, Any] = {**head, **{part: [] for part in _PARTS}}
    for line in lines:
        found[line.pop("part")].append(line)
    return found


def write(result: dict[str, Any], path: Path = RESULT) -> None:
    """What :func:`read` will find."""
    head = {name: value for name, value in result.items() if name not in _PARTS}
    lines = [head, *({"part": part, **run} for part in _PARTS for run in result[part])]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
