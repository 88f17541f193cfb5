"""Names for a batch's things, made of its content: doing it twice is doing it once.

A name made of (pipeline, revision, attempt) is not enough: a run that dies between load and MERGE, and a next run that
reads further, would attach to the older, shorter staging. A name made of the ranges alone is not enough either: after
compaction, or with another version of a library, the same ranges hold other rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from airflow_kafka_bq.batch import OffsetRange, RunPlan


def batch_id(plan: RunPlan, ranges: Iterable[OffsetRange], fingerprint: str, *digests: str) -> str:
    """20 hex digits: pipeline, topic id, ranges, settings and code, and the rows themselves by their digests."""
    parts = [
        plan.pipeline,
        plan.facts.topic_id,
        plan.kind,
        sorted((one.partition, one.start_offset, one.end_offset) for one in ranges),
        fingerprint,
        list(digests),
    ]
    return name_of(parts)


def load_job(batch: str, part: str, attempt: int) -> str:
    """Id of a load job."""
    return f"kafka-bq-load-{batch}-{part}-{attempt}"


def merge_job(batch: str, revision: int | None, attempt: int) -> str:
    """Id of a merge job."""
    return f"kafka-bq-merge-{batch}-{'x' if revision is None else revision}-{attempt}"


def together_id(batch_ids: Iterable[str]) -> str:
    """20 hex digits: the batches that one MERGE applies, in their order."""
    return name_of(["together", *batch_ids])


def name_of(parts: list[Any]) -> str:
    """20 hex digits of what JSON has of these."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]
