from __future__ import annotations

import pytest

from airflow_kafka_bq.testing.kafka.waiting import NotVisibleError, wait_until


def test_waits_until_true() -> None:
    answers = iter([False, False, True])
    wait_until(lambda: next(answers), "third answer", 5)
    assert next(answers, None) is None


def test_gives_up_and_says_what_it_waited_for() -> None:
    with pytest.raises(NotVisibleError, match="blue moon"):
        wait_until(lambda: False, "blue moon", 0.05)
