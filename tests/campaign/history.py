"""A random history on real processes: runs, struck and not, while servers fail and a producer produces."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaException
from google.api_core.exceptions import NotFound

from airflow_kafka_bq.testing.kafka import offset_bounds
from tests.campaign.agenda import Agenda
from tests.campaign.book import Book
from tests.campaign.diary import Diary
from tests.campaign.ground import Ground
from tests.campaign.log_reading import settle
from tests.campaign.oracle import Oracle
from tests.campaign.points import ACTIONS, POINTS
from tests.campaign.processes import ChildRun, Run, airflow_task, command
from tests.campaign.producer import ProducerProcess, Task
from tests.campaign.runs import Runs
from tests.campaign.seen import look
from tests.campaign.shapes import SHAPES, UPDATE
from tests.campaign.topic_changes import TopicChanges
from tests.campaign.troubles import Troubles, wait_for_leaders

_BATCHES = 12  # of messages, for a round; a MERGE takes the local BigQuery a quarter of a second
_MOST_MESSAGES = 200
_SECONDS = 20.0


def play(ground: Ground, seed: int, airflow: bool = False, steps: tuple[int, int] = (6, 9)) -> Diary:
    """One round.

    :param airflow: whether Airflow's tasks are among the runs.
    :param steps: how many, at least and at most.
    """
    diary = Diary("airflow" if airflow else "history", seed)
    draw = random.Random(f"{diary.name} {len(ground.kafka.node_ids)} {seed}")
    try:
        History(ground, diary, draw, airflow).play(draw.randint(*steps))
    except Exception as error:
        diary.problem(f"the round broke off: {type(error).__name__}: {error}")
    diary.close()
    return diary


class History:
    """The state of one round."""

    def __init__(self, ground: Ground, diary: Diary, draw: random.Random, airflow: bool) -> None:
        self.ground, self.diary, self.draw, self.airflow = ground, diary, draw, airflow
        self.shape = draw.choice(SHAPES)
        # A window may bring a message that is lost to the live runs: then nothing tells exactly what must be there.
        self.windows = draw.random() < 0.3
        proxied = draw.random() < 0.6
        partitions = draw.randint(1, 3)
        batch = draw.choice((5, 12, 40, 1000))
        self.pipe = ground.pipe(self.shape, partitions, batch_messages=batch)
        self.bootstrap = ground.kafka.proxied_bootstrap if proxied else ground.kafka.bootstrap
        self.pipe.write(kafka={"bootstrap.servers": self.bootstrap})
        self.agenda = Agenda()
        self.troubles = Troubles(ground, draw, self.agenda, diary, proxied)
        self.runs = Runs(self.agenda, diary, reached_the_end=self._look_whether_it_did)
        self.least: dict[int, int] = {}
        self.ends: dict[int, dict[int, int]] = {}
        self.producer = ProducerProcess(
            Task(
                bootstrap=ground.kafka.bootstrap,
                topic=self.pipe.topic,
                shape=self.shape.name,
                partitions=partitions,
                seed=f"{diary.name} {diary.seed}",
                path=ground.folder / f"{self.pipe.table}.messages",
                most=min(_MOST_MESSAGES, batch * _BATCHES),
                seconds=_SECONDS,
            )
        )
        self.changes = TopicChanges(ground, self.pipe, self.producer, draw, diary)
        diary.note(f"{self.shape.name}, {partitions} partitions, {self.pipe.settings}, proxied: {proxied}")

    def play(self, steps: int) -> None:
        """Steps, then peace, then one ordinary run, then the truth."""
        try:
            for _ in range(steps):
                self._step()
            self._peace()
            self._last_run()
            self._judge()
        finally:
            self.runs.remove()
            with suppress(Exception):
                self.troubles.end()
            self.producer.close()

    # Steps

    def _step(self) -> None:
        self._note_ends()
        if self.draw.random() < 0.6:
            self.troubles.strike()
        if self.runs.frozen and self.draw.random() < 0.4:
            self.runs.thaw(self.draw.randrange(len(self.runs.frozen)))
        acts: list[Callable[[], None]] = [self._struck_at_a_point] * 3 + [self._struck_at_any_time] * 4
        acts += [self._two_at_once, self._two_at_once, self._silence]
        acts += [self._beside_a_window, self._beside_a_window] if self.windows else []
        self.draw.choice(acts)()
        self.runs.wait()
        if self.draw.random() < 0.7:
            self.troubles.end_front()

    def _struck_at_a_point(self) -> None:
        row = self.draw.choice(list(POINTS))
        point = self.draw.choice(POINTS[row])
        blow = point.blow(self.draw, self.draw.choice(ACTIONS), batches=4)
        run = ChildRun(self.pipe.start(blow))
        self._started(run)
        self.runs.will_strike_itself(run, row, blow)
        self._meanwhile()
        self.runs.await_blow(run)

    def _struck_at_any_time(self) -> None:
        run = self._started(self._any_kind())
        self._meanwhile(self.runs.some_time(run, self.draw))
        self.runs.strike(run, self.draw.choice(ACTIONS), "any time")
        if run in self.runs.frozen and self.draw.random() < 0.5:
            self.agenda.rest(self.draw.uniform(0.1, 1.0))
            self.runs.thaw(self.runs.frozen.index(run))

    def _silence(self) -> None:
        """BigQuery takes the job, or does not, and never answers; the run is killed while it waits."""
        if self.runs.going:  # one that is not killed would wait for a minute
            return self._struck_at_any_time()
        self.troubles.silence()
        run = self._started(command(self.pipe))
        self._meanwhile(self.runs.some_time(run, self.draw))
        self.runs.strike(run, "kill", "any time")
        self.troubles.end_front()
        return None

    def _two_at_once(self) -> None:
        runs = [self._started(self._any_kind()), self._started(ChildRun(self.pipe.start()))]
        if self.draw.random() < 0.8:
            run = self.draw.choice(runs)
            self._meanwhile(self.runs.some_time(run, self.draw))
            self.runs.strike(run, self.draw.choice(ACTIONS), "one of two")

    def _beside_a_window(self) -> None:
        if not (self.troubles.brokers_are_well and self.pipe.has_begun()):
            return self._struck_at_any_time()
        live = self._started(self._any_kind())
        bounds = self.changes.keep_log().bounds
        part = self.draw.choice(list(bounds))
        start, end = (self.draw.randint(bounds[part][0], bounds[part][1]) for _ in range(2))
        window = f"window={{from: {{{part}: {min(start, end)}}}, to: {{{part}: {max(start, end) + 1}}}}}"
        self.diary.fault("window beside", window)
        beside = self._started(command(self.pipe, window))
        if self.draw.random() < 0.6:
            run = self.draw.choice((live, beside))
            self.agenda.rest(self.runs.some_time(run, self.draw))
            self.runs.strike(run, self.draw.choice(ACTIONS), "beside a window")
        return None

    def _any_kind(self) -> Run:
        if self.airflow and self.draw.random() < 0.5:
            return airflow_task(self.pipe, self.bootstrap, self.ground.airflow_home)
        return command(self.pipe) if self.draw.random() < 0.7 else ChildRun(self.pipe.start())

    def _started(self, run: Run) -> Run:
        self.runs.started(run)
        self.ends[run.pid] = self.least
        return run

    def _note_ends(self) -> None:
        """A run that starts after this reads at least so far, if it says that it came to the end."""
        self.least = {}
        if self.troubles.brokers_are_well and not self.runs.explained:
            with suppress(KafkaException):  # elected anew at this moment: nothing is noted
                bounds = offset_bounds(self.ground.kafka.bootstrap, self.pipe.topic, range(self.pipe.partitions))
                self.least = {part: end for part, (_, end) in bounds.items()}

    def _look_whether_it_did(self, run: Run) -> None:
        """I4 of runs on the way: silence is not the end."""
        least = self.ends.pop(run.pid, {})
        if self.troubles.front_may_die or self.runs.explained:
            return
        ledger = self.pipe.ledger()
        if short := {part: end for part, end in least.items() if ledger.get(part, 0) < end}:
            self.diary.problem(f"I4: {run.kind} {run.pid} said that it came to the end, and is at {ledger}: {short}")

    def _meanwhile(self, seconds: float = 0.3) -> None:
        """That time passes; sometimes somebody does something to the topic in it."""
        first = self.draw.uniform(0, seconds)
        self.agenda.rest(first)
        if self.draw.random() < 0.5 and self.troubles.brokers_are_well:
            self.draw.choice(self._changes())()
        self.agenda.rest(seconds - first)

    def _changes(self) -> list[Callable[[], None]]:
        """What somebody may do to the topic now. What Kafka loses before there is a ledger, nobody is told."""
        if not self._knows_positions():
            return [self.changes.delete_group]
        found: list[Callable[[], None]] = [self.changes.delete_group, self.changes.add_partition]
        if not self.windows:
            found += [self.changes.delete_records] * 3
            if self.shape is not UPDATE and self.changes.life == 0:
                found += [self._topic_is_created_again] * 2
        return found

    def _knows_positions(self) -> bool:
        if self.troubles.front_may_die:
            return False
        try:
            return self.pipe.ledger().keys() >= set(range(self.pipe.partitions))
        except (NotFound, AssertionError):  # no ledger yet, or no row in it
            return False

    def _topic_is_created_again(self) -> None:
        """Refused by name; then the pipeline is started over, sometimes with a frozen run overlooked."""
        self.runs.explained |= {"TopicChangedError", "NotFoundError"}
        self.changes.create_again()
        if self.draw.random() < 0.5:
            self.runs.thaw_all()
        self.runs.wait()
        self.troubles.end()
        refused = self.pipe.command("run", str(self.pipe.path), "--json")
        self.diary.runs += 1
        self.diary.note(f"the topic that was created again: {refused.returncode} {refused.stdout[:200]}")
        if refused.returncode != 3 or '"error": "TopicChangedError"' not in refused.stdout:
            self.diary.problem(f"R3: a topic that was created again: {refused.returncode} {refused.stdout}")
        self.changes.start_over()
        self.pipe.write(start="earliest", kafka={"bootstrap.servers": self.bootstrap})

    # The end

    def _peace(self) -> None:
        self.troubles.end()
        self.runs.thaw_all()
        self.runs.wait()
        self.diary.messages = self.producer.tell("stop")
        wait_for_leaders(self.ground, self.pipe.topic, self.pipe.partitions)

    def _last_run(self) -> None:
        self._note_ends()
        run = self._started(command(self.pipe))
        self.runs.wait()
        report: dict[str, Any] = run.ending().document or {}
        if report.get("outcome") != "end":
            self.diary.problem(f"I4: after the faults an ordinary run ended with {report} {run.ending()}")

    def _judge(self) -> None:
        self.changes.keep_log()
        book: Book = self.producer.book()
        for trouble in settle(book, self.changes.logs, self.shape):
            self.diary.problem(f"the broker: {trouble}")
        self.diary.messages = len(book.entries)
        oracle = Oracle(book, self.shape, self.changes.lives, windowed=self.windows)
        self.diary.judged(oracle.judge(look(self.pipe, self.shape)))
