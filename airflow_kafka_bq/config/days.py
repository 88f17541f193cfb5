"""Which part of a table an audit or a repair looks at."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from airflow_kafka_bq.config import messages
from airflow_kafka_bq.config.letters import Moment
from airflow_kafka_bq.config.messages import Refusal
from airflow_kafka_bq.exceptions import ConfigError

BACKUP_DAYS = 30
_MOST_DAYS = 365_000


def days_kept(name: str, given: Any) -> float:
    """For how long a backup is kept.

    :param name: of the parameter or option. :param given: a number of days, or its text.
    :raises ConfigError: it is none greater than 0.
    """
    try:
        days = float(given)
    except (TypeError, ValueError):
        days = 0.0
    if not 0 < days <= _MOST_DAYS:
        raise ConfigError(f"{name}: {given} is no number of days greater than 0")
    return days


class Between(BaseModel):
    """Rows of a table by the column that it is partitioned by, half-open. Nothing given: the whole table.

    :param since: the column is this time or later. :param until: it is before this time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Moment | None = None
    until: Moment | None = None

    @classmethod
    def of(cls, since: datetime | str | None = None, until: datetime | str | None = None) -> Self:
        """Validate.

        :raises ConfigError: names the parameter, its value and what it takes.
        """
        try:
            return cls.model_validate({"since": since, "until": until})
        except ValidationError as error:
            raise ConfigError(messages.readable(error), remedy=messages.remedy(error)) from error

    @property
    def everything(self) -> bool:
        """Whether no row is left out."""
        return self.since is None and self.until is None

    def to_json(self) -> dict[str, Any]:
        """As reports show it."""
        return {
            "from": self.since.isoformat() if self.since else None,
            "to": self.until.isoformat() if self.until else None,
        }

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise Refusal(f"since ({self.since}) does not lie before until ({self.until}): no row lies between them")
        return self
