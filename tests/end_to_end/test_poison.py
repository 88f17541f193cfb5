"""Messages that somebody got wrong, each beside good ones: whole, to the right side, at their own coordinates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]

MODEL = """
from pydantic import BaseModel

class Order(BaseModel):
    id: int
    name: str | None = None
"""

DEEP = b"[" * 600 + b"]" * 600
ROW, LETTER, IGNORED = "row", "letter", "ignored"
# value, what becomes of it as a payload, and as an order; {} is the offset, for good ones
POISON: dict[str, tuple[bytes | None, str, str]] = {
    "bad json": (b'{"id": 1', LETTER, LETTER),
    "wrong type": (b'{"id": "seven"}', ROW, LETTER),
    "invalid utf-8": (b'{"id": 1, "name": "\xff\xfe"}', LETTER, LETTER),
    "empty": (b"", LETTER, LETTER),
    "null value": (None, ROW, IGNORED),
    "deep nesting": (b'{"id": 1, "name": ' + DEEP + b"}", LETTER, LETTER),
    "nan": (b'{"id": NaN}', LETTER, LETTER),
    "infinity": (b'{"id": 1, "name": -Infinity}', LETTER, LETTER),
    "huge integer": (b'{"id": 170141183460469231731687303715884105728}', ROW, LETTER),
    "zero byte": (b'{"id": 1, "name": "a\x00b"}', LETTER, LETTER),
    "nothing but zeros": (b"\x00\x00\x00\x00", LETTER, LETTER),
    "two objects": (b'{"id": 1}{"id": 2}', LETTER, LETTER),
    "two lines": (b'{"id": 1}\n{"id": 2}', LETTER, LETTER),
    "a list": (b"[1, 2]", ROW, LETTER),
    "white space": (b" \n", LETTER, LETTER),
}


def _messages() -> list[NewMessage]:
    """Good, poison, good, ...: a good one holds its own offset, one has its key doubled and one has no key."""
    values: list[bytes | None] = []
    for value, _, _ in POISON.values():
        values += [b'{"id": %d}' % len(values), value]
    values.append(b'{"id": -1, "id": %d, "name": "e\\u00e9"}' % len(values))
    return [NewMessage(value, key=None if at % 4 == 0 else b"k", partition=0) for at, value in enumerate(values)]


def _pipe(pipe: PipeFactory, form: str, **settings: Any) -> Pipe:
    made = pipe(partitions=1, max_bad_ratio=None, batch_messages=13, **settings)
    if form == "model":
        (made.folder / "order_model.py").write_text(MODEL)
        made.write(model="order_model:Order")
    return made


def _fates(form: str) -> dict[str, list[int]]:
    """Offsets of the poisoned by what becomes of them; the good ones are rows."""
    found: dict[str, list[int]] = {ROW: [], LETTER: [], IGNORED: []}
    for at, (_, payload, order) in enumerate(POISON.values()):
        found[payload if form == "payload" else order].append(2 * at + 1)
    found[ROW] += range(0, 2 * len(POISON) + 1, 2)
    return {fate: sorted(offsets) for fate, offsets in found.items()}


@pytest.mark.fault("D3")
@pytest.mark.parametrize("form", ["payload", "model"])
def test_each_message_goes_where_it_belongs(pipe: PipeFactory, form: str) -> None:
    """D3: rows at their own coordinates, poison whole beside the table, once, also after a replay."""
    made, messages, fates = _pipe(pipe, form), _messages(), _fates(form)
    made.produce(messages)
    report = made.run()
    assert report.get("outcome") == "end", report
    assert report["rows"]["ignored"] == len(fates[IGNORED])
    _check(made, form, messages)
    replayed = made.run(f"window={{'from': {{0: 0}}, 'to': {{0: {len(messages)}}}}}", "batch_messages=100")
    assert replayed["rows"]["unchanged"] == len(fates[ROW])
    _check(made, form, messages)


def _check(made: Pipe, form: str, messages: list[NewMessage]) -> None:
    number = "JSON_VALUE(payload.id)" if form == "payload" else "CAST(id AS STRING)"
    rows, fates = made.query(f"SELECT _kafka_offset, {number} FROM {made.name()}"), _fates(form)
    assert sorted(at for at, _ in rows) == fates[ROW]
    assert [(at, number) for at, number in rows if at % 2 == 0 and number != str(at)] == []
    assert Counter((at, value) for _, at, _, value, _ in made.dead_letters().elements()) == Counter(
        (at, messages[at].value) for at in fates[LETTER]
    )
    assert made.ledger() == made.committed() == {0: len(messages)}
    made.check_history()


@pytest.mark.fault("D3")
@pytest.mark.parametrize("form", ["payload", "model"])
def test_with_fail_no_offset_passes_a_bad_message(pipe: PipeFactory, form: str) -> None:
    made = _pipe(pipe, form, on_bad_message="fail")
    made.produce(_messages())
    failure = made.run()
    assert (failure["error"], failure["partition"], failure["offset"]) == ("BadMessagesError", 0, 1)
    assert made.ledger() == {0: 0}
    assert made.committed().get(0, 0) == 0
    assert (made.coordinates(), made.dead_letters()) == (Counter(), Counter())


@pytest.mark.fault("D4")
def test_a_batch_of_nothing_but_poison_stops_the_run(pipe: PipeFactory) -> None:
    """D4, with the limits that nobody set: a producer that changed its format fills no quarantine."""
    made = pipe(partitions=1, batch_messages=1_000)
    made.produce([{"n": number} for number in range(1_000)] + [b"not json"] * 1_000)
    failure = made.run()
    assert (failure["error"], failure["offset"]) == ("BadMessagesError", 1_000)
    assert "1000 of 2000 messages are bad" in failure["message"]
    assert made.ledger() == made.committed() == {0: 1_000}
    assert sum(made.coordinates().values()) == 1_000
    assert made.dead_letters() == Counter()
