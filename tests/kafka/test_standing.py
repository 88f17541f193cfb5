"""What a member knows of itself."""

from __future__ import annotations

import threading

import pytest

from airflow_kafka_bq.exceptions import GroupInUseError, PartitionsLostError
from airflow_kafka_bq.kafka.standing import Standing
from airflow_kafka_bq.ports.source import ShareChanged


@pytest.fixture
def standing() -> Standing:
    made = Standing("t", "g", 0.1)
    made.assigned([0, 1], besides=False)
    return made


def nothing() -> None:
    """While a rebalance waits."""


def test_a_share_is_what_the_last_rebalance_gave(standing: Standing) -> None:
    assert standing.share(0) == {0, 1}
    standing.assigned([2], besides=True)
    assert standing.share(0) == {0, 1, 2}
    with standing.giving_up([0], nothing, settled=True):
        pass
    assert standing.share(0) == {1, 2}
    standing.assigned([5], besides=False)
    assert standing.share(0) == {5}


def test_in_a_rebalance_nobody_knows_yet_what_is_ours(standing: Standing) -> None:
    with standing.giving_up([0, 1], nothing, settled=False):
        pass
    assert standing.share(0) == frozenset()
    standing.require({0, 1})
    with pytest.raises(ShareChanged), standing.holding(frozenset({0}), 0):
        pytest.fail("it may be gone")
    threading.Timer(0.05, lambda: standing.assigned([0], besides=False)).start()
    assert standing.share(5) == {0}
    with pytest.raises(ShareChanged), standing.holding(frozenset({0, 1}), 0):
        pytest.fail("one is gone")
    with pytest.raises(ShareChanged):
        standing.require({0, 1})


def test_who_is_put_out_has_nothing_and_the_first_reason_stays(standing: Standing) -> None:
    standing.lose("frozen")
    standing.lose("later")
    assert standing.partitions == frozenset()
    assert standing.lost_within(0)
    for ask in (standing.check, lambda: standing.share(0), lambda: standing.require({0})):
        with pytest.raises(PartitionsLostError, match="put out of group 'g': frozen") as raised:
            ask()
        assert (raised.value.topic, raised.value.group_id) == ("t", "g")
    with pytest.raises(PartitionsLostError), standing.holding(frozenset({0}), 0):
        pytest.fail("nothing may be merged")


def test_a_failed_membership_is_raised_anew_each_time(standing: Standing) -> None:
    standing.fail(GroupInUseError("no"))
    with pytest.raises(GroupInUseError) as first:
        standing.check()
    with pytest.raises(GroupInUseError) as second:
        standing.check()
    assert first.value is not second.value
