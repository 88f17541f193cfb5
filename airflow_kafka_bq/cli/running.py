"""``run`` and ``replay``, and what a redrive shares with them: a run with a progress bar, and its report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow_kafka_bq import assembly
from airflow_kafka_bq.batch import Outcome, RunPlan
from airflow_kafka_bq.cli.profile import profile, show_profile
from airflow_kafka_bq.cli.session import Session
from airflow_kafka_bq.cli.tables import count, show
from airflow_kafka_bq.config.destination import offsets_written
from airflow_kafka_bq.config.values import Window, window
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.jobfile import JobFile, assemble
from airflow_kafka_bq.pipeline.copied import LetterCopies
from airflow_kafka_bq.pipeline.job import Job, silent
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.runner import run

_TAKES = "an ISO time, or offsets such as 0:100,1:0"
_BAR_NAME_LETTERS = 30  # the rest of 80 columns is for bar, numbers and time


def run_job(session: Session, path: str, settings: tuple[str, ...], *, profiled: bool = False) -> None:
    """One run; with where its time went, if that is asked for."""
    run_file(session, session.read(path, settings), profiled=profiled)


def replay_job(
    session: Session, path: str, settings: tuple[str, ...], start: str, end: str, partitions: str | None,
    dry_run: bool = False,
) -> None:  # fmt: skip
    """One isolated window; or what it would read and cost."""
    chosen = None if partitions is None else _numbers(partitions)
    file = session.read(path, settings, window=_window(start, end), partitions=chosen)
    if dry_run:
        from airflow_kafka_bq.cli.looking import plan_file  # no other run looks

        plan_file(session, file)
    else:
        run_file(session, file)


def _window(start: str, end: str) -> Window:
    """Checked here, so that a mistake is told of the options and not of the job file."""
    ends = {name: offsets_written(f"--{name}", text, _TAKES) for name, text in (("from", start), ("to", end))}
    try:
        return window(ends)
    except ValueError as error:
        remedy = getattr(error, "remedy", None) or f"--from and --to take {_TAKES}"
        given = f" (given: --from {start!r} --to {end!r})"
        raise ConfigError(_of_options(f"{error}{given}"), remedy=_of_options(remedy)) from error


def _of_options(text: str) -> str:
    return text.replace("'from'", "--from").replace("'to'", "--to")


def _numbers(text: str) -> list[int]:
    try:
        return [int(one) for one in text.split(",")]
    except ValueError as error:
        message = f"--partitions: {text!r} is no list of numbers such as 0,3"
        raise ConfigError(message, remedy="name partitions, or leave --partitions out") from error


def run_file(
    session: Session, file: JobFile, using: Callable[[Job], RunReport] | None = None, *, profiled: bool = False
) -> None:
    """Run the job of a file, and show its report.

    :param using: what is done with the job; None: an ordinary run.
    :param profiled: show where the time went.
    """
    cpu_seconds = time.process_time()
    with _bar(session) as progress:
        job = assemble(file, session.stop, progress)
        try:
            report = (using or run)(job)
        finally:
            assembly.close(job)
    if report.outcome is Outcome.STOPPED:
        session.exit_code = session.interrupted()
    cpu_seconds = time.process_time() - cpu_seconds
    if session.as_json:
        session.print_json(report.to_json() | ({"profile": profile(report, cpu_seconds)} if profiled else {}))
        return
    _show(session, report)
    if profiled:
        show_profile(session, report, cpu_seconds)


@contextmanager
def _bar(session: Session) -> Iterator[Any]:
    """A progress callback; draws only on a terminal, whatever FORCE_COLOR says."""
    if not session.err.file.isatty():
        yield silent
        return
    # Tasks and schedulers have no terminal, and a run without messages is over before these are imported.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=session.err, transient=True) as bar:
        task = bar.add_task("planning", total=None)

        def draw(report: RunReport, plan: RunPlan) -> None:
            name = report.topic
            if len(name) > _BAR_NAME_LETTERS:
                name = f"{name[: _BAR_NAME_LETTERS - 1]}…"
            bar.update(task, description=name, completed=report.messages, total=max(plan.lag, report.messages))

        yield draw


def _show(session: Session, report: RunReport) -> None:
    document = report.to_json()
    session.say(f"{report.topic} → {report.table}")
    names = ("start", "end", "lag before", "lag after", "committed")
    rows = (
        [number, *(part[name.replace(" ", "_")] for name in names)] for number, part in document["partitions"].items()
    )
    if report.partitions:  # a redrive reads none
        show(session, ["partition", *names], rows)
    counts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in report.rows.items() if number)
    read = f"{count(report.messages, 'message')} in {count(report.batches, 'batch', 'batches')}"
    session.say(f"{read}: {counts or 'nothing to do'}")
    session.say(f"outcome: {report.outcome}; {document['seconds']['total']:.1f} s; group {report.group_id}")
    if report.isolated:
        session.say(f"{count(report.rows['inserted'], 'row')} of the window {_were(report)} missing before")
    for gap in report.gaps:
        session.say(f"lost: partition {gap.partition}, offsets {gap.start_offset} to {gap.end_offset - 1}")
    if report.committed is False and report.outcome is not Outcome.STOPPED:
        session.say("the commit to Kafka had no answer: the rows are safe, the next run repairs the group")
    if report.copies is not None and (report.copies.copied or report.copies.waiting):
        session.say(_copied(report.copies))
    if report.unchecked:
        session.say(f"not checked, because the cluster cannot tell: {', '.join(report.unchecked)}")


def _were(report: RunReport) -> str:
    return "was" if report.rows["inserted"] == 1 else "were"


def _copied(copies: LetterCopies) -> str:
    done = f"copied {count(copies.copied, 'dead letter')} to {copies.topic}"
    left = f"; {copies.waiting:,} wait for their copy, the next run makes it" if copies.waiting else ""
    return f"{done}{left}{f': {copies.error}' if copies.error else ''}"
