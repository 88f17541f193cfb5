"""Apply what is staged: one MERGE, then the commit, then the staging tables go."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from airflow_kafka_bq.batch import Applied, Kind, Portion, Staged
from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.pipeline.commit import commit
from airflow_kafka_bq.pipeline.head import Head, Spent
from airflow_kafka_bq.pipeline.isolate import find_bad
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.limits import BadMessages
from airflow_kafka_bq.pipeline.membership import held
from airflow_kafka_bq.pipeline.merge import LedgerMoved, Merger, MergeRejected, merge, spec_of, vanished
from airflow_kafka_bq.pipeline.portions import gathered, one_by_one, single
from airflow_kafka_bq.pipeline.reader import Prepared, restaged
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.stage import Stager, unexplained
from airflow_kafka_bq.ports import MergeSpec


@dataclass(frozen=True, slots=True)
class Work:
    """What one pass applies its batches with."""

    job: Job
    report: RunReport
    spent: Spent
    merger: Merger
    stager: Stager
    limits: BadMessages

    @property
    def live(self) -> bool:
        """Whether positions move."""
        return self.merger.plan.kind is Kind.LIVE


def portions(
    work: Work, batches: Iterator[Prepared], head: Head
) -> Generator[tuple[Portion, Prepared | None], None, None]:
    """What each MERGE applies, with the messages where they are still in memory.

    :raises BadMessagesError: the run has more bad messages than the job allows.
    """
    checked = _checked(work, batches)
    if work.job.config.merge_per == "batch":
        return one_by_one(checked)
    return gathered(checked, work.merger.target, lambda prepared: tried(work, prepared, head))


def _checked(work: Work, batches: Iterator[Prepared]) -> Iterator[Prepared]:
    for prepared in batches:
        work.limits.check(prepared.decoded, prepared.staged)
        yield prepared
        del prepared  # kept while the next is asked for, it would be a third batch in memory


def applied(work: Work, portion: Portion, prepared: Prepared | None, head: Head) -> Head:
    """Merge, then commit. A function of its own, so that no batch outlives its turn in memory.

    :raises LedgerMoved: another writer goes on from here; plan anew.
    """
    with held(work.job, portion.staged, head):
        final, head = _applied(work, portion, prepared, head)
    for staged in (final.staged, *final.leftovers):
        _drop(work.job, staged)
    return head


def _applied(work: Work, portion: Portion, prepared: Prepared | None, head: Head) -> tuple[Portion, Head]:
    job, report = work.job, work.report
    with report.timed("merge"):
        final, done = _merged(work, portion, prepared, head)
    report.applied(final, done)
    work.spent.size_bytes += final.size_bytes
    work.spent.letter = final.letter if job.letters else None
    if done.overtaken:
        raise LedgerMoved
    head = Head(head.after(final.staged), done.revision, final.staged.batch_id)
    if work.live and report.committed is not False:
        commit_head(job, report, head)
    elif work.live:
        work.spent.commit_due = True  # at the end of the run, once: each attempt costs its time limit
    return final, head


def _merged(work: Work, portion: Portion, prepared: Prepared | None, head: Head) -> tuple[Portion, Applied]:
    """Merge; where only the MERGE finds a row that BigQuery rejects, stage again without it."""
    positions = head.after(portion.staged) if work.live else None
    try:
        return portion, merge(work.merger, portion.staged, head.revision, positions)
    except MergeRejected as signal:
        if prepared is None:
            raise unexplained(signal.error) from signal
        try:
            bad = _rejected(work, signal.spec)
        except NotFoundError as error:  # another run of this batch was faster, and dropped what it had staged
            return portion, vanished(work.merger, signal.spec, error)
        if not bad:
            raise unexplained(signal.error) from signal
    again = _without(work, prepared, bad)
    try:
        return single(again, prepared.staged), merge(work.merger, again.staged, head.revision, positions)
    except MergeRejected as signal:
        raise unexplained(signal.error) from signal


def tried(work: Work, prepared: Prepared, head: Head) -> Prepared:
    """The batch without what the MERGE would reject, which is found here while its messages are in memory."""
    if not prepared.staged.rows:
        return prepared
    positions = head.after(prepared.staged) if work.live else None
    spec = spec_of(work.merger, prepared.staged, head.revision, positions)
    try:
        bad = _rejected(work, spec)
    except NotFoundError as error:
        vanished(work.merger, spec, error)
        raise LedgerMoved from error  # a run of just this batch was faster
    return _without(work, prepared, bad) if bad else prepared


def _rejected(work: Work, spec: MergeSpec) -> dict[int, str]:
    return find_bad(spec.staged.rows, lambda first, last: work.job.warehouse.probe(spec, first, last))


def _without(work: Work, prepared: Prepared, bad: dict[int, str]) -> Prepared:
    again = restaged(work.stager, prepared.raw, prepared.decoded, bad, "merge")
    work.limits.check(again.decoded, again.staged, counted=prepared.decoded)
    return again


def commit_head(job: Job, report: RunReport, head: Head) -> None:
    """Commit to Kafka what the ledger says, and note whether the coordinator took it."""
    report.committed = False  # until the coordinator says otherwise
    job.stop.check()
    with report.timed("commit"):
        confirmed = commit(job.source, head.positions, report.table, head.revision, head.batch_id)
    report.committed_to(head.positions, confirmed)


def _drop(job: Job, staged: Staged) -> None:
    for one in (*staged.rows_tables, *staged.dead_letters_tables):
        job.warehouse.drop(TableId.parse(one.table))
