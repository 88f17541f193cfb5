"""One history is one word: ``MACHINE:SEED`` chooses every step of it, here and on any other machine.

The seed makes the bytes that hypothesis draws rules and their arguments from, so a history is played alone, without
those that came before it, and hypothesis can still cut a failing one short.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.stateful import get_state_machine_test

from tests.histories.machine import MACHINES, Payloads

STEPS, LONG, LONGEST = 16, 32, 48
_BYTES = 16_384
_ATTEMPTS = 50
_CUTS = 2


@dataclass(frozen=True, slots=True)
class Played:
    """What one history was.

    :param rules: how often each rule was played. :param events: how often each corner was reached.
    :param digest: of all steps and events, to compare two plays.
    :param failure: why it failed, with its traceback; None where all held.
    """

    name: str
    steps: int
    rules: Counter[str]
    events: Counter[str]
    digest: str
    failure: str | None = None
    told: tuple[str, ...] = field(default=(), repr=False)

    @property
    def replay(self) -> str:
        """The command that plays exactly this history again."""
        return f"python -m tests.histories --replay {self.name}"


def steps_of(seed: int) -> int:
    """Most histories are short, for many beginnings; every eighth is longer, for three processes and their ends."""
    return LONGEST if seed % 32 == 0 else LONG if seed % 8 == 0 else STEPS


def play(machine: type[Payloads], seed: int) -> Played:
    """One history, quickly."""
    sink: list[Payloads] = []
    failure = None
    logging.disable(logging.CRITICAL)  # what runs log of faults would be the most of the work
    try:
        one = _target(machine, steps_of(seed))
        if not any(one(data, sink) for data in _bytes(machine, seed)):
            failure = f"no history came of {_ATTEMPTS} attempts"
    except Exception:
        failure = traceback.format_exc(limit=-4)
    finally:
        logging.disable(logging.NOTSET)
    return _played(f"{machine.__name__}:{seed}", sink[-1], failure)


def named(name: str) -> tuple[type[Payloads], int]:
    """Machine and seed of ``MACHINE:SEED``. :raises ValueError: no such machine, or no number."""
    machine, _, seed = name.partition(":")
    found = {one.__name__: one for one in MACHINES}
    if machine not in found or not seed.isdecimal():
        msg = f"{name!r} is not MACHINE:SEED with a machine of {', '.join(found)}"
        raise ValueError(msg)
    return found[machine], int(seed)


def cut_short(machine: type[Payloads], seed: int) -> str | None:
    """The shortest history that hypothesis finds with the failure of this one; None where it does not fail."""
    found: list[Payloads] = []
    database, steps = InMemoryExampleDatabase(), steps_of(seed)
    whole, shorter = _test(machine, steps, found, database), _test(machine, steps, found, database, at_least=0)
    logging.disable(logging.CRITICAL)
    try:
        for data in _bytes(machine, seed):
            if whole.hypothesis.fuzz_one_input(data) is not None:  # a failure is kept in the database, for the other
                break
    except Exception:
        told = None
        for _ in range(_CUTS):  # by chance it stays with a step that could go: the next goes on with what is left
            try:
                shorter()
            except Flaky:
                return "it does not fail each time: something in it is not decided by the seed"
            except Exception:
                told = "\n".join([*found[-1].trace, "", traceback.format_exc(limit=-3)])
        return told
    finally:
        logging.disable(logging.NOTSET)
    return None


def _bytes(machine: type[Payloads], seed: int) -> Iterator[bytes]:
    """Hypothesis leaves rules out at random, sometimes all that are possible: then the next bytes of this seed."""
    chance = random.Random(f"{machine.__name__}:{seed}")  # a text, so that machines differ
    for _ in range(_ATTEMPTS):
        yield chance.randbytes(_BYTES)


def _played(name: str, machine: Payloads, failure: str | None) -> Played:
    told = tuple(machine.trace)
    digest = hashlib.sha256("\n".join([*told, repr(sorted(machine.events.items()))]).encode()).hexdigest()
    return Played(name, sum(machine.rules_played.values()), machine.rules_played, machine.events, digest, failure, told)


@functools.cache
def _target(machine: type[Payloads], steps: int) -> Callable[[bytes, list[Payloads]], bool]:
    """Hypothesis prepares a test once; the list hears of the machine that it makes."""
    found: list[Payloads] = []
    one = _test(machine, steps, found, None).hypothesis.fuzz_one_input

    def play_bytes(data: bytes, sink: list[Payloads]) -> bool:
        found.clear()
        try:
            return one(data) is not None
        finally:
            sink.extend(found)

    return play_bytes


def _test(
    machine: type[Payloads], steps: int, found: list[Payloads], database: Any, at_least: int | None = None
) -> Any:
    """Of so many steps behind the one that a history begins with."""

    def made() -> Payloads:
        found.append(machine())
        return found[-1]

    return get_state_machine_test(
        made,  # type: ignore[arg-type]  # a factory will do
        settings=settings(
            stateful_step_count=steps + 1, deadline=None, database=database, suppress_health_check=list(HealthCheck),
            phases=(Phase.reuse, Phase.shrink), report_multiple_bugs=False, derandomize=False,
        ),
        _min_steps=steps + 1 if at_least is None else at_least,
    )  # fmt: skip
