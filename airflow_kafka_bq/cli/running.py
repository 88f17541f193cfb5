"""``run`` and ``replay``: a run with a progress bar, and its report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from airflow_kafka_bq.batch import Outcome, RunPlan
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.jobfile import JobFile, assemble, read
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run, silent


def run_job(session: Session, path: str, settings: tuple[str, ...]) -> None:
    """One run."""
    _run(session, read(path, settings))


def replay_job(
    session: Session, path: str, settings: tuple[str, ...], start: str, end: str, partitions: str | None
) -> None:
    """One isolated window."""
    chosen = None if partitions is None else _numbers(partitions)
    window = {"from": _end("--from", start), "to": _end("--to", end)}
    _run(session, read(path, settings, window=window, partitions=chosen))


def _end(name: str, text: str) -> Any:
    if not text.strip().startswith("{"):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: {text!r} is neither an ISO time nor offsets such as '{{0: 100}}'") from error


def _numbers(text: str) -> list[int]:
    try:
        return [int(one) for one in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"--partitions: {text!r} is no list of numbers such as 0,3") from error


def _run(session: Session, file: JobFile) -> None:
    with _bar(session) as progress:
        job = assemble(file, session.stop, progress)
        try:
            report = run(job)
        finally:
            job.source.close()
            job.warehouse.close()
    if report.outcome is Outcome.STOPPED:
        session.exit_code = session.interrupted()
    if session.as_json:
        session.print_json(report.to_json())
    else:
        _show(session, report)


@contextmanager
def _bar(session: Session) -> Iterator[Any]:
    """A progress callback; draws only on a terminal."""
    if not session.err.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=session.err, transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def draw(report: RunReport, plan: RunPlan) -> None:
            bar.update(task, description=report.topic, completed=report.messages, total=max(plan.lag, report.messages))

        yield draw


def _show(session: Session, report: RunReport) -> None:
    document = report.to_json()
    table = Table(title=f"{report.topic} → {report.table}", title_justify="left")
    for name in ("partition", "start", "end", "high watermark", "committed", "lag before", "lag after"):
        table.add_column(name, justify="right")
    for number, part in document["partitions"].items():
        cells = (part[name] for name in ("start", "end", "high_watermark", "committed", "lag_before", "lag_after"))
        table.add_row(number, *("-" if cell is None else str(cell) for cell in cells))
    session.out.print(table)
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.rows.items() if count)
    session.out.print(f"{report.messages:,} messages in {report.batches} batches: {counts or 'nothing to do'}")
    session.out.print(f"outcome: {report.outcome}; {document['seconds']['total']:.1f} s; group {report.group_id}")
    for gap in report.gaps:
        session.out.print(f"lost: partition {gap.partition}, offsets {gap.start_offset} to {gap.end_offset - 1}")
    if report.committed is False and report.outcome is not Outcome.STOPPED:
        session.out.print("the commit to Kafka had no answer: the rows are safe, the next run repairs the group")
    if report.unchecked:
        session.out.print(f"not checked, because the cluster cannot tell: {', '.join(report.unchecked)}")
