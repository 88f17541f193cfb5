"""The stop flag: set from signal handlers and other threads, seen by every wait."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from airflow_kafka_bq.exceptions import StopRequested
from airflow_kafka_bq.pipeline.stopping import SignalEvent, Stop


@pytest.fixture
def interrupt() -> Iterator[Callable[[Callable[..., None]], None]]:
    """Interrupts the main thread some thousand times a second with a handler."""
    before = signal.getsignal(signal.SIGALRM)

    def start(handler: Callable[..., None]) -> None:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.timeout(30)
def test_a_handler_may_set_it_while_the_thread_is_inside(
    interrupt: Callable[[Callable[..., None]], None],
) -> None:
    """With the event of Python's own the handler waits for the lock that the thread it interrupts is holding."""
    event = SignalEvent()
    calls = 0

    def handler(*_: object) -> None:
        nonlocal calls
        calls += 1
        event.set()

    interrupt(handler)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        event.wait(0.0001)
        event.clear()
    assert calls > 500


def test_a_wait_ends_when_it_is_set_and_when_time_is_up() -> None:
    event = SignalEvent()
    began = time.monotonic()
    assert event.wait(0.05) is False
    assert time.monotonic() - began >= 0.05
    threading.Timer(0.05, event.set).start()
    assert event.wait() is True
    assert event.wait(0) is True


def test_a_request_outlives_the_halt_of_a_failed_pass() -> None:
    stop = Stop()
    stop.halt()
    with pytest.raises(StopRequested):
        stop.check()
    stop.resume()
    stop.check()
    stop.halt()
    stop.request()
    stop.resume()
    with pytest.raises(StopRequested):
        stop.pause(10)
