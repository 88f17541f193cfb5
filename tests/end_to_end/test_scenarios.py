"""What happens to pipelines in practice, each with the result or the named error that the design promises."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import (
    KafkaBroker,
    MockCluster,
    TcpProxy,
    create_topic,
    delete_records,
    delete_topic,
)
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]


def _ten(made: Pipe) -> Counter[tuple[Any, ...]]:
    return Counter((one.partition, one.offset) for one in made.produce([{"n": number} for number in range(10)]))


def _coordinates(made: Pipe) -> Counter[tuple[Any, ...]]:
    return Counter(made.query(f"SELECT _kafka_partition, _kafka_offset FROM {made.name()}"))


def _ended(report: dict[str, Any]) -> None:
    assert report.get("outcome") == "end", report


def test_two_writers_at_once_leave_each_row_once(pipe: PipeFactory) -> None:
    """A1: a manual run and a scheduled one. One fences the other; both end, or the loser says that it lost."""
    made = pipe(batch_messages=2)
    wanted = _ten(made)
    runs = [made.start() for _ in range(3)]
    reports = [one.finish(120) for one in runs]
    assert all(report.get("outcome") == "end" or report["error"] == "MergeConflictError" for report in reports), reports
    assert any(report.get("outcome") == "end" for report in reports)
    made.run()
    assert _coordinates(made) == wanted
    made.check_history()
    assert made.committed() == made.ledger()


@pytest.mark.parametrize("effect", ["warehouse.load", "warehouse.merge", "source.commit"])
def test_a_thawed_zombie_changes_nothing(pipe: PipeFactory, effect: str) -> None:
    """A2: the first run freezes, a retry does all the work and more, the first one wakes up."""
    made = pipe(batch_messages=4)
    wanted = _ten(made)
    zombie = made.start(Blow(effect, "before", action="freeze"))
    zombie.freezes()
    assert made.run()["outcome"] == "end"
    wanted += _ten(made)
    assert made.run()["outcome"] == "end"
    before = made.ledger()
    zombie.thaw()
    zombie.finish()
    assert _coordinates(made) == wanted
    assert made.ledger() == before
    made.check_history()
    made.run()  # a zombie may have set Kafka's commit back, which Kafka cannot fence; the next run repairs it
    assert made.committed() == before


def test_a_lost_commit_is_repaired(pipe: PipeFactory) -> None:
    """The rows are durable; the ledger decides where the next run starts."""
    made = pipe()
    wanted = _ten(made)
    made.start(Blow("source.commit", "before")).dies()
    assert made.committed() == {}
    report = made.run()
    assert (report["messages"], report["committed"]) == (0, True)
    assert made.committed() == made.ledger()
    assert _coordinates(made) == wanted


def test_a_deleted_group_is_restored_from_the_ledger(pipe: PipeFactory) -> None:
    """R4, the origin story: a group without offsets reads nothing again."""
    made = pipe()
    wanted = _ten(made)
    made.run()
    admin = AdminClient({"bootstrap.servers": made.bootstrap})
    admin.delete_consumer_groups([made.group_id], request_timeout=30)[made.group_id].result(40)
    assert made.committed() == {}
    report = made.run()
    assert (report["outcome"], report["messages"]) == ("end", 0)
    assert made.committed() == made.ledger()
    assert _coordinates(made) == wanted


def test_another_group_id_changes_nothing_in_the_table(pipe: PipeFactory) -> None:
    """The migration of the origin story: a new group of the same pipeline starts from the ledger."""
    made = pipe()
    wanted = _ten(made)
    made.run()
    report = made.run("group_id=brand-new.{topic}.{table}")
    assert (report["outcome"], report["messages"]) == ("end", 0)
    assert _coordinates(made) == wanted


def test_a_group_with_a_live_member_is_refused_before_reading(pipe: PipeFactory) -> None:
    """G1: a foreign subscriber in our group is named."""
    made = pipe()
    _ten(made)
    member = Consumer({"bootstrap.servers": made.bootstrap, "group.id": made.group_id, "client.id": "stranger"})
    member.subscribe([made.topic])
    end = time.monotonic() + 20
    while not member.assignment() and time.monotonic() < end:
        member.poll(0.1)
    failure = made.run()
    member.close()
    assert failure["error"] == "GroupInUseError"
    assert "stranger" in failure["message"]
    assert made.tables() == set()


def test_a_group_of_two_topics_is_refused(pipe: PipeFactory) -> None:
    """The origin's shared group: one group never spans two topics."""
    first, second = pipe(group_id="shared", table="one"), pipe(group_id="shared", table="two")
    _ten(first)
    assert first.run()["outcome"] == "end"
    failure = second.run()
    assert failure["error"] == "GroupInUseError"
    assert first.topic in failure["message"]


def test_a_group_of_two_targets_is_refused(pipe: PipeFactory) -> None:
    """Two tasks that read one topic into two tables would move each other's offsets."""
    first = pipe(group_id="mine", table="one")
    second = pipe(group_id="mine", table="two", topic=first.topic)
    _ten(first)
    assert first.run()["outcome"] == "end"
    failure = second.run()
    assert failure["error"] == "GroupInUseError"
    assert "one" in failure["message"]


def test_an_empty_topic_ends_at_once(pipe: PipeFactory) -> None:
    """Nothing to read is a green run with tables and positions."""
    made = pipe(partitions=3)
    report = made.run()
    assert (report["outcome"], report["messages"], report["committed"]) == ("end", 0, True)
    assert made.ledger() == {0: 0, 1: 0, 2: 0}


def test_a_missing_topic_is_named_and_not_created(pipe: PipeFactory) -> None:
    """R6: never zero rows and success."""
    made = pipe(topic="no-such-topic")
    failure = made.run()
    assert (failure["error"], failure["topic"]) == ("NotFoundError", "no-such-topic")
    assert "no-such-topic" not in AdminClient({"bootstrap.servers": made.bootstrap}).list_topics(timeout=10).topics


def test_retention_that_overtook_is_an_error_that_says_what_is_lost(pipe: PipeFactory) -> None:
    """R1: the task fails and says which offsets; on request it notes the loss and goes on."""
    made = pipe(partitions=1)
    _ten(made)
    made.run()
    _ten(made)
    delete_records(made.bootstrap, made.topic, {0: 15})
    failure = made.run()
    assert (failure["error"], failure["partition"], failure["offset"]) == ("OffsetGapError", 0, 10)
    assert "10 to 14" in failure["message"]
    assert made.ledger() == {0: 10}
    report = made.run("on_gap=record")
    assert (report["outcome"], report["messages"]) == ("end", 5)
    assert report["gaps"] == [{"partition": 0, "start": 10, "end": 15}]
    assert made.dead_letters() == Counter([(0, 10, "lost", None, 15)])
    assert made.ledger() == {0: 20}


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
    assert _coordinates(made) == Counter()
    assert made.ledger() == {0: 0}


def test_a_dropped_target_is_noticed(pipe: PipeFactory) -> None:
    """The ledger knows which table it belongs to: an empty new one is not filled from the middle."""
    made = pipe()
    _ten(made)
    made.run()
    made.client.delete_table(f"{made.dataset}.{made.table}")
    failure = made.run()
    assert failure["error"] == "TargetChangedError"
    assert "seek --accept-target" in failure["remedy"]
    made.client.query_and_wait(f"CREATE TABLE {made.name()} (payload JSON)")
    assert made.run()["error"] == "TargetChangedError"


def test_a_recreated_topic_is_noticed(pipe: PipeFactory) -> None:
    """R3: also where the new topic is longer than the old position, which only the topic's id can tell."""
    made = pipe(partitions=1)
    _ten(made)
    made.run()
    delete_topic(made.bootstrap, made.topic)
    create_topic(made.bootstrap, made.topic, 1)
    made.produce([{"n": number} for number in range(30)])
    failure = made.run()
    assert failure["error"] == "TopicChangedError"
    assert "seek --accept-topic" in failure["remedy"]


def test_a_group_moved_forward_by_hand_is_a_conflict(pipe: PipeFactory) -> None:
    """Skipping messages is somebody's decision, and is made with seek."""
    made = pipe(partitions=1)
    _ten(made)
    made.run()
    _ten(made)
    made.commit({0: 17})
    failure = made.run()
    assert (failure["error"], failure["offset"]) == ("PositionConflictError", 17)
    made.commit({0: 3})  # backwards: the ledger holds, Kafka is repaired
    report = made.run()
    assert report["messages"] == 10
    assert made.committed() == {0: 20}


def test_twenty_pipelines_share_a_dataset(pipe: PipeFactory) -> None:
    """A10: nothing of one pipeline reaches another; only writers of one target can conflict."""
    pipes = [pipe(partitions=1, table=f"table_{number}") for number in range(20)]
    wanted = [_ten(one) for one in pipes]
    running: list[tuple[Pipe, Any]] = []
    for one in pipes:
        running.append((one, one.start()))
        if len(running) >= 4:
            _ended(running.pop(0)[1].finish(120))
    for _, child in running:
        _ended(child.finish(120))
    for one, rows in zip(pipes, wanted, strict=True):
        assert _coordinates(one) == rows
        assert one.committed() == one.ledger() == {0: 10}


@pytest.fixture(scope="module")
def guarded_kafka() -> Any:
    """A broker that asks for a password."""
    with KafkaBroker(users={"alice": "right-horse"}) as broker:
        yield broker


def test_a_wrong_password_is_named_and_never_shown(pipe: PipeFactory, guarded_kafka: KafkaBroker) -> None:
    """R6, I7: access denied within seconds; the password is in no output."""
    made = pipe(topic="any")
    settings = guarded_kafka.sasl_settings("alice", password="wr0ng-secret")
    made.write(kafka=dict(settings))
    began = time.monotonic()
    done = made.command("run", str(made.path), "--json", "--verbose")
    assert time.monotonic() - began < 30
    assert done.returncode == 3
    assert "AccessDeniedError" in done.stdout
    assert "wr0ng-secret" not in done.stdout + done.stderr


def test_a_broker_that_is_down_is_named(pipe: PipeFactory) -> None:
    """B1: unreachable is transient, never green with zero rows."""
    made = pipe()
    made.write(kafka={"bootstrap.servers": "127.0.0.1:1"})
    done = made.command("run", str(made.path), "--json")
    assert done.returncode == 4
    assert "KafkaUnavailableError" in done.stdout
    assert "127.0.0.1:1" in done.stdout


@pytest.fixture(scope="module")
def proxied_kafka() -> Any:
    """A broker behind a proxy that can withhold its answers."""
    with KafkaBroker(proxied=True) as broker:
        yield broker


@pytest.mark.parametrize("trouble", ["freeze", "black_hole", "cut"])
def test_a_broker_that_stops_answering_ends_the_run_in_time(
    pipe: PipeFactory, proxied_kafka: KafkaBroker, trouble: str
) -> None:
    """B2: frozen, silent or cut off in the middle of reading: an error within the stall time; the next run ends."""
    topic = f"silent-{trouble}"
    create_topic(proxied_kafka.bootstrap, topic, 1)
    made = pipe(partitions=1, topic=topic, stall_timeout_seconds=4, batch_messages=500)
    made.bootstrap = proxied_kafka.bootstrap
    made.produce([{"n": number, "text": "x" * 5_000} for number in range(2_000)])
    slow = {"queued.max.messages.kbytes": 64, "fetch.message.max.bytes": 20_000}
    made.write(kafka={"bootstrap.servers": proxied_kafka.proxied_bootstrap, **slow})
    proxy: TcpProxy = proxied_kafka.proxies[1]
    child = made.start(Blow("source.poll", "after", action="freeze"))
    child.freezes()
    getattr(proxy, trouble)()
    began = time.monotonic()
    try:
        child.thaw()
        failure = child.finish()
    finally:
        proxy.restore()
    assert time.monotonic() - began < 45
    assert failure.get("error") in {"KafkaUnavailableError", "StalledError"}, failure
    assert made.run()["outcome"] == "end"
    assert sum(_coordinates(made).values()) == 2_000


def test_a_frozen_coordinator_at_the_commit_leaves_the_rows_safe(pipe: PipeFactory, proxied_kafka: KafkaBroker) -> None:
    """K9, B2: a time-out after a durable MERGE is a warning; the next run repairs the group."""
    create_topic(proxied_kafka.bootstrap, "frozen-commit", 1)
    made = pipe(partitions=1, topic="frozen-commit")
    made.bootstrap = proxied_kafka.bootstrap
    _ten(made)
    made.write(kafka={"bootstrap.servers": proxied_kafka.proxied_bootstrap})
    proxy: TcpProxy = proxied_kafka.proxies[1]
    child = made.start(Blow("source.commit", "before", action="freeze"))
    child.freezes()
    proxy.freeze()
    try:
        child.thaw()
        report = child.finish()
    finally:
        proxy.restore()
    assert (report["outcome"], report["committed"], report["messages"]) == ("end", False, 10)
    assert made.run()["committed"] is True
    assert made.committed() == made.ledger() == {0: 10}


def test_the_engine_runs_on_the_mock_cluster(
    pipe: PipeFactory, mock_cluster: MockCluster, bigquery: LocalBigQuery
) -> None:
    """The embedded Kafka has no topic ids and no group description; the report says what was not checked."""
    mock_cluster.create_topic("mocked", 2)
    made = pipe(topic="mocked")
    made.bootstrap = mock_cluster.bootstrap
    made.write(kafka={"bootstrap.servers": mock_cluster.bootstrap})
    wanted = _ten(made)
    report = made.run()
    assert report["outcome"] == "end", report
    assert "topic_id" in report["unchecked"]
    assert made.run()["messages"] == 0
    assert _coordinates(made) == wanted
    assert bigquery.url
