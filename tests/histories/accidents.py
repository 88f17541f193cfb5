"""What happens to a pipeline when tables and topics are lost, while runs are held or after all of them were stopped."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.config import TableId
from tests.histories.explained import Trouble
from tests.histories.groups import Groups
from tests.histories.hands import FIXED_BY_STARTING_OVER, Hands
from tests.histories.processes import BATCH, WHERE, Processes
from tests.histories.scope import Scope
from tests.histories.telling import happening
from tests.histories.warehouse import TARGETS, Warehouses
from tests.pipeline.world import GROUP

ANOTHER_TOPIC = "topic created again"


class Accidents(Hands, Processes, Groups, Warehouses):
    """A person acts, and something of before wakes, or is found again."""

    @precondition(lambda self: self.row is not None and self.topic_there and not self.wrong(Trouble.MEMBER))
    @precondition(lambda self: self.fenced and self.target_there and not self.hole and len(self.processes) < 2)
    @happening(
        batch=BATCH, call=st.sampled_from(WHERE), what=st.sampled_from([*TARGETS, ANOTHER_TOPIC]),
        other=st.none() | BATCH,
    )  # fmt: skip
    def overlook(self, batch: int, call: str, what: str, other: int | None) -> None:
        """A run is held; table or topic are lost, and a person acts; perhaps another run begins; the first wakes."""
        held = self.begin_process(batch_messages=batch)
        held.actor.until(call)
        self.check_now()
        if what != ANOTHER_TOPIC:
            self.lose(what)
        elif self.world.cluster.tells_identities and not self.timeless:
            self.delete_topic()
            self.create_topic(self.first_parts)
            self.produce_some(batch)
        self.check_now()
        self.act(accept=True)
        if other is not None:
            self.begin_process(batch_messages=other).actor.until("load")
            self.check_now()
        held.actor.finish()
        self.bury()

    @precondition(lambda self: self.target_there and self.topic_there and not self.wrong(Trouble.MEMBER))
    @happening()
    def drop_everything(self) -> None:
        """All runs are stopped, all tables dropped, the group is deleted. Jobs that ran keep their names."""
        for one in self.processes:
            self.slay(one)
        self.bury()
        self.end_jobs()
        self.world.cluster.groups.apply_late()
        self.world.cluster.groups.delete(GROUP)
        for name in self.world.database.table_names():
            self.world.database.drop_table(TableId(*name.rsplit(".", 2)))
        self.scope, self.row, self.hole, self.orderly = Scope(life=self.model.life), None, False, False
        self.targets += 1
        self.tables.forget()
        self.model.start_over()
        for trouble in (*FIXED_BY_STARTING_OVER, Trouble.BEYOND_END):
            self.end(trouble)
        self.tell("all tables dropped")
