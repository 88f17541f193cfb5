"""Reading dead letters, and marking those that were copied: a part of the Warehouse port over a project in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from airflow_kafka_bq.batch import LetterPlace, Uncopied
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.schema.target import Target
from airflow_kafka_bq.testing.memory import copies, letters
from airflow_kafka_bq.testing.memory.client import MemoryClient
from airflow_kafka_bq.testing.memory.tables import Row


class LetterTable(MemoryClient):
    """What a warehouse does with its dead-letter tables outside of the transactions of batches."""

    def letters(
        self,
        target: Target,
        topic: str,
        wanted: LetterSelection,
        after: LetterPlace | None,
        most: int,
        max_bytes_billed: int | None,  # noqa: ARG002 - reading is free in memory
    ) -> Iterator[pa.Table]:
        """Dead letters that wait to be redriven."""
        return letters.select(self._letters("letters", target), topic, wanted, after, most)

    def create_copied_at(self, target: Target) -> None:
        """The column that says which letters were copied."""
        with self._effect("create_copied_at"):
            copies.add_copied_at(self._database.tables, target)

    def uncopied(self, target: Target, topic: str) -> Uncopied:
        """How many letters wait for a copy."""
        return copies.count(self._letters("uncopied", target), topic)

    def uncopied_letters(
        self,
        target: Target,
        topic: str,
        found: Uncopied,
        most: int,
        max_bytes_billed: int | None,  # noqa: ARG002 - reading is free in memory
    ) -> Iterator[pa.Table]:
        """Those letters."""
        return copies.select(self._letters("uncopied_letters", target), topic, found, most)

    def mark_copied(self, target: Target, topic: str, letters: pa.Table) -> None:
        """One statement."""
        with self._effect("mark_copied"):
            now = self._database.clock()
            self._transact(target.dead_letters, lambda one: copies.mark(one, target, topic, letters, now))

    def _letters(self, call: str, target: Target) -> list[Row]:
        with self._call(call):
            return list(self._database.tables.get(target.dead_letters).rows.values())
