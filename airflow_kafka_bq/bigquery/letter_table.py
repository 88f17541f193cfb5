"""Reading dead letters, and marking those that were copied: a part of ``ports.Warehouse``."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from airflow_kafka_bq.batch import LETTER_SCHEMA, UNCOPIED_SCHEMA, LetterPlace, Uncopied
from airflow_kafka_bq.bigquery import copies, letters
from airflow_kafka_bq.bigquery.statements import Statements
from airflow_kafka_bq.config.letters import LetterSelection
from airflow_kafka_bq.schema.target import Target


class LetterTable:
    """What a warehouse does with its dead-letter tables outside of the transactions of batches."""

    _statements: Statements

    def letters(
        self, target: Target, topic: str, wanted: LetterSelection, after: LetterPlace | None, most: int,
        max_bytes_billed: int | None,
    ) -> Iterator[pa.Table]:  # fmt: skip
        """Dead letters that wait to be redriven: one query, its result read page by page."""
        statement = letters.select(target, topic, wanted, after, most)
        return self._statements.pieces(statement, target.dead_letters, LETTER_SCHEMA, max_bytes_billed)

    def uncopied(self, target: Target, topic: str) -> Uncopied:
        """How many letters wait for a copy, and between which times."""
        (found,) = self._statements.rows(copies.count(target, topic), target.dead_letters)
        return Uncopied(found["letters"], found["oldest"], found["newest"])

    def uncopied_letters(
        self, target: Target, topic: str, found: Uncopied, most: int, max_bytes_billed: int | None
    ) -> Iterator[pa.Table]:
        """Those letters: one query, its result read page by page."""
        statement = copies.select(target, topic, found, most)
        return self._statements.pieces(statement, target.dead_letters, UNCOPIED_SCHEMA, max_bytes_billed)

    def mark_copied(self, target: Target, topic: str, letters: pa.Table) -> None:
        """One statement; a transaction that changes the table at the same time makes it wait its turn."""
        self._statements.run(copies.mark(target, topic, letters), target.dead_letters)
