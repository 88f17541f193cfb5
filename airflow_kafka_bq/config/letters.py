"""Which dead letters a redrive takes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from airflow_kafka_bq.config import messages, values
from airflow_kafka_bq.config.messages import Refusal
from airflow_kafka_bq.config.scalars import Positive, Text, names_list
from airflow_kafka_bq.exceptions import ConfigError

if TYPE_CHECKING:
    from airflow_kafka_bq.config.job import JobConfig

STAGES = ("decode", "registry", "validate", "transform", "key", "tombstone", "load", "merge")
"""Where a message can fail."""
LOST = "lost"
"""Stage of a range that Kafka no longer had: there is no message in it."""


def _moment(value: Any) -> datetime:
    try:
        return values.moment(value)
    except ValueError:
        msg = "must be an ISO time such as 2026-01-31T06:00:00+00:00"
        raise ValueError(msg) from None


def _stage(value: Any) -> Any:
    if value == LOST:
        msg = f"{LOST!r} is a range that Kafka no longer had: there is no message to redrive"
        raise ValueError(msg)
    if value not in STAGES:
        msg = f"must be one of {', '.join(STAGES)}"
        raise ValueError(msg)
    return value


Moment = Annotated[datetime, BeforeValidator(_moment)]
Reasons = Annotated[tuple[Text, ...], BeforeValidator(names_list)]
Stages = Annotated[tuple[Annotated[str, BeforeValidator(_stage)], ...], BeforeValidator(names_list)]


class LetterSelection(BaseModel):
    """Dead letters that were not redriven since they failed last; each given field leaves some out.

    :param since: they failed at this time or later. :param until: they failed before this time.
    :param reason: one of these reasons. :param stage: one of these stages; never ``lost``.
    :param limit: as many messages at most, the oldest messages first.
    """

    # Only a redrive needs it, and every run and every DAG file would pay for what is built.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    since: Moment | None = None
    until: Moment | None = None
    reason: Reasons = ()
    stage: Stages = ()
    limit: Positive | None = None

    @classmethod
    def of(cls, **parameters: Any) -> Self:
        """Validate.

        :raises ConfigError: names the parameter, its value and what it takes.
        """
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            raise ConfigError(messages.readable(error), remedy=messages.remedy(error)) from error

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise Refusal(f"since ({self.since}) does not lie before until ({self.until}): nothing would be redriven")
        return self


def check_redrivable(fence: str, topic: str, window: object = None) -> None:
    """Letters are chosen by when and why they failed: a window would choose nothing.

    :raises ConfigError: the job reads one, or keeps no ledger: nothing else keeps a redrive apart from the live task.
    """
    if fence == "none":
        raise ConfigError(
            "fence='none' cannot keep a redrive apart from the live task", topic=topic,
            remedy="use fence='ledger', or read the messages again with start",
        )  # fmt: skip
    if window is not None:
        raise ConfigError(
            "the job reads a window, and a redrive takes its messages from the dead-letter table", topic=topic,
            remedy="leave window out; since, until, stage, reason and limit choose letters",
        )  # fmt: skip


def check_copies(job: JobConfig) -> None:
    """:raises Refusal: copies that would be read as messages again, or that can never be made."""
    if job.dead_letter_topic is None:
        return
    if job.on_bad_message == "fail":
        raise Refusal(
            f"dead_letter_topic={job.dead_letter_topic!r} means nothing with on_bad_message='fail': "
            "there are no dead letters",
            "leave one of the two out",
        )
    if job.dead_letter_topic == job.topic:
        raise Refusal(
            f"dead_letter_topic={job.dead_letter_topic!r} is the topic that is read: "
            "each copy would be read, and be a dead letter again",
            "name another topic",
        )
