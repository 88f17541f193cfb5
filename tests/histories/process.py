"""A run of ours in a history, with what it lived through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.histories.explained import Trouble
from tests.histories.model import Message
from tests.histories.scope import Scope
from tests.pipeline.actors import Actor


@dataclass(eq=False)
class Process:
    """An actor and its time.

    :param seen: what was wrong at some moment of its life. :param throughout: in all of it.
    :param ends: where the partitions ended when it began: a run that reaches its end reaches these.
    :param scope: what the ledger was about when it began.
    :param owed: messages of its window that were there when it began.
    :param stopped_at: how many calls it had made when it was asked to stop.
    :param batches_before: batches that were applied before it began.
    """

    actor: Actor
    seen: set[Trouble]
    throughout: set[Trouble]
    ends: dict[int, int]
    scope: Scope
    owed: list[Message] = field(default_factory=list)
    window: dict[str, Any] | None = None
    stopped_at: int | None = None
    applied: list[int] = field(default_factory=list)
    batches_before: int = 0
    redrives: bool = False

    @property
    def live(self) -> bool:
        """Whether it moves positions."""
        return self.window is None and not self.redrives
