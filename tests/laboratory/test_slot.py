"""A consumer's process that dies or hangs ends the experiment by name, and a slot keeps its schedule."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from laboratory import slot as slots
from laboratory.history import Diary, Life
from laboratory.setups import SETUPS, Sizes
from laboratory.slot import Slot, start

SIZES = Sizes(topics=4, seconds=1.0, period=0.4, lead=0.1)


class Dying(Slot):
    """Its process ends by itself."""

    def play(self, began: float) -> Diary:
        os._exit(9 if began else 8)


class Hanging(Slot):
    """It does not end in time."""

    def play(self, began: float) -> Diary:
        time.sleep(60 + 0 * began)
        raise AssertionError("nobody stopped it")


class Quick(Slot):
    """Its consumers take 0.1 s, the first one 0.6 s."""

    def consumer(self, diary: Diary) -> Callable[[], Life]:
        def live() -> Life:
            life = Life(self.number, diary.now())
            time.sleep(0.1 if diary.lives else 0.6)
            life.ended = diary.now()
            return life

        return live


def slot_of(kind: type[Slot], number: int = 1, **sizes: Any) -> Slot:
    """One of four, with a broker that is never asked."""
    return kind(SETUPS[0], replace(SIZES, **sizes), "nowhere:9", [f"s.t{each}" for each in range(4)], number, Path())


def test_a_slot_starts_behind_the_lead_one_run_at_a_time_and_none_behind_the_end() -> None:
    diary = slot_of(Quick).play(time.monotonic())
    begun = [life.began for life in diary.lives]
    assert begun == pytest.approx([0.2, 0.8], abs=0.1)


def test_the_first_slot_has_the_lead() -> None:
    diary = slot_of(Quick, number=0, seconds=0.3).play(time.monotonic())
    assert [life.began for life in diary.lives] == pytest.approx([0.0], abs=0.1)


def test_what_a_process_wrote_down_comes_back() -> None:
    ended = start(slot_of(Quick, seconds=0.3), time.monotonic())
    assert [life.slot for life in ended().lives] == [1]


def test_a_process_that_dies_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"the consumers of s\.t1 died"):
        start(slot_of(Dying), time.monotonic())()


def test_a_process_that_hangs_is_named_and_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "_GRACE_SECONDS", 0.0)
    began = time.monotonic()
    with pytest.raises(RuntimeError, match=r"a consumer of s\.t1 hangs"):
        start(slot_of(Hanging, seconds=0.3), began)()
    assert time.monotonic() - began < 30
