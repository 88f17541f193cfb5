"""What every Source makes of the leader epoch beside a position. Held by ``test_epochs_*``."""

from __future__ import annotations

from typing import Protocol

from airflow_kafka_bq.batch import Position
from airflow_kafka_bq.ports import Source
from tests.contract.reading import read_to_end


class ElectedWorld(Protocol):
    """A partition with three messages of epoch 0, then an election, then one message of a later epoch, at offset 3."""

    def source(self) -> Source: ...

    def latest_epoch(self) -> int: ...


class Epochs:
    """A position says which epoch the record before it is of; a log that knows otherwise holds other records there."""

    def test_a_position_where_its_epoch_ended_is_read_on(self, elected: ElectedWorld) -> None:
        source = elected.source()
        source.open({0: Position(3, 0)})
        assert read_to_end(source).offsets == {0: [3]}

    def test_a_position_behind_the_end_of_its_epoch_is_out_of_range(self, elected: ElectedWorld) -> None:
        """As where a log was truncated, and grew again past the position under another leader."""
        source = elected.source()
        source.open({0: Position(4, 0)})
        seen = read_to_end(source)
        assert (seen.out_of_range, seen.offsets) == ({0: 4}, {})

    def test_a_position_of_an_epoch_that_wrote_nothing_is_out_of_range(self, elected: ElectedWorld) -> None:
        between = elected.latest_epoch() - 1
        assert between > 0
        source = elected.source()
        source.open({0: Position(4, between)})
        assert read_to_end(source).out_of_range == {0: 4}

    def test_a_position_without_epoch_is_believed(self, elected: ElectedWorld) -> None:
        source = elected.source()
        source.open({0: Position(4)})
        seen = read_to_end(source)
        assert (seen.out_of_range, seen.ends) == ({}, {0: 4})

    def test_a_position_of_the_latest_epoch_is_read_on(self, elected: ElectedWorld) -> None:
        source = elected.source()
        source.open({0: Position(4, elected.latest_epoch())})
        seen = read_to_end(source)
        assert (seen.out_of_range, seen.ends) == ({}, {0: 4})
