from __future__ import annotations

import gc
import logging
import threading
import time
import weakref

import pytest

from airflow_kafka_bq.kafka.close import close_within, leave_to_parent


def test_a_close_that_ends_is_waited_for() -> None:
    done: list[int] = []
    assert close_within(lambda: done.append(1), "it", 5)
    assert done == [1]


def test_a_close_that_hangs_is_left_behind_and_told(caplog: pytest.LogCaptureFixture) -> None:
    ends = threading.Event()
    started = time.monotonic()
    with caplog.at_level(logging.ERROR):
        assert not close_within(ends.wait, "the consumer", 0.1)
    assert time.monotonic() - started < 2
    assert "the consumer did not close" in caplog.text
    ends.set()


def test_a_close_that_fails_does_not_raise(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("boom")

    assert close_within(fail, "it", 5)
    assert "boom" in caplog.text


def test_a_client_of_the_parent_is_neither_closed_nor_freed() -> None:
    class Client:
        pass

    client = Client()
    alive = weakref.ref(client)
    leave_to_parent(client)
    del client
    gc.collect()
    assert alive() is not None
