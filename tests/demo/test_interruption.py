"""A signal ends the story, and never the clean-up."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from airflow_kafka_bq.demo.interruption import Interrupted, interruptible
from airflow_kafka_bq.demo.site import scratch

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_passes_handlers_of_errors(number: int) -> None:
    def struck() -> None:
        with interruptible(), contextlib.suppress(Exception):
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as caught:
        struck()
    assert caught.value.number == number


def test_a_second_signal_does_not_interrupt_the_clean_up() -> None:
    with interruptible() as signals:
        signals.ignore()
        os.kill(os.getpid(), signal.SIGINT)


def test_what_was_dropped_on_the_way_is_found_between_two_steps() -> None:
    with interruptible() as signals:
        with contextlib.suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            signals.check()


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with interruptible():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_temporary_files_go_with_their_folder_also_after_a_signal() -> None:
    before = os.environ.get("TMPDIR")
    folders = []

    def struck() -> None:
        with interruptible() as signals, scratch(signals) as folder:
            assert os.environ["TMPDIR"] == str(folder)
            (folder / "file").touch()
            folders.append(folder)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        struck()
    assert [folder.exists() for folder in folders] == [False]
    assert os.environ.get("TMPDIR") == before
