"""What a run asks of BigQuery, counted at the strict front: jobs of a run, of each slice, and of each batch in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.slices import merge_slices, plan_slices, stage_slice
from airflow_kafka_bq.pipeline.stopping import Stop
from benchmarks.scale_out.ground import PROJECT, Ground

_BATCH = 1_000
_PARTITIONS = 4
Counts = Mapping[str, int]


def counted(ground: Ground) -> dict[str, Counts]:
    """Jobs by kind, the tables being there: of a run that finds nothing to read, of one that finds a batch, and of each
    batch more; of a run in slices (plan and merge), of each slice, and of each batch in a slice.

    A job of kind ``merge`` is the dry run: it reads nothing and costs nothing.
    """
    nothing, one, three = (_whole(ground, batches) for batches in (0, 1, 3))
    batch = _over(three, one, 2)
    ends, slice_of_one = _sliced(ground, 1)
    _, slice_of_three = _sliced(ground, 3)
    more = _over(slice_of_three, slice_of_one, 2)
    return {
        "nothing_to_read": nothing,
        "run": one - batch,
        "batch": batch,
        "sliced_run": ends,
        "slice": slice_of_one - more,
        "batch_in_a_slice": more,
    }


def _whole(ground: Ground, batches: int) -> Counter[str]:
    path = _job(ground, _BATCH * (1 + batches))
    with _assembled(path, max_messages=_BATCH) as job:
        run(job)
    with _assembled(path) as job, _counting(ground) as found:
        run(job)
    return found


def _sliced(ground: Ground, batches: int) -> tuple[Counter[str], Counter[str]]:
    """Of plan and merge; of the last slice, with so many batches."""
    path, done, staging = _job(ground, _PARTITIONS * batches * _BATCH), [], []
    with _assembled(path) as job:
        plan_slices(job, _PARTITIONS)  # makes the tables
    with _assembled(path) as job, _counting(ground) as ends:
        slices = plan_slices(job, _PARTITIONS)
    for one in slices:
        with _assembled(path) as job, _counting(ground) as found:
            done.append(stage_slice(job, one))
            staging.append(found)
    with _assembled(path) as job, _counting(ground) as end:
        merge_slices(job, done)
    return ends + end, staging[-1]


def _job(ground: Ground, messages: int) -> Path:
    topic, table = ground.topic(messages), ground.table().partition(".")[2]
    path = ground.folder / f"{topic}.yaml"
    job = {
        "topic": topic,
        "table": table,
        "model": "benchmarks.orders:Order",
        "batch_messages": _BATCH,
        "kafka": {"bootstrap.servers": ground.bootstrap},
        "bigquery": {"project": PROJECT, "api_endpoint": ground.bigquery.url},
    }
    path.write_text(yaml.safe_dump(job))
    return path


@contextmanager
def _assembled(path: Path, **settings: Any) -> Iterator[Job]:
    said = tuple(f"{name}={value}" for name, value in settings.items())
    job = jobfile.assemble(jobfile.read(path, said), Stop())
    try:
        yield job
    finally:
        assembly.close(job)


@contextmanager
def _counting(ground: Ground) -> Iterator[Counter[str]]:
    found: Counter[str] = Counter()
    ground.bigquery.faults.forget_calls()
    yield found
    found.update(str(call["kind"]) for call in ground.bigquery.faults.calls("jobs.insert"))


def _over(more: Counter[str], less: Counter[str], steps: int) -> Counter[str]:
    return Counter({kind: (more[kind] - less[kind]) // steps for kind in {*more, *less}})
