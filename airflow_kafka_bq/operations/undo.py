"""Undo files: where pipelines stood before somebody moved them, written before the first of them moves."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from airflow_kafka_bq.batch import Committed, Position
from airflow_kafka_bq.config import messages
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operations.placing import Standing, offsets_of
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.seen import Seen

log = logging.getLogger(__name__)

_NO_NAME = re.compile(r"[^\w.-]+")


class _At(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    next_offset: int
    leader_epoch: int | None = None
    metadata: str = ""

    @classmethod
    def of(cls, at: Position, metadata: str = "") -> Self:
        return cls(next_offset=at.next_offset, leader_epoch=at.leader_epoch, metadata=metadata)

    @property
    def position(self) -> Position:
        return Position(self.next_offset, self.leader_epoch)


class Stood(BaseModel):
    """One pipeline before it was moved. No positions: nothing was known of it.

    :param moved_to: the positions it was moved to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str
    table: str
    group_id: str
    positions: dict[int, _At]
    topic_id: str | None = None
    target_created_at: str | None = None
    moved_to: dict[int, int]

    @classmethod
    def of(cls, topic: str, table: str, group_id: str, before: Standing, moved_to: Mapping[int, int]) -> Self:
        """As it stands now."""
        return cls(
            topic=topic, table=table, group_id=group_id,
            positions={part: _At.of(at) for part, at in sorted(before.positions.items())},
            topic_id=before.topic_id, target_created_at=before.target_created_at, moved_to=dict(moved_to),
        )  # fmt: skip

    @property
    def standing(self) -> Standing:
        """To stand there again."""
        positions = {part: at.position for part, at in self.positions.items()}
        return Standing(positions, self.topic_id, self.target_created_at)


class Undo(BaseModel):
    """What takes a command back.

    :param old_group: a group that was deleted, and what it held: topic, partition, offset.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: str
    jobs: tuple[Stood, ...] = ()
    old_group_id: str | None = None
    old_group: dict[str, dict[int, _At]] = {}

    def job(self, command: str, topic: str, table: str) -> Stood:
        """A job's part. :raises ConfigError: the file is another command's, or has none of this job."""
        if self.command != command:
            message = f"the undo file takes back {self.command}, not {command}"
            raise ConfigError(message, remedy=f"kafka-bq {self.command} --undo FILE")
        found = [one for one in self.jobs if (one.topic, one.table) == (topic, table)]
        if not found:
            there = ", ".join(f"{one.topic} → {one.table}" for one in self.jobs) or "none"
            raise ConfigError(f"the undo file is not of {topic} → {table}, but of {there}", topic=topic)
        return found[0]

    def holding(self, group_id: str, topic: str, held: Mapping[int, Committed]) -> Undo:
        """With what a group that is about to be deleted holds for a topic."""
        kept = {part: _At.of(one.position, one.metadata) for part, one in sorted(held.items())}
        return self.model_copy(update={"old_group_id": group_id, "old_group": {**self.old_group, topic: kept}})

    def held(self, topic: str) -> dict[int, Committed]:
        """What the deleted group held."""
        return {part: Committed(at.position, at.metadata) for part, at in self.old_group.get(topic, {}).items()}


_NAMED = "name the file that the command printed when it moved the position: *.undo.json"


def read(path: str | Path) -> Undo:
    """:raises ConfigError: there is no such file, or it is no undo file."""
    try:
        return Undo.model_validate_json(Path(path).read_text("utf-8"))
    except ValidationError as error:
        raise ConfigError(f"{path} is no undo file: {messages.readable(error)}", remedy=_NAMED) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"the undo file {path} cannot be read: {error}", remedy=_NAMED) from error


def of(given: str | Mapping[str, Any]) -> Undo:
    """An undo file by its path, or what one holds: as it is, or as the text of it.

    :raises ConfigError: it is none.
    """
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        return read(given)
    try:
        return Undo.model_validate_json(given) if isinstance(given, str) else Undo.model_validate(given)
    except ValidationError as error:
        raise ConfigError(f"undo: what is given is no undo file: {messages.readable(error)}") from error


def write(path: Path, undo: Undo) -> None:
    """Keep it, whole or not at all. :raises ConfigError: it cannot be written; nothing was moved yet."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            json.dump(undo.model_dump(mode="json"), file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        message = f"the undo file {path} cannot be written: {error}; nothing was moved"
        raise ConfigError(message, remedy="name another one with --undo-file") from error


def kept(path: Path, stood: Stood, undo: Undo) -> Undo:
    """The file as it will be, with one more job: what it has of others stays.

    :raises ConfigError: the path holds another command's file, or something else.
    """
    if not path.exists():
        return undo.model_copy(update={"jobs": (stood,)})
    there = read(path)
    if there.command != undo.command:
        raise ConfigError(f"{path} takes back {there.command} and is kept", remedy="name another one with --undo-file")
    others = tuple(one for one in there.jobs if (one.topic, one.table) != (stood.topic, stood.table))
    return there.model_copy(update={"jobs": (*others, stood)})


def keep(path: Path, job: Job, seen: Seen, wanted: Standing, undo: Undo) -> Undo:
    """Write down where a job stands before it is moved, beside what the file tells of other jobs."""
    table, moved_to = job.target.table, offsets_of(wanted.positions)
    stood = Stood.of(job.config.topic, str(table), job.config.group(table), Standing.of(seen), moved_to)
    after = kept(path, stood, undo)
    write(path, after)
    if job.context.run_id is not None:  # a worker's disk may go with the worker, before the task can return it
        log.info("undo file %s: %s", path, after.model_dump_json())
    return after


def file_name(*parts: object) -> Path:
    """``orders.seek-17.undo.json``, in the current folder."""
    return Path(".".join(_NO_NAME.sub("_", str(part)) for part in (*parts, "undo", "json")))
