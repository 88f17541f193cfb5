"""A run that stands still at one of its calls while the world changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.end_to_end.child import Blow, Child
from tests.end_to_end.pipe import Pipe

# The client then holds a few dozen messages of its own at most: the rest is yet to be fetched when a run stands still.
NARROW = {"queued.max.messages.kbytes": "32", "fetch.message.max.bytes": "16000", "fetch.max.bytes": "65536"}
NARROW |= {"message.max.bytes": "60000"}


@contextmanager
def frozen(
    made: Pipe, effect: str, phase: str = "before", nth: int = 1, patience: float | None = None
) -> Iterator[Child]:
    """The run goes on when the block ends; ``finish`` it then. It is killed if the block fails."""
    child = made.start(Blow(effect, phase, nth, "freeze"), patience=patience)
    try:
        child.freezes()
        yield child
    except BaseException:
        child.process.kill()
        child.process.join()
        raise
    child.thaw()


def wide(count: int, **more: Any) -> list[dict[str, Any]]:
    """Messages of 2 kB, so that a narrow client cannot hold them all."""
    return [{"n": number, "text": "x" * 2_000, **more} for number in range(count)]
