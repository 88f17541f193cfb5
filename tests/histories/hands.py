"""What a person does by hand once an error is understood: the statements of docs/operations.md."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from airflow_kafka_bq.testing.memory.ledger import rows_of
from airflow_kafka_bq.testing.memory.tables import Cancelled
from tests.histories.explained import Trouble
from tests.histories.ground import Ground
from tests.histories.scope import PIPELINE, Scope
from tests.histories.telling import happening
from tests.pipeline.world import GROUP, TABLE, World

FIXED_BY_STARTING_OVER = (Trouble.TOPIC_ANOTHER, Trouble.TARGET_GONE, Trouble.TRUNCATED, Trouble.FORWARD)
PATIENCE = 4  # steps


class Hands(Ground):
    """One UPDATE of the ledger; ``revision + 1`` fences out a run that was overlooked."""

    blocked = 0

    @precondition(lambda self: self.row is not None and self.topic_there and not self.wrong(Trouble.MEMBER))
    @precondition(lambda self: self.wrong(*FIXED_BY_STARTING_OVER, Trouble.DELETED))
    @happening(accept=st.booleans())
    def a_person_acts(self, accept: bool) -> None:
        self.act(accept=accept)

    def act(self, *, accept: bool) -> None:
        """Accepts the restored table where there is one, or starts over."""
        if accept and self.wrong(Trouble.TARGET_GONE) and not self.hole:
            self.accept_table()
        else:
            self.start_over()

    def start_over(self) -> None:
        """Forget positions, topic and table, and delete the group."""
        if not by_hand(self.world, positions=[], topic_id=None, target_created_at=None):
            return  # a job holds the ledger: the statement fails, and the person tries again later
        self.world.cluster.groups.delete(GROUP)
        self.started_over()
        self.tell("started over with a run overlooked" if self.processes else "started over")

    def started_over(self) -> None:
        """The model's side of it."""
        assert self.row is not None
        row = rows_of(self.world.database.tables.get(TABLE.companion("ledger")).rows, PIPELINE)
        (now,) = row.values()
        self.scope = Scope(since=now["revision"], life=self.model.life)
        self.model.start_over()
        self.hole = self.orderly = False
        self.blocked = 0
        for trouble in (*FIXED_BY_STARTING_OVER, Trouble.BEYOND_END):
            self.end(trouble)

    def a_step_later(self) -> None:
        """Nobody looks on for long while every run is refused."""
        super().a_step_later()
        self.blocked = self.blocked + 1 if self.wrong(Trouble.TOPIC_ANOTHER, Trouble.TARGET_GONE) else 0
        if self.blocked > PATIENCE and self.row is not None and self.topic_there and not self.wrong(Trouble.MEMBER):
            self.act(accept=self.count % 2 == 0)

    def accept_table(self) -> None:
        """The restored table takes the place of the old one; positions stay."""
        found = self.world.database.tables.named(str(TABLE))
        assert found is not None
        if by_hand(self.world, target_created_at=found.created_at):
            self.end(Trouble.TARGET_GONE)
            self.tell("restored table accepted")


def by_hand(world: World, **changed: Any) -> bool:
    """UPDATE of the pipeline's row. False: cancelled, since a running transaction holds the ledger."""
    transaction, ledger = world.database.tables.begin(), TABLE.companion("ledger")
    rows = rows_of(transaction.rows(ledger), PIPELINE)
    try:
        transaction.update(
            ledger, {at: {**row, **changed, "revision": row["revision"] + 1} for at, row in rows.items()}
        )
        transaction.commit()
    except Cancelled:
        transaction.rollback()
        return False
    return True
