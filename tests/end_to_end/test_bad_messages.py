"""Messages that cannot be used: kept whole beside the table, and never too many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


def test_a_poisoned_message_does_not_stop_its_neighbours(pipe: PipeFactory) -> None:
    """D3: raw bytes in the dead-letter table, in the same transaction; a replay adds none."""
    made = pipe(partitions=1, max_bad_ratio=None)
    poison = [b"{", b"", b"\xff\xfe", b'{"n": NaN}', b'{"a": 1} {"a": 2}', b"{}\n{}"]
    made.produce([{"n": 1}, *poison, {"n": 2}])
    report = made.run()
    assert report["rows"] == {
        "inserted": 2, "updated": 0, "deleted": 0, "unchanged": 0, "dead_lettered": 6, "ignored": 0,
    }  # fmt: skip
    assert [letter[3] for letter in sorted(made.dead_letters())] == poison
    window = {"from": {0: 0}, "to": {0: 8}}
    replayed = made.run(f"window={window}")
    assert replayed["rows"]["unchanged"] == 2
    assert replayed["rows"]["dead_lettered"] == 6
    assert sum(made.dead_letters().values()) == 6


def test_too_many_bad_messages_stop_the_run_before_the_merge(pipe: PipeFactory) -> None:
    """D4: a schema change must not put a whole topic into quarantine."""
    made = pipe(partitions=1, max_bad_messages=2)
    made.produce([{"n": 1}, b"{", b"{", b"{"])
    failure = made.run()
    assert (failure["error"], failure["offset"]) == ("BadMessagesError", 1)
    assert made.coordinates() == Counter()
    assert made.ledger() == {0: 0}
