"""One MERGE for all batches of a run, on a real broker and the local BigQuery."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


@pytest.mark.kafka
@pytest.mark.bigquery
def test_batches_of_a_run_are_merged_at_once(pipe: PipeFactory) -> None:
    made = pipe(merge_per="run", batch_messages=3)
    made.produce_ten()
    done = made.command("run", str(made.path), "--json")
    report = json.loads(done.stdout)
    assert (report["messages"], report["rows"]["inserted"], report["committed"]) == (10, 10, True)
    assert report["batches"] > 2
    merges = [job for job in report["jobs"] if "merge" in job]
    assert len(merges) == 1
    assert len(report["jobs"]) == report["batches"] + 1
    (batch,) = made.history()
    assert (batch["messages"], batch["rows_staged"], batch["merge_job_id"]) == (10, 10, merges[0])
    assert [name for name in made.tables() if "__stg_" in name] == []
