"""What happens in BigQuery: to jobs, to calls, to tables."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.config import TableId
from airflow_kafka_bq.exceptions import AccessDeniedError, WarehouseUnavailableError
from airflow_kafka_bq.testing.memory import Fate
from tests.histories.brokers import REQUESTS, Brokers
from tests.histories.explained import Trouble
from tests.histories.telling import happening
from tests.pipeline.world import TABLE

DDL = ["create", "add_columns", "create_ledger", "create_dead_letters", "create_deletes"]
DML = ["register", "place"]
READS = ["table", "ledger", "applied", "row_count", "estimate", "probe", "letters"]
TARGETS = ["dropped", "created again", "restored"]
CALLS = [*DDL, *DML, *READS, "load", "merge"]
TARGETS = ["dropped", "created again", "restored"]
CALLS = [*DDL, *DML, *READS, "load", "merge", *REQUESTS]
FATES = [fate for fate in Fate if fate is not Fate.BAD_ROWS]  # rows are rejected for what they hold: see ``picky``


class Warehouses(Brokers):
    """Jobs and calls that fail, before or after their effect; tables that go."""

    @happening(
        fate=st.sampled_from(FATES), job=st.sampled_from(["load", "merge"]), seconds=st.sampled_from([5.0, 40.0]),
        holding=st.booleans(),
    )  # fmt: skip
    def doom_job(self, fate: Fate, job: str, seconds: float, holding: bool) -> None:
        self.begin(
            Trouble.REJECTED
            if fate is Fate.REJECTED
            else Trouble.CONFLICTS if fate is Fate.CONFLICT else Trouble.BIGQUERY_ERRORS
        )  # fmt: skip
        slow = fate is Fate.SLOW
        if slow:
            self.begin(Trouble.OTHERS)  # it may hold the ledger while another run wants to write
        self.world.database.script(
            f"kafka-bq-{job}-*", fate, seconds=seconds if slow else None, holding=slow and holding and job == "merge"
        )

    @happening(call=st.sampled_from(CALLS), denied=st.integers(0, 3), answered=st.booleans())
    def a_call_fails(self, call: str, denied: int, answered: bool) -> None:
        """The next of its kind, to Kafka or to BigQuery: refused for a quota or a right; or done, and not answered."""
        self.tell(f"{call} fails")
        if call in REQUESTS:
            self.fail_request(call, denied=denied == 0, answered=answered)
        elif denied == 0:
            self.begin(Trouble.BIGQUERY_DENIED)
            self.world.database.fail_next(call, AccessDeniedError(f"{call}: accessDenied"))
        else:
            self.begin(Trouble.BIGQUERY_ERRORS)
            error = WarehouseUnavailableError(f"{call}: quotaExceeded until the deadline")
            lost = not answered and call in {*DDL, *DML}
            (self.world.database.lose_answer if lost else self.world.database.fail_next)(call, error)

    @happening(seconds=st.sampled_from([1.0, 50.0, 3600.0 * 80, 3600.0 * 24 * 8]))
    def time_passes(self, seconds: float) -> None:
        """Longer than a job runs, than staging tables live, than offsets are kept."""
        staged = self.world.staging()
        self.world.clock.advance(seconds)
        if self.removes and seconds > 24 * 3600:
            self.begin(Trouble.FORGOTTEN)
        if len(self.world.staging()) < len(staged):
            self.begin(Trouble.STAGING_GONE)
            self.tell("staging tables expired")

    @precondition(lambda self: self.processes and self.world.staging())
    @happening()
    def drop_staging(self) -> None:
        for name in self.world.staging():
            self.world.database.drop_table(TableId(*name.rsplit(".", 2)))
        self.begin(Trouble.STAGING_GONE)
        self.tell("staging tables dropped")

    @precondition(lambda self: self.fenced and self.target_there and not self.hole)
    @happening(what=st.sampled_from(TARGETS))
    def lose_target(self, what: str) -> None:
        self.lose(what)

    def lose(self, what: str) -> None:
        """Dropped; perhaps another of its name is created at once; or a snapshot is restored in its place."""
        database = self.world.database
        there = database.tables.get(TABLE)
        database.drop_table(TABLE)
        self.targets += 1
        for one in self.processes:
            one.seen.add(Trouble.TARGET_GONE)
        self.tell(f"target {what}")
        by: dict[str, Any] = {"partitioning": there.partitioning, "cluster_by": there.cluster_by}
        if what == "restored":
            database.create_table(TABLE, there.columns, list(there.rows.values()), **by)
            return
        self.model.target_lost()
        self.tables.forget()
        self.hole = True
        if what == "created again":
            target = self.world.target(self.world.config(**self.job, **self.settings))
            database.create_table(TABLE, target.columns, **by)
