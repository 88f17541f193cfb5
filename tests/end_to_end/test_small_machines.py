"""Machines with too little of something: memory, disk, a place for temporary files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.altered import Altered
from tests.end_to_end.pipe import ROOT, Pipe
from tests.end_to_end.promise import kept, restored

PipeFactory = Callable[..., Pipe]
NOWHERE = {name: "/proc/no-such-folder" for name in ("TMPDIR", "TEMP", "TMP", "HOME")}


@pytest.mark.fault("A9")
def test_a_run_needs_no_disk(pipe: PipeFactory) -> None:
    """A batch that is larger than any file may be, and no folder for temporary ones: batches stay in memory."""
    made = pipe(partitions=1, max_bad_ratio=None)
    sent = made.produce([{"n": number, "text": os.urandom(100_000).hex()} for number in range(20)] + [b"{poison"])
    report = Altered(file_bytes=16_384, variables=NOWHERE).run(made)
    assert report.get("outcome") == "end", report
    kept(made, sent, sent[-1:])


@pytest.mark.fault("A9")
@pytest.mark.parametrize(
    ("full", "how"),
    [
        ("stdout", ["--json"]),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("stdout", []), ("stderr", ["--json"]))),
    ],
)
def test_a_full_disk_behind_the_output_loses_no_row(pipe: PipeFactory, full: str, how: list[str]) -> None:
    """Report or log cannot be written: what was applied is applied; without its report a run is no success."""
    made = pipe(partitions=1)
    sent = made.produce([{"n": number} for number in range(4)])
    arguments = [sys.executable, "-m", "airflow_kafka_bq", "run", str(made.path), "--verbose", *how]
    with Path("/dev/full").open("w") as disk:
        streams: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {full: disk}
        done = subprocess.run(
            arguments, text=True, timeout=60, cwd=made.folder, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
            **streams,
        )  # fmt: skip
    if full == "stderr":
        assert done.returncode == 0
        assert json.loads(done.stdout)["outcome"] == "end"
    else:
        assert done.returncode == 3
        assert "The result cannot be written: [Errno 28] No space left on device" in done.stderr
        assert "Traceback" not in done.stderr
    restored(made, sent)


@pytest.mark.fault("K14")
@pytest.mark.kill
@pytest.mark.parametrize(
    "spare", [64, *(pytest.param(more, marks=pytest.mark.slow) for more in (16, 32, 128, 192, 256))]
)
def test_a_run_that_is_out_of_memory_leaves_no_trace(pipe: PipeFactory, spare: int) -> None:
    """Large messages and a small limit: it dies, or fails, at whatever comes first; nothing is committed by the way."""
    made = pipe(partitions=2, batch_messages=30)
    sent = made.produce([{"n": number, "text": os.urandom(400_000).hex()} for number in range(80)])
    child = Altered(spare_mebibytes=spare).start(made)
    child.process.join(60)
    if child.process.is_alive():  # a thread of the client died, and with it who would have ended the run
        child.process.kill()
        child.process.join()
    ended = child.process.exitcode == 0 and json.loads(child.result.read_text())
    if not (ended and ended.get("outcome") == "end"):
        tables = made.tables()
        ledger = made.ledger() if "target__ledger" in tables and made.query(_rows(made)) else {}
        for partition, offset in made.committed().items():
            assert offset <= ledger.get(partition, 0)
    restored(made, sent)


def _rows(made: Pipe) -> str:
    return f"SELECT 1 FROM {made.name('__ledger')} WHERE pipeline != '*'"
