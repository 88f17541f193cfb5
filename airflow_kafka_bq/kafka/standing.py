"""Where a member of a consumer group stands: which partitions are its own, and why they no longer are.

The member's thread writes here, the reader and the run ask. Nothing in here knows the client.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from airflow_kafka_bq.exceptions import IngestError, PartitionsLostError
from airflow_kafka_bq.ports.source import ShareChanged

_REMEDY = (
    "run it again: it goes on where the ledger stands; a member that is put out again and again needs a longer "
    "max.poll.interval.ms or session.timeout.ms, or assignment='assign', which nobody can put out"
)
_SLICE_SECONDS = 0.05


class Standing:
    """Of one member. Safe for several threads.

    :param hold_seconds: how long a rebalance is kept waiting for a MERGE and its commit.
    """

    def __init__(self, topic: str, group_id: str, hold_seconds: float) -> None:
        self._topic, self._group_id = topic, group_id
        self._hold_seconds = hold_seconds
        self._changed = threading.Condition()
        self._held = threading.Lock()
        self._partitions: frozenset[int] = frozenset()
        self._settled = False
        self._lost: str | None = None
        self._failure: IngestError | None = None

    # Said by the member's thread

    def assigned(self, partitions: Iterable[int], *, besides: bool) -> None:
        """The end of a rebalance. :param besides: these come to those that are there, as with cooperative assignors."""
        with self._changed:
            self._partitions = frozenset(partitions) | (self._partitions if besides else frozenset())
            self._settled = True
            self._changed.notify_all()

    @contextmanager
    def giving_up(self, partitions: Iterable[int], meanwhile: Callable[[], None], *, settled: bool) -> Iterator[None]:
        """A rebalance takes these away: MERGE and commit that are under way end first, if there is time.

        :param meanwhile: called while they are waited for: nobody else can send that commit now.
        :param settled: what is left is ours; else all of it is assigned anew soon.
        """
        deadline, waited = time.monotonic() + self._hold_seconds, False
        while not waited and time.monotonic() < deadline:
            waited = self._held.acquire(timeout=_SLICE_SECONDS)
            if not waited:
                meanwhile()
        try:
            with self._changed:
                self._partitions -= frozenset(partitions)
                self._settled = settled
                self._changed.notify_all()
            yield
        finally:
            if waited:
                self._held.release()

    def lose(self, reason: str) -> None:
        """The group has put us out. The first reason stays."""
        with self._changed:
            self._lost = self._lost or reason
            self._partitions = frozenset()
            self._changed.notify_all()

    def fail(self, error: IngestError) -> None:
        """Membership ends with this error. The first one stays."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    # Asked by others

    @property
    def partitions(self) -> frozenset[int]:
        """Ours, as far as it is known now."""
        with self._changed:
            return self._partitions

    def check(self) -> None:
        """:raises PartitionsLostError: put out. :raises IngestError: the membership failed."""
        with self._changed:
            self._raise()

    def lost_within(self, seconds: float) -> bool:
        """Whether the group puts us out, waiting a while for who knows why."""
        with self._changed:
            return self._changed.wait_for(lambda: self._lost is not None, seconds)

    def share(self, timeout_seconds: float) -> frozenset[int]:
        """As ``ports.MemberSource``."""
        with self._changed:
            settled = self._changed.wait_for(self._is_over, timeout_seconds)
            self._raise()
            return self._partitions if settled else frozenset()

    def require(self, partitions: Iterable[int]) -> None:
        """These are ours, unless a rebalance is under way, of which nobody knows the end yet.

        :raises ShareChanged: one is not.
        """
        with self._changed:
            self._raise()
            if self._settled and not self._partitions >= set(partitions):
                raise ShareChanged

    @contextmanager
    def holding(self, partitions: frozenset[int], timeout_seconds: float) -> Iterator[None]:
        """As ``ports.MemberSource``. :param timeout_seconds: for a rebalance to end before."""
        if not self._hold(partitions, timeout_seconds):
            raise ShareChanged
        try:
            yield
        finally:
            self._held.release()

    def _hold(self, partitions: frozenset[int], timeout_seconds: float) -> bool:
        """Whether these are ours, and are held now."""
        self.share(timeout_seconds)
        self._held.acquire()
        there = False
        try:
            with self._changed:
                self._raise()
                there = self._settled and self._partitions >= partitions
        finally:
            if not there:
                self._held.release()
        return there

    def _is_over(self) -> bool:
        return self._settled or self._lost is not None or self._failure is not None

    def _raise(self) -> None:
        if self._failure is not None:
            raise copy.copy(self._failure)  # each caller adds where it was
        if self._lost is not None:
            message = f"the member was put out of group {self._group_id!r}: {self._lost}"
            raise PartitionsLostError(message, topic=self._topic, group_id=self._group_id, remedy=_REMEDY)
