"""Where a position is moved to, as a person writes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from airflow_kafka_bq.config import values, yaml_text
from airflow_kafka_bq.config.scalars import whole
from airflow_kafka_bq.exceptions import ConfigError

_PAIRS = re.compile(r"\s*\d+\s*:\s*\d+\s*(,\s*\d+\s*:\s*\d+\s*)*")
_TAKES = "earliest, latest, an ISO time, or offsets such as 0:123,1:456"


@dataclass(frozen=True, slots=True)
class Destination:
    """``earliest`` or ``latest`` of the log, the first message at or after a time, or an offset for each partition.

    :param partitions: only these move; None: all, or those that offsets name.
    """

    to: Literal["earliest", "latest"] | datetime | dict[int, int]
    partitions: tuple[int, ...] | None = None

    @classmethod
    def of(cls, to: Any, partitions: Any = None) -> Destination:
        """Validate what a person or a rendered template gives.

        :param to: text, a datetime, or a mapping of partition to offset. :param partitions: numbers, or text like 0,3.
        :raises ConfigError: neither of what it takes.
        """
        chosen = None if partitions is None else _numbers(partitions)
        found = _parsed(to)
        if isinstance(found, dict) and chosen is not None:
            raise ConfigError("offsets name their partitions: --partitions goes with earliest, latest or a time")
        return cls(found, chosen)

    @classmethod
    def asked(cls, to: Any, partitions: Any = None) -> Destination | None:
        """The same, where positions may stay as well.

        :raises ConfigError: neither of what it takes, or partitions without a destination.
        """
        if to is not None:
            return cls.of(to, partitions)
        if partitions is not None:
            raise ConfigError("--partitions says which partitions --to moves, and --to is missing")
        return None

    def __str__(self) -> str:
        if isinstance(self.to, dict):
            return ",".join(f"{part}:{offset}" for part, offset in sorted(self.to.items()))
        return self.to.isoformat() if isinstance(self.to, datetime) else self.to


def _parsed(to: Any) -> Literal["earliest", "latest"] | datetime | dict[int, int]:
    if isinstance(to, str):
        to = to.strip()
        if to == "earliest":
            return "earliest"
        if to == "latest":
            return "latest"
        to = offsets_written("--to", to, _TAKES)
    try:
        return dict(values.offsets(to)) if isinstance(to, dict) else values.moment(to)
    except ValueError as error:
        raise ConfigError(f"--to: {error}", remedy=f"--to takes {_TAKES}") from error


def check_wishes(
    topic: str, *, to: bool, accept_topic: bool, accept_target: bool, undo: bool, window: bool, fence: str
) -> None:
    """What may be asked of a seek, and of which job.

    :param to: whether a destination is given; so with ``undo``, and with ``window`` of the job.
    :raises ConfigError: the wishes contradict each other, or the job has no position.
    """
    wrong, remedy = None, None
    if window:
        wrong, remedy = "the job reads a window, which has no position", "leave window out of the job"
    elif fence == "none" and (accept_topic or accept_target):
        wrong = "fence='none': no ledger says which topic and table are meant, and there is nothing to accept"
    elif undo and (to or accept_topic or accept_target):
        wrong = "--undo takes back what its file tells of: --to, --accept-topic and --accept-target do not go with it"
    elif not (undo or to or accept_topic or accept_target):
        wrong, remedy = "nothing is asked for", "name --to, --accept-target or --undo"
    elif accept_topic and not to:
        wrong = "--accept-topic needs --to: offsets of the topic that was there before name other messages now"
        remedy = "--to earliest reads the new topic from its start"
    if wrong:
        raise ConfigError(wrong, topic=topic, remedy=remedy)


def offsets_written(option: str, text: str, takes: str) -> Any:
    """What is written as ``0:123,1:456`` or ``{0: 123, 1: 456}``, as a mapping not yet looked into; else the text.

    :param takes: what the option takes, for the remedy.
    :raises ConfigError: it begins like a mapping and is none, or names a partition twice.
    """
    text = text.strip()
    if _PAIRS.fullmatch(text):
        pairs = [one.split(":") for one in text.split(",")]
        if len({int(part) for part, _ in pairs}) < len(pairs):
            raise ConfigError(f"{option} {text!r} names a partition twice", remedy=f"{option} takes {takes}")
        return dict(pairs)
    if re.fullmatch(r"[\s\d:,+-]*:\s*-\s*\d+[\s\d:,+-]*", text):
        message = f"{option} {text!r}: an offset is a whole number from 0"
        raise ConfigError(message, remedy=f"{option} takes {takes}")
    if not text.startswith("{"):
        return text
    try:
        return yaml_text.parsed(text)
    except yaml_text.YamlError as error:
        message = f"{option} {text!r} is no mapping of partition to offset: {error}"
        raise ConfigError(message, remedy=f"{option} takes {takes}") from error


def _numbers(given: Sequence[Any] | str) -> tuple[int, ...]:
    try:
        found = tuple(whole(one) for one in (given.split(",") if isinstance(given, str) else given))
    except ValueError as error:
        raise ConfigError(f"--partitions: {given!r} is no list of numbers such as 0,3") from error
    if not found:
        raise ConfigError("--partitions names no partition")
    return found
