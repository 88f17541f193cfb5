"""A line of the result file is one run, and what is read is what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.result import RESULT, read, write


def test_what_is_written_is_read(tmp_path: Path) -> None:
    result: dict[str, Any] = {
        "settings": {"messages": 2}, "missing": {}, "later": ["é"],
        "runs": [{"case": "bare", "repetition": 0}, {"case": "bare", "repetition": 1}],
        "memory": [], "row_path": [{"repetition": 0}], "crashes": [{"case": "dlt", "before": 1}],
    }  # fmt: skip
    write(result, tmp_path / "result.jsonl")
    assert read(tmp_path / "result.jsonl") == result


def test_each_line_of_the_kept_one_is_a_run_or_the_first() -> None:
    head, *lines = [json.loads(line) for line in RESULT.read_text("utf-8").splitlines()]
    assert {"settings", "versions", "machine"} <= head.keys()
    assert {line["part"] for line in lines} == {"runs", "memory", "row_path", "crashes"}
