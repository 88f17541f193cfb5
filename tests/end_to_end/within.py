"""A run in the test's own process: nothing dies here, and starting one takes no time."""

from __future__ import annotations

from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.stopping import Stop
from tests.end_to_end.pipe import Pipe


def ran(made: Pipe, *settings: str) -> RunReport:
    """One run of the job file, with ``key=value`` settings. :raises IngestError: it failed."""
    job = jobfile.assemble(jobfile.read(made.path, settings), Stop())
    try:
        return run(job)
    finally:
        assembly.close(job)
