"""``SeekConsumerGroupOperator``: a job's position is moved on purpose, or taken back, as a task."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_kafka_bq._airflow import BaseOperatorLink, Context, failure
from airflow_kafka_bq.config.destination import Destination, check_wishes
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.operators.kafka_to_bigquery import KafkaToBigQueryOperator
from airflow_kafka_bq.operators.rendering import is_template, rendered

if TYPE_CHECKING:
    from airflow_kafka_bq.operations.seek import Wish

log = logging.getLogger(__name__)


class SeekConsumerGroupOperator(KafkaToBigQueryOperator):
    """Move a job's position, in ledger and group together: what was read is read again, or messages are skipped.

    Takes the parameters of :class:`KafkaToBigQueryOperator`, which say whose position it is; put it before the live
    task, or run it by hand. ``execute`` returns what ``kafka-bq seek --json`` prints, and ``undo``: what takes it back,
    None where nothing moved. A run of its DAG moves the position once: the next try of a task that died lets the group
    follow, and a task that is cleared moves nothing again.

    :param to: ``earliest``, ``latest``, an ISO time or a datetime, or offsets: ``{0: 123}`` or ``0:123``. (templated)
    :param partitions: only these move; none of them with offsets, which name theirs. (templated)
    :param accept_topic: the topic was created again; needs ``to``.
    :param accept_target: the table was created again; alone it keeps the position.
    :param undo: take back what an undo file tells of: its path, or what a seek returned as ``undo``. (templated)
    :param undo_file: where to write what takes it back, on the worker; None: in the task's current folder. (templated)
    :param dry_run: only tell old and new positions.
    :raises ConfigError: a literal is wrong; the message names the parameter, its value and what it takes.
    """

    template_fields: Sequence[str] = (*KafkaToBigQueryOperator.template_fields, "to", "undo", "undo_file")
    commits: ClassVar[bool] = False  # it stands beside the live task, whose group it moves
    operator_extra_links: Collection[BaseOperatorLink] = ()
    fence: str
    ui_color = "#e4e8f0"
    custom_operator_name = "Kafka → BigQuery: seek"

    def __init__(
        self, *, to: datetime | str | Mapping[int, int] | None = None, partitions: Sequence[int] | str | None = None,
        accept_topic: bool = False, accept_target: bool = False, undo: Mapping[str, Any] | str | None = None,
        undo_file: str | None = None, dry_run: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.to, self.partitions, self.undo, self.undo_file = to, partitions, undo, undo_file
        self.accept_topic, self.accept_target = accept_topic, accept_target
        self.only_tell = dry_run  # every operator of Airflow has a method dry_run
        if not any(map(is_template, (to, undo, self.window))):
            check_wishes(
                self.topic, to=to is not None, accept_topic=accept_topic, accept_target=accept_target,
                undo=undo is not None, window=self.window is not None, fence=self.fence,
            )  # fmt: skip
        if not any(map(is_template, (to, partitions))):
            Destination.asked(to, partitions)

    def job_parameters(self) -> dict[str, Any]:
        """What a job file would say; there, partitions are those of a window."""
        return {**super().job_parameters(), "partitions": None}

    def wish(self) -> Wish:
        """What is asked for, as it is now: of a running task, rendered.

        :raises ConfigError: a parameter is wrong, or the undo file cannot be read.
        """
        from airflow_kafka_bq.operations import undo as undos
        from airflow_kafka_bq.operations.seek import Wish

        to, partitions, undo = (rendered(name, getattr(self, name), None) for name in ("to", "partitions", "undo"))
        taken_back = None if undo is None else undos.of(undo)
        return Wish(Destination.asked(to, partitions), self.accept_topic, self.accept_target, taken_back)

    def execute(self, context: Context) -> dict[str, Any]:
        """Seek, and return the document.

        :raises AirflowFailException: a person must act. :raises AirflowException: it may be over at the next try.
        """
        from airflow_kafka_bq.exceptions import StopRequested
        from airflow_kafka_bq.operations import undo as undos
        from airflow_kafka_bq.operations.seek import seek
        from airflow_kafka_bq.operators.told import cut_short

        try:
            wish = self.wish()
        except ConfigError as error:
            raise failure(error) from error
        name = rendered("undo_file", self.undo_file, None)
        path = Path(name) if name else None
        try:
            found: dict[str, Any] = self._with_job(
                context, lambda job: seek(job, wish, dry_run=self.only_tell, undo_file=path, once=True)
            )
        except StopRequested as stopped:
            raise failure(cut_short()) from stopped
        _tell(found)
        kept = found["undo_file"]
        return {**found, "undo": undos.read(kept).model_dump(mode="json") if kept else None}


def _tell(found: dict[str, Any]) -> None:
    for number, line in found["partitions"].items():
        log.info("%s[%s]: %s → %s", found["topic"], number, line["before"], line["after"])
        if line["gone"]:
            log.warning(
                "partition %s: %s messages before offset %s are gone from Kafka, unread",
                number, line["gone"], line["log_start"],
            )  # fmt: skip
    would = "would be " if found["dry_run"] else ""
    log.info(
        "%sread again: %s messages; %sskipped: %s at most",
        would, f"{found['re_read']:,}", would, f"{found['skipped']:,}",
    )  # fmt: skip
    if found["committed"] is False:
        log.warning("the commit to Kafka had no answer: the ledger holds, the next run repairs the group")
