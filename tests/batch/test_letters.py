"""Places of dead letters: their order is that in which they are read."""

from __future__ import annotations

import pyarrow as pa

from airflow_kafka_bq.batch.letters import LETTER_SCHEMA, LetterPlace


def test_places_are_ordered_by_time_then_partition_then_offset() -> None:
    places = [LetterPlace(2, 0, 0), LetterPlace(1, 1, 0), LetterPlace(1, 0, 9), LetterPlace(1, 0, 10)]
    assert sorted(places) == [places[2], places[3], places[1], places[0]]


def test_the_last_place_is_that_of_the_last_message() -> None:
    rows = [{"partition": 1, "offset": 5, "timestamp_ms": 7}, {"partition": 0, "offset": 9, "timestamp_ms": 8}]
    assert LetterPlace.last_of(pa.Table.from_pylist(rows, LETTER_SCHEMA)) == LetterPlace(8, 0, 9)
