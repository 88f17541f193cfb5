"""A run that is a member of its group: what it reads of a plan, when it may merge, when all of the topic is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from airflow_kafka_bq.batch import Kind, Outcome, Position, RunPlan, Staged
from airflow_kafka_bq.exceptions import StalledError
from airflow_kafka_bq.pipeline.head import Head, Spent
from airflow_kafka_bq.pipeline.job import Job
from airflow_kafka_bq.pipeline.positions import metadata
from airflow_kafka_bq.ports.source import MemberSource

SETTLE_SECONDS = 5.0
LOG_TRUNCATION = "log_truncation"
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 8.0
_MOST_INTERRUPTIONS = 5


def narrowed(plan: RunPlan, share: frozenset[int], ends: Mapping[int, int]) -> RunPlan:
    """The partitions of a share, up to the ends that were fixed when the run began.

    A partition that was added since is left to the next run.
    """
    partitions = {
        part: replace(one, end_offset=max(one.start_offset, min(one.end_offset, ends[part])))
        for part, one in plan.partitions.items()
        if part in share and part in ends
    }
    return replace(
        plan,
        partitions=partitions,
        positions={part: plan.positions[part] for part in partitions},
        gaps=tuple(gap for gap in plan.gaps if gap.partition in partitions),
        unchecked=tuple(dict.fromkeys((*plan.unchecked, LOG_TRUNCATION))),
        shared=True,
    )


def is_reached(positions: Mapping[int, Position], ends: Mapping[int, int]) -> bool:
    """Whether the ledger has the whole topic up to its ends."""
    return all(part in positions and positions[part].next_offset >= end for part, end in ends.items())


@contextmanager
def held(job: Job, staged: Staged, head: Head) -> Iterator[None]:
    """Around MERGE and commit of a member: nobody takes the partitions away, and the coordinator knows us.

    What is committed here is where the ledger stands: it changes nothing, and a member that was put out is told so.

    :raises ShareChanged: a partition of the batch is not ours any more: it is dropped.
    :raises PartitionsLostError: the member was put out of the group. :raises KafkaUnavailableError: no answer.
    """
    if job.member is None or staged.kind is not Kind.LIVE:
        yield
        return
    with job.member.holding(frozenset(one.partition for one in staged.ranges)):
        job.member.commit(head.positions, metadata(str(job.target.table), head.revision, head.batch_id))
        yield


@dataclass(slots=True)
class Turns:
    """Of one member: how long it waits for the others, and how often it begins anew.

    ``ends`` are those of all partitions, fixed by the first plan; ``positions`` the ledger's, as the last one saw them.
    """

    job: Job
    member: MemberSource
    spent: Spent
    ends: Mapping[int, int] = field(default_factory=dict)
    positions: Mapping[int, Position] = field(default_factory=dict)
    _batches: int = 0
    _progress_at: float = field(init=False)
    _interruptions: int = 0

    def __post_init__(self) -> None:
        self._progress_at = self.job.clock()

    def narrowing(self, share: frozenset[int]) -> Callable[[RunPlan], RunPlan]:
        """What makes a plan of the whole topic one of this share."""

        def narrow(plan: RunPlan) -> RunPlan:
            self.ends = self.ends or {part: one.end_offset for part, one in plan.partitions.items()}
            self.positions = plan.positions
            return narrowed(plan, share, self.ends)

        return narrow

    def interrupted(self, batches: int) -> None:
        """A rebalance or another member made us plan anew.

        :param batches: of the run, that were applied so far.

        :raises StalledError: nothing was applied for too long, however busy the member was.
        """
        now, patience = self.job.clock(), self.job.config.stall_timeout_seconds
        if batches > self._batches:
            self._batches, self._progress_at, self._interruptions = batches, now, 0
        self._interruptions += 1
        if self._interruptions >= _MOST_INTERRUPTIONS and now - self._progress_at >= patience:
            message = f"{self._interruptions} times other members or rebalances took a batch away before its MERGE"
            raise StalledError(
                f"{message}, and nothing was applied for {now - self._progress_at:.0f} s",
                remedy="see who joins and leaves the group; smaller batches are merged sooner; then run it again",
            )

    def wait(self, pipeline: str, share: frozenset[int]) -> Outcome | None:
        """For the other members, until they have read theirs; a member that was put out leaves its partitions to us.

        :returns: how the run ends; None: our share is another one now.
        :raises StalledError: the ledger stands still, and nobody was put out of the group for it.
        """
        job, seen, pause, moved_at = self.job, -1, _FIRST_PAUSE_SECONDS, self.job.clock()
        while True:
            row = job.warehouse.ledger(job.target, pipeline)
            # A partition that was added, and of which nothing was read yet, is not in the ledger.
            positions = {**self.positions, **(row.positions if row else {})}
            if is_reached(positions, self.ends):
                return Outcome.END
            if self.member.share(0) != share:
                return None
            if job.config.max_seconds is not None and job.clock() - self.spent.began >= job.config.max_seconds:
                return Outcome.LIMIT
            if row is not None and row.revision != seen:
                seen, pause, moved_at = row.revision, _FIRST_PAUSE_SECONDS, job.clock()
            elif job.clock() - moved_at >= self.patience_seconds:
                raise self._alone(positions, share)
            job.stop.pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    @property
    def patience_seconds(self) -> float:
        """For members that hold partitions and move nothing: the group puts those out that do not poll."""
        return self.member.eviction_seconds + self.job.config.stall_timeout_seconds

    def _alone(self, positions: Mapping[int, Position], share: frozenset[int]) -> StalledError:
        left = [part for part, end in sorted(self.ends.items()) if not is_reached(positions, {part: end})]
        others = ", ".join(f"{one.client_id} at {one.host}" for one in self.member.group().members) or "nobody"
        message = f"partitions {left} are not read, ours are {sorted(share)}, and the ledger did not move for"
        return StalledError(
            f"{message} {self.patience_seconds:g} s; members of the group: {others}",
            partition=left[0] if left else None,
            remedy="stop the member that has these partitions; then run it again",
        )
