"""``MigrateConsumerGroupOperator``: a job takes an old consumer group's position over, as a task."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

from airflow_kafka_bq._airflow import BaseOperatorLink, Context, failure
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operators.kafka_to_bigquery import KafkaToBigQueryOperator

log = logging.getLogger(__name__)


class MigrateConsumerGroupOperator(KafkaToBigQueryOperator):
    """Give a job the position that an old, perhaps shared, consumer group has for its topic.

    Takes the parameters of :class:`KafkaToBigQueryOperator`, which say whose position it becomes; put it before the
    live task, or run it once by hand. ``execute`` returns what ``kafka-bq migrate-group --json`` prints. A task that
    failed half way is finished by its next try.

    :param from_group: the old consumer group, whose consumers have been stopped. (templated)
    :param adopt: the table has the old consumer's rows, and no ledger: take the position that fits them.
    :param delete_old: delete the old group behind a check; only where it has no position of another topic.
    :param dry_run: only tell old and new positions.
    :param undo_file: where to write what takes it back, on the worker; None: in the task's current folder. (templated)
    :raises ConfigError: a literal is wrong; the message names the parameter, its value and what it takes.
    """

    template_fields: Sequence[str] = (*KafkaToBigQueryOperator.template_fields, "from_group", "undo_file")
    commits: ClassVar[bool] = False  # it stands beside the live task, whose group it fills
    operator_extra_links: Collection[BaseOperatorLink] = ()
    ui_color = "#e4e8f0"
    custom_operator_name = "Kafka → BigQuery: migrate"

    def __init__(
        self, *, from_group: str, adopt: bool = False, delete_old: bool = False, dry_run: bool = False,
        undo_file: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.from_group, self.adopt, self.delete_old, self.undo_file = from_group, adopt, delete_old, undo_file
        self.only_tell = dry_run  # every operator of Airflow has a method dry_run
        if not from_group or not str(from_group).strip():
            raise ConfigError(f"from_group: must be the name of a consumer group (given: {from_group!r})")

    def execute(self, context: Context) -> dict[str, Any]:
        """Migrate, and return the document.

        :raises AirflowFailException: a person must act. :raises AirflowException: it may be over at the next try.
        """
        from airflow_kafka_bq.exceptions import StopRequested
        from airflow_kafka_bq.operations.migrate import Migration, migrate
        from airflow_kafka_bq.operators.told import cut_short

        wish = Migration(self.from_group, self.adopt, self.delete_old)
        path = Path(self.undo_file) if self.undo_file else None

        def act(job: Any) -> dict[str, Any]:
            return migrate([job], wish, dry_run=self.only_tell, undo_file=path)

        try:
            found: dict[str, Any] = self._with_job(context, act)
        except StopRequested as stopped:
            raise failure(cut_short()) from stopped
        for job in found["jobs"]:
            for number, line in job["partitions"].items():
                log.info(
                    "%s[%s]: %s → %s, rests on %s", job["topic"], number, line["old"], line["new"], line["rests_on"]
                )
            log.info("%s: %s; old group %s", job["group_id"], job["state"], found["old_group"])
        return found
