"""SIGINT and SIGTERM: told to a run at once, whatever its main thread is doing, and never twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from airflow_kafka_bq.cli.signals import caught
from airflow_kafka_bq.testing.kafka.waiting import wait_until

SLEEPER = """
import ctypes, time
from airflow_kafka_bq.cli.signals import caught

with caught(lambda number: print("asked", number, flush=True) is None and {go_on}):
    print("ready", flush=True)
    {body}
"""


def sleeper(body: str, go_on: bool = True) -> subprocess.Popen[str]:
    """A process whose main thread does this."""
    code = SLEEPER.format(go_on=go_on, body=body)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_told_with_its_number(number: signal.Signals) -> None:
    told: list[int] = []

    def first(number: int) -> bool:
        told.append(number)
        return True

    with caught(first):
        os.kill(os.getpid(), number)
        wait_until(lambda: told == [number], "a signal", 5)


def test_other_signals_are_none_of_its_business() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with caught(lambda number: pytest.fail(f"told of {number}")):
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_never_finds_a_handler_without_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two it would reach nobody."""
    install, pipes = signal.signal, list[int]()

    def watched(number: int, handler: object) -> object:
        pipes.append(signal.set_wakeup_fd(-1))
        signal.set_wakeup_fd(pipes[-1])
        return install(number, handler)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(signal, "signal", watched)
    with caught(lambda _: True):
        pass
    assert len(pipes) == 4
    assert -1 not in pipes


def test_while_the_commands_are_imported_an_interrupt_ends_the_process() -> None:
    """As an exception it may be dropped in a callback of the import system, and the command would go on."""
    code = """
import signal, sys
import airflow_kafka_bq.cli

class Watch:
    def find_spec(self, name, *_):
        if name == "airflow_kafka_bq.cli.commands":
            print(signal.getsignal(signal.SIGINT) is signal.SIG_DFL)

sys.meta_path.insert(0, Watch())
{before}
handler = signal.getsignal(signal.SIGINT)
try:
    airflow_kafka_bq.cli.main(["--version"])
finally:
    print(signal.getsignal(signal.SIGINT) is handler)
"""
    for before, ends in (("", "True"), ("signal.signal(signal.SIGINT, signal.SIG_IGN)", "False")):
        command = [sys.executable, "-c", code.format(before=before)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert (said[0], said[-1]) == (ends, "True")


def test_afterwards_all_is_as_before() -> None:
    wanted = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    threads = threading.active_count()

    def body() -> None:
        with caught(lambda _: True):
            assert threading.active_count() == threads + 1
            raise RuntimeError("of the body")

    with pytest.raises(RuntimeError, match="of the body"):
        body()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == wanted
    assert signal.set_wakeup_fd(-1) == -1
    assert threading.active_count() == threads


@pytest.mark.kill
@pytest.mark.parametrize(("first", "second"), [("SIGTERM", "SIGTERM"), ("SIGINT", "SIGINT"), ("SIGTERM", "SIGINT")])
def test_the_second_signal_ends_the_process_at_once(first: str, second: str) -> None:
    with sleeper("time.sleep(30)") as process:
        began = time.monotonic()
        process.send_signal(signal.Signals[first])
        assert process.stdout is not None
        assert process.stdout.readline() == f"asked {signal.Signals[first].value}\n"
        assert process.poll() is None
        process.send_signal(signal.Signals[second])
        assert process.wait(10) == 128 + signal.Signals[second]
        assert time.monotonic() - began < 5


@pytest.mark.kill
def test_what_has_nothing_to_finish_ends_at_the_first() -> None:
    with sleeper("time.sleep(30)", go_on=False) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143


@pytest.mark.kill
def test_a_main_thread_inside_a_library_does_not_hold_a_signal_up() -> None:
    """A handler in Python would run when the call returns, which is when the broker's time limit is over."""
    body = (
        "lock = ctypes.CDLL(None).pthread_mutex_lock; mutex = ctypes.create_string_buffer(64); lock(mutex); lock(mutex)"
    )
    with sleeper(body) as process:
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "asked 15\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
