"""Migrate: positions of an old consumer group, which several topics may have shared, to the groups of their jobs.

What the old consumers committed becomes the position in ledger and group. Where the table holds their rows already, the
position may rest on the highest coordinates in it instead. Nothing is read, and the old group is only looked at, until
it is deleted on request, behind a check that every job has its position.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.exceptions import AccessDeniedError, ConfigError, GroupInUseError
from airflow_kafka_bq.operations import undo as undos
from airflow_kafka_bq.operations.inheritance import Inheritance, inherited
from airflow_kafka_bq.operations.placing import Standing, alone, offsets_of, put
from airflow_kafka_bq.operations.seek import before_again
from airflow_kafka_bq.operations.undo import Undo
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.plan import check_identity, look
from airflow_kafka_bq.ports import Source

COMMAND = "migrate-group"


@dataclass(frozen=True, slots=True)
class Migration:
    """What a person asks for.

    :param from_group: the old group. :param adopt: the table has rows, and no ledger knows of them.
    :param delete_old: delete the old group once every job has its position.
    """

    from_group: str
    adopt: bool = False
    delete_old: bool = False

    def check(self, jobs: Sequence[Job]) -> None:
        """:raises ConfigError: it is a job's own group, a job reads a window, or two are one pipeline."""
        if not self.from_group.strip():
            raise ConfigError("the old group has no name", remedy="name it with --from-group")
        for job in jobs:
            if job.config.window:
                raise ConfigError("the job reads a window, which has no position", topic=job.config.topic)
            if job.config.group(job.target.table) == self.from_group:
                message = f"{self.from_group} is this job's own group: there is nothing to migrate"
                raise ConfigError(message, topic=job.config.topic, remedy="leave group_id out of the job")
        pairs = [(job.config.topic, str(job.target.table)) for job in jobs]
        if len(set(pairs)) < len(pairs):
            raise ConfigError("two of the jobs move the same topic into the same table", remedy="name each job once")


def migrate(
    jobs: Sequence[Job], wish: Migration, *, dry_run: bool = False, undo_file: Path | None = None
) -> dict[str, Any]:
    """Give every job the old group's position; what the dry run tells is what is done.

    1. Look at the old group, and at ledger, group and table of every job; refuse before anything moves. 2. Write the
    undo file. 3. Move the jobs one by one, see ``placing``; one that has its position already is left alone, so that a
    half-done migration is finished by running it again. 4. Look at every job again. 5. Delete the old group, if asked.

    :param undo_file: None: a name made of the old group, in the current folder.
    :raises ConfigError: a wish or the undo file is wrong. :raises GroupInUseError: a group has members.
    :raises PositionConflictError: a job has a position of its own, or its table has rows and nothing is adopted.
    :raises OffsetGapError, TopicChangedError: the old position is out of the log. :raises NotFoundError: there is none.
    :raises AccessDeniedError: the old group is to be deleted, and the login may not.
    """
    wish.check(jobs)
    path = undo_file or undos.file_name(wish.from_group, COMMAND)
    before = undos.read(path) if path.exists() else Undo(command=COMMAND)
    found = [_inherits(job, wish, before) for job in jobs]
    if wish.delete_old:
        _check_deletable(jobs, found, wish)
    moves = [(job, one) for job, one in zip(jobs, found, strict=True) if one.state == "to move"]
    document = _document(wish, found, dry_run=dry_run)
    if dry_run:
        return document
    for job, one in moves:
        before = undos.keep(path, job, one.seen, one.wanted, before)
    for job, one in zip(jobs, found, strict=True):
        job.stop.check()
        if one.state != "read on":
            done = put(job, one.seen, one.wanted, COMMAND)
            one.document.update(revision=done.revision, committed=done.committed)
    document["undo_file"] = str(path) if moves or wish.delete_old else None
    if wish.delete_old:
        document["old_group"] = _deleted(jobs, found, wish, before, path)
    return document


def take_back(jobs: Sequence[Job], undo: Undo, *, dry_run: bool = False) -> dict[str, Any]:
    """Let every job stand where it stood before; a group that was deleted gets its offsets again, first of all.

    :raises PositionConflictError: a job has read on since: both consumers would read that.
    :raises ConfigError: the file is another command's, or has none of a job.
    """
    work = []
    for job in jobs:
        seen = alone(job)
        stood = undo.job(COMMAND, job.config.topic, str(job.target.table))
        work.append((job, seen, stood, before_again(job, seen, stood)))
    told = [
        {"topic": stood.topic, "table": stood.table, "group_id": stood.group_id,
         "before": offsets_of(Standing.of(seen).positions), "after": offsets_of(wanted.positions)}
        for _, seen, stood, wanted in work
    ]  # fmt: skip
    if not dry_run:
        for job, _, _, _ in work:
            _restore(job, undo)
        for job, seen, _, wanted in work:
            put(job, seen, wanted, f"{COMMAND} --undo")
    return {"dry_run": dry_run, "undone": told, "old_group_id": undo.old_group_id}


def _old(job: Job, group_id: str) -> Source:
    assert job.source_of is not None  # noqa: S101  # of every assembled job
    return job.source_of(group_id)


def _inherits(job: Job, wish: Migration, before: Undo) -> Inheritance:
    """All that a job's new position rests on, looked at and checked."""
    with closing(_old(job, wish.from_group)) as old:
        facts, held = old.group(), dict(old.committed())
        if not held and before.old_group_id == wish.from_group:  # it was deleted by this command
            held = before.held(job.config.topic)
    if facts.members:
        names = ", ".join(f"{one.client_id} at {one.host}" for one in facts.members)
        raise GroupInUseError(
            f"the old group has live members, which would read on: {names}", topic=job.config.topic,
            group_id=wish.from_group, remedy="stop the old consumers first",
        )  # fmt: skip
    seen = alone(job)
    check_identity(job.config, job.target, seen)
    return inherited(job, seen, wish.from_group, held, facts, adopt=wish.adopt)


def _deleted(jobs: Sequence[Job], found: Sequence[Inheritance], wish: Migration, before: Undo, path: Path) -> str:
    """What became of the old group."""
    for job, one in zip(jobs, found, strict=True):
        row = look(job.config, job.source, job.warehouse, job.target)
        at = offsets_of(Standing.of(row).positions)
        stands = all(at.get(part, -1) >= offset for part, offset in offsets_of(one.wanted.positions).items())
        if not stands or one.document["committed"] is False:
            return "kept: not every job has its position in ledger and group; run it again"
    for one in found:
        before = before.holding(wish.from_group, one.document["topic"], one.held)
    undos.write(path, before)
    with closing(_old(jobs[0], wish.from_group)) as old:
        old.delete_group()
    return "deleted"


def _check_deletable(jobs: Sequence[Job], found: Sequence[Inheritance], wish: Migration) -> None:
    """Ask before anything moves: a refusal behind it would leave jobs that stand, and a command that failed.

    :raises GroupInUseError: it has positions of topics that no job takes over, or nobody can tell.
    :raises AccessDeniedError: the brokers say that this login may not.
    """
    others = {name for one in found for name in one.others} - {job.config.topic for job in jobs}
    unknown = any("group_topics" in one.document["unchecked"] for one in found)
    if others or unknown:
        what = f"it has positions for {', '.join(sorted(others))} too" if others else "its topics cannot be told"
        raise GroupInUseError(
            f"the old group is not deleted: {what}", group_id=wish.from_group,
            remedy="name the jobs of all its topics in one command, or keep it",
        )  # fmt: skip
    with closing(_old(jobs[0], wish.from_group)) as old:
        rights = old.permitted().group
    if rights is not None and "DELETE" not in rights:
        acl = f"kafka-acls --add --allow-principal User:… --operation Delete --group {wish.from_group}"
        raise AccessDeniedError(
            f"the login lacks DELETE on the old group {wish.from_group}: it could not be deleted; nothing was moved",
            group_id=wish.from_group, remedy=f"{acl}; or leave --delete-old (delete_old) out, and keep it",
        )  # fmt: skip


def _restore(job: Job, undo: Undo) -> None:
    """The deleted group's offsets for a topic, with the texts that stood beside them."""
    held = undo.held(job.config.topic)
    if undo.old_group_id is None or not held:
        return
    with closing(_old(job, undo.old_group_id)) as old:
        there = old.committed()  # a restore that was killed half way has some of them
        for text in sorted({one.metadata for one in held.values()}):
            mine: dict[int, Position] = {
                part: one.position for part, one in held.items() if one.metadata == text and part not in there
            }
            old.commit(mine, text)


def _document(wish: Migration, found: Sequence[Inheritance], *, dry_run: bool) -> dict[str, Any]:
    return {
        "from_group": wish.from_group,
        "dry_run": dry_run,
        "adopt": wish.adopt,
        "old_group": "would be deleted" if wish.delete_old else "kept",
        "jobs": [one.document for one in found],
        "undo_file": None,
    }
