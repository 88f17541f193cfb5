"""``KafkaToBigQueryTaskGroup``: one topic into one table, by as many workers as it has slices."""

from __future__ import annotations

from typing import Any

from airflow_kafka_bq._airflow import TaskGroup
from airflow_kafka_bq.operators.slices import MergeSlicesOperator, PlanSlicesOperator, StageSliceOperator

_OF_THE_GROUP = (
    "tooltip",
    "doc_md",
    "ui_color",
    "ui_fgcolor",
    "group_display_name",
    "parent_group",
    "dag",
    "prefix_group_id",
)


class KafkaToBigQueryTaskGroup(TaskGroup):
    """Plan, stage in slices, merge and commit: three tasks, the second one mapped over slices of the partitions.

    The slices run wherever the executor puts them; none joins the consumer group. What they staged is applied by one
    transaction, which moves the ledger once: the run is applied as a whole or not at all. A slice that fails is retried
    alone; a retry that finds its slice staged reads nothing again. The merge task's XCom is the run report.

    :param task_id: name of the group; its tasks are ``plan``, ``stage`` and ``merge`` in it. ``group_id`` is the
        consumer group, as in :class:`KafkaToBigQueryOperator`.
    :param slices: how many at most. They are balanced by messages outstanding, not by number of partitions; no slice
        has less than a partition.
    :param parameters: those of :class:`KafkaToBigQueryOperator`, Airflow's own included, for all three tasks; and those
        of a task group that say how it looks. ``max_messages``, ``max_bytes``, ``max_seconds`` and ``fence="none"`` are
        refused.
    :raises ConfigError: a literal is wrong; the message names the parameter, its value and what it takes.
    """

    def __init__(self, task_id: str, *, slices: int = 2, **parameters: Any) -> None:
        shown = {name: parameters.pop(name) for name in _OF_THE_GROUP if name in parameters}
        super().__init__(group_id=task_id, **shown)
        with self:
            self.plan = PlanSlicesOperator(task_id="plan", slices=slices, **parameters)
            stage: Any = StageSliceOperator
            self.stage = stage.partial(task_id="stage", **parameters).expand(slice=self.plan.output)
            self.merge = MergeSlicesOperator(task_id="merge", slices=self.stage.output, **parameters)

    @property
    def output(self) -> Any:
        """The run report, as an XCom argument for what comes after."""
        return self.merge.output
