"""What goes wrong with the servers while runs are under way: brokers, the network before them, and BigQuery."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from airflow_kafka_bq.testing.kafka import wait_until_visible
from tests.campaign.agenda import Agenda
from tests.campaign.diary import Diary
from tests.campaign.ground import Ground, front_is_dead

_JOBS = ("kafka-bq-load", "kafka-bq-merge", "kafka-bq-")
_CALLS = ("jobs.insert", "jobs.insert", "jobs.get", "tables.get", "tables.insert")
_STATUS = ((500, "internalError"), (502, "badGateway"), (503, "backendError"), (429, "rateLimitExceeded"))


@dataclass
class Troubles:
    """Draws faults; each ends by itself after a while, and all of them when the round is to settle.

    :param proxied: whether the round's runs reach Kafka through the proxies.
    """

    ground: Ground
    draw: random.Random
    agenda: Agenda
    diary: Diary
    proxied: bool
    hurt: set[int] = field(default_factory=set)
    front_is_down: bool = False
    front_may_die: bool = False  # Google's client, asked by the harness, would wait ten minutes for it

    def __post_init__(self) -> None:
        self.agenda.always = self.watch_front

    @property
    def brokers_are_well(self) -> bool:
        """Whether the harness may ask them for something."""
        return not self.hurt

    def strike(self) -> str:
        """One fault, drawn; its kind."""
        kinds: list[Callable[[], str]] = [self._front_answers_wrongly, self._front_answers_wrongly]
        kinds += [self._job_fails, self._job_is_slow, self._job_is_held, self._job_is_cancelled]
        kinds += [self._front_dies, self._front_dies_at_any_time]
        if self.brokers_are_well:
            kinds += [self._broker_freezes, self._broker_dies]
        if self.proxied:
            kinds += [self._network, self._network]
        kind = self.draw.choice(kinds)()
        self.diary.fault(kind)
        return kind

    def silence(self) -> None:
        """BigQuery never answers the next submission; only for a run that is killed, others would wait a minute."""
        applied, job = self.draw.random() < 0.5, self.draw.choice(_JOBS)
        self.ground.faults.add("never_answer", call="jobs.insert", job_id=job, applied=applied)
        self.diary.fault("front: never answers", job)

    def end(self) -> None:
        """All is well again."""
        self.hurt.clear()  # nobody looks again and again whether they are ready
        self.agenda.finish()
        self.end_front()
        self.ground.kafka.wait_until_ready()

    def end_front(self) -> None:
        """BigQuery answers rightly again; brokers may still be away."""
        self._raise_front()
        self.ground.faults.clear()
        self._raise_front()  # it may have died at that moment
        self.front_may_die = False

    # BigQuery

    def _front_answers_wrongly(self) -> str:
        action = self.draw.choice(("fail_before", "fail_after", "drop_before", "drop_after"))
        call, (status, reason) = self.draw.choice(_CALLS), self.draw.choice(_STATUS)
        if action == "fail_after":
            status, reason = 503, "backendError"  # a refusal by quota would mean that nothing was done
        job = self.draw.choice(_JOBS) if call.startswith("jobs") else ""
        times = self.draw.randint(1, 3)
        rule = {"call": call, "job_id": job, "nth": self.draw.randint(1, 3), "times": times}
        self.ground.faults.add(action, status=status, reason=reason, **rule)
        if action == "drop_after" and call == "jobs.insert":
            self.ground.faults.add("404_after_409", call=call, job_id=job, times=0)
        return f"front: {action}"

    def _job_fails(self) -> str:
        reason = self.draw.choice(("backendError", "jobBackendError", "internalError"))
        job = self.draw.choice(_JOBS[:2])
        self.ground.faults.add("job_error", job_id=job, reason=reason, nth=self.draw.randint(1, 3))
        return "job: error"

    def _job_is_slow(self) -> str:
        job, at = self.draw.choice(_JOBS[:2]), self.draw.choice(("start", "commit"))
        rule = {"job_id": job, "nth": self.draw.randint(1, 3), "times": 2, "at": at}
        self.ground.faults.add("slow", seconds=self.draw.uniform(0.2, 1.5), **rule)
        return "job: slow"

    def _job_is_held(self) -> str:
        job, at = self.draw.choice(_JOBS[:2]), self.draw.choice(("start", "commit"))
        name = f"hold-{self.draw.random()}"
        self.ground.faults.add("hold", job_id=job, nth=self.draw.randint(1, 3), at=at, name=name)
        self._later(0.3, 2.5, "held job goes on", lambda: self._release(name))
        return "job: held"

    def _release(self, name: str) -> None:
        self._raise_front()
        self.ground.faults.release(name)

    def _front_dies(self) -> str:
        at = self.draw.choice(("before", "started", "commit", "applied", "after"))
        self.front_may_die = True
        call = {"call": "jobs.insert"} if at in {"before", "after"} else {}
        self.ground.faults.add("kill_front", at=at, job_id=self.draw.choice(_JOBS), nth=self.draw.randint(1, 3), **call)
        return f"front: killed {at}"

    def _front_dies_at_any_time(self) -> str:
        self.front_may_die = True
        self._later(0.1, 2.5, "front is killed", self._kill_front)
        return "front: killed at any time"

    def _kill_front(self) -> None:
        if self.front_may_die and not front_is_dead(self.ground.bigquery):
            self.ground.bigquery.kill_front()

    def _job_is_cancelled(self) -> str:
        self._later(0.3, 2.5, "the latest MERGE is cancelled", self._cancel)
        return "job: cancelled"

    def _cancel(self) -> None:
        if self.front_may_die:
            return
        calls = self.ground.faults.calls("jobs.insert")
        if merges := [one["job_id"] for one in calls if "kafka-bq-merge" in str(one["job_id"])]:
            self.ground.client.cancel_job(merges[-1])

    def watch_front(self) -> None:
        """A front that died is started again after a while."""
        if not self.front_is_down and front_is_dead(self.ground.bigquery):
            self.front_is_down = True
            self._later(0.1, 0.6, "front starts again", self._raise_front)

    def _raise_front(self) -> None:
        if front_is_dead(self.ground.bigquery):
            self.ground.bigquery.restart_front()
        self.front_is_down = False

    # Kafka

    def _broker_freezes(self) -> str:
        node = self.draw.choice(self.ground.kafka.node_ids)
        self.ground.kafka.pause(node)
        self.hurt.add(node)
        self._later(0.3, 3.0, f"broker {node} thaws", lambda: self._thaw(node))
        return "broker: frozen"

    def _thaw(self, node: int) -> None:
        self.ground.kafka.resume(node)
        self.hurt.discard(node)

    def _broker_dies(self) -> str:
        node = self.draw.choice(self.ground.kafka.node_ids)
        self.ground.kafka.kill(node)
        self.hurt.add(node)
        self._later(0.1, 2.0, f"broker {node} starts", lambda: self._start(node))
        return "broker: killed"

    def _start(self, node: int) -> None:
        self.ground.kafka.restart(node, wait=False)
        self.agenda.later(0.3, lambda: self._look_at(node))

    def _look_at(self, node: int) -> None:
        """Well again once it sees the others; waiting for that would hold the round up."""
        nodes = self.ground.kafka._nodes
        if nodes[node]._sees([each for each, one in nodes.items() if one.running and not one.paused]):
            self.hurt.discard(node)
            self.diary.note(f"broker {node} is ready")
        elif self.hurt:
            self.agenda.later(0.3, lambda: self._look_at(node))

    def _network(self) -> str:
        proxies = list(self.ground.kafka.proxies.values())
        chosen = proxies if self.draw.random() < 0.5 else [self.draw.choice(proxies)]
        way = self.draw.choice(("cut", "black_hole", "freeze", "delay", "drop_connections"))
        for proxy in chosen:
            if way == "delay":
                proxy.delay(self.draw.uniform(0.05, 0.4))
            else:
                getattr(proxy, way)()
        self._later(0.3, 3.0, "network heals", self._heal)
        return f"network: {way}"

    def _heal(self) -> None:
        for proxy in self.ground.kafka.proxies.values():
            proxy.restore()

    def _later(self, least: float, most: float, what: str, do: Callable[[], object]) -> None:
        def done() -> None:
            self.diary.note(what)
            do()

        self.agenda.later(self.draw.uniform(least, most), done)


def wait_for_leaders(ground: Ground, topic: str, partitions: int) -> None:
    """A broker that came back may not lead yet."""
    wait_until_visible(ground.kafka.bootstrap, topic, partitions, timeout_seconds=60)
