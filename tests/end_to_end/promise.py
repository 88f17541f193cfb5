"""What must be so when faults are over and one ordinary run has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from airflow_kafka_bq.testing.kafka import Acknowledged
from tests.end_to_end.pipe import Pipe


def kept(pipe: Pipe, acknowledged: Iterable[Acknowledged], dead: Iterable[Acknowledged] = ()) -> None:
    """Every acknowledged message is a row or a dead letter, once; ledger, history and Kafka agree on how far that goes.

    :param dead: those of the messages that cannot be used.
    """
    sent, bad = list(acknowledged), Counter((one.partition, one.offset) for one in dead)
    good = Counter((one.partition, one.offset) for one in sent) - bad
    assert pipe.coordinates() == good
    assert Counter(letter[:2] for letter in pipe.dead_letters().elements()) == bad
    ends = dict.fromkeys(range(pipe.partitions), 0)
    for one in sent:
        ends[one.partition] = max(ends[one.partition], one.offset + 1)
    assert pipe.ledger() == ends
    assert pipe.committed() == ends
    pipe.check_history()
    applied = Counter(
        (one["partition"], offset)
        for batch in pipe.history()
        if batch["kind"] == "live"
        for one in batch["ranges"]
        for offset in range(one["start_offset"], one["end_offset"])
    )
    assert applied == good + bad  # every offset in one batch, and in no second one


def restored(pipe: Pipe, acknowledged: Iterable[Acknowledged], dead: Iterable[Acknowledged] = ()) -> None:
    """One ordinary run reaches its end, and the promise is kept."""
    report = pipe.run()
    assert report.get("outcome") == "end", report
    kept(pipe, acknowledged, dead)
