"""Logins and permissions that are missing, or end while a run is under way: named, never green with no rows."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # documented, but not in __all__
    AdminClient,
    ScramMechanism,
    UserScramCredentialDeletion,
)

from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.exceptions import AccessDeniedError
from airflow_kafka_bq.pipeline.runner import run
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import KafkaBroker, allow, create_topic, delete_topic, forbid, warm_up
from tests.end_to_end.elsewhere import oracle_on
from tests.end_to_end.frozen import NARROW, frozen, wide
from tests.end_to_end.oracle import Oracle
from tests.end_to_end.pipe import Pipe

PipeFactory = Callable[..., Pipe]
PASSWORD = "canary-of-alice"
_OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
TOKENS = {  # as brokers with managed logins do: whoever shows no new token in time is cut off
    "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,OAUTHBEARER",
    "listener.name.sasl.oauthbearer.sasl.jaas.config": f'{_OAUTH} required unsecuredLoginStringClaim_sub="x";',
    "listener.name.sasl.oauthbearer.connections.max.reauth.ms": 60_000,
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[KafkaBroker]:
    """With logins, tokens and access control."""
    with KafkaBroker(users={"alice": PASSWORD}, acl=True, overrides=TOKENS) as own:
        create_topic(own.bootstrap, "warm-up")
        warm_up(own.bootstrap, "warm-up")
        yield own


def _as_alice(guarded: KafkaBroker, pipe: PipeFactory, **settings: Any) -> Oracle:
    """May read the topic and use the group."""
    oracle = oracle_on(guarded, pipe, 2, kafka=guarded.sasl_settings("alice") | NARROW, **settings)
    allow(guarded.bootstrap, "alice", "READ", topic=oracle.pipe.topic, group_id=oracle.pipe.group_id)
    return oracle


def _settle(guarded: KafkaBroker, oracle: Oracle) -> None:
    oracle.pipe.write(kafka=guarded.sasl_settings("alice"))
    oracle.settle()


@pytest.mark.fault("R6")
@pytest.mark.parametrize("missing", ["topic", "group_id"])
def test_a_missing_permission_is_named_before_anything_is_made(
    pipe: PipeFactory, guarded: KafkaBroker, missing: str
) -> None:
    """R6: on the topic, or on the group."""
    oracle = _as_alice(guarded, pipe)
    made = oracle.pipe
    oracle.produce(wide(10))
    forbid(guarded.bootstrap, "alice", **{missing: getattr(made, "topic" if missing == "topic" else missing)})
    failure = made.run()
    assert (failure["error"], failure["topic"], failure["group_id"]) == ("AccessDeniedError", made.topic, made.group_id)
    assert "READ" in failure["remedy"]
    assert made.tables() == set()
    allow(guarded.bootstrap, "alice", "READ", topic=made.topic, group_id=made.group_id)
    _settle(guarded, oracle)


@pytest.mark.slow
def test_the_doctor_lists_what_is_missing_before_anything_runs(
    pipe: PipeFactory, guarded: KafkaBroker, bigquery: LocalBigQuery
) -> None:
    """Of a login that may describe the topic alone; then each rule is added as the doctor writes it."""
    made = oracle_on(guarded, pipe, 1, kafka=guarded.sasl_settings("alice")).pipe
    allow(guarded.bootstrap, "alice", "DESCRIBE", topic=made.topic)
    found = made.json("doctor", str(made.path), "--every", "1h")
    told = {one["what"]: one for one in found["findings"]}
    group = told[f"the login lacks DESCRIBE, READ on group {made.group_id}"]
    assert group["severity"] == told[f"the login lacks READ on topic {made.topic}"]["severity"] == "error"
    assert group["remedy"].endswith(f"--operation Describe --operation Read --group {made.group_id}")
    assert told[f"the login lacks DESCRIBE_CONFIGS on topic {made.topic}"]["severity"] == "note"
    allow(guarded.bootstrap, "alice", "READ", "DESCRIBE_CONFIGS", topic=made.topic)
    allow(guarded.bootstrap, "alice", "READ", group_id=made.group_id)
    healthy = made.json("doctor", str(made.path), "--every", "1h")
    assert (healthy["healthy"], healthy["findings"]) == (True, [])
    kafka = {(one["right"], one["state"]) for one in healthy["access"] if one["service"] == "kafka"}
    assert kafka == {("DESCRIBE", "allowed"), ("READ", "allowed"), ("DESCRIBE_CONFIGS", "allowed")}
    assert made.run()["outcome"] == "end"
    bigquery.faults.add("deny", path=f"{made.table}__ledger:", message="bigquery.tables.updateData", times=0)
    try:
        (finding,) = made.json("doctor", str(made.path), "--every", "1h")["findings"]
    finally:
        bigquery.faults.clear()
    assert finding["what"].startswith("the login lacks bigquery.tables.updateData on table ")
    assert PASSWORD not in json.dumps([found, healthy, finding])


@pytest.mark.fault("R6", "B6")
@pytest.mark.parametrize(
    ("effect", "phase"),
    [pytest.param("source.poll", "after", marks=pytest.mark.slow), ("source.commit", "before")],
    ids=["reading", "committing"],
)
def test_a_permission_that_is_taken_away_is_named_and_the_rows_are_safe(
    pipe: PipeFactory, guarded: KafkaBroker, effect: str, phase: str
) -> None:
    """R6, B6: in the middle of reading; and between MERGE and commit, where the broker refuses each partition."""
    oracle = _as_alice(guarded, pipe, batch_messages=100)
    made = oracle.pipe
    oracle.produce(wide(400))
    with frozen(made, effect, phase) as child:
        forbid(guarded.bootstrap, "alice", topic=made.topic)
    failure = child.finish()
    assert failure["error"] in {"AccessDeniedError", "NotFoundError", "TopicChangedError"}, failure
    assert (failure["topic"], failure["group_id"]) == (made.topic, made.group_id)
    if effect == "source.commit":
        assert failure["error"] == "AccessDeniedError"
        assert failure["partition"] in {0, 1}
        assert failure["report"]["committed"] is False
        assert sum(made.ledger().values()) >= 100
        assert made.committed() == {}
    oracle.prefix()
    allow(guarded.bootstrap, "alice", "READ", topic=made.topic)
    _settle(guarded, oracle)


@pytest.mark.fault("B6")
def test_one_partition_that_is_gone_is_named_and_the_other_is_committed(pipe: PipeFactory) -> None:
    """B6: between MERGE and commit the topic is created again with one partition instead of two."""
    made = pipe(partitions=2)
    oracle = Oracle(made)
    oracle.produce([{"n": number} for number in range(20)])
    with frozen(made, "source.commit") as child:
        delete_topic(made.bootstrap, made.topic)
        create_topic(made.bootstrap, made.topic, 1)
    failure = child.finish()
    assert (failure["error"], failure["topic"], failure["partition"]) == ("TopicChangedError", made.topic, 1)
    assert failure["report"]["committed"] is False
    ledger = made.ledger()
    assert sum(ledger.values()) == 20
    oracle.prefix()
    made.partitions = 1
    assert made.committed() == {0: ledger[0]}
    assert made.run()["error"] == "TopicChangedError"
    assert made.ledger() == ledger


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


class Tokens:
    """A token service that gives short tokens, until it does not."""

    def __init__(self, good: int, life_seconds: float) -> None:
        self.good, self.life_seconds = good, life_seconds
        self.asked = 0

    def __call__(self, _config: str) -> tuple[str, float]:
        self.asked += 1
        if self.asked > self.good:
            raise PermissionError("canary-of-the-token-service")
        now = time.time()
        claims = {"sub": "alice", "iat": now, "exp": now + self.life_seconds}
        return f"{_part({'alg': 'none'})}.{_part(claims)}.", now + self.life_seconds


def _run_with(tokens: Tokens, made: Pipe, guarded: KafkaBroker) -> Any:
    """In this process: a callback is no text for a job file."""
    file = jobfile.read(made.path)
    login: dict[str, Any] = {
        "bootstrap.servers": guarded.sasl_settings("alice")["bootstrap.servers"],
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "oauth_cb": tokens,
    }
    job = jobfile.assemble(dataclasses.replace(file, kafka=NARROW | login), Stop())
    try:
        return run(job).to_json()
    finally:
        assembly.close(job)


@pytest.mark.fault("R6")
@pytest.mark.slow
def test_tokens_are_renewed_while_a_run_goes_on(
    pipe: PipeFactory, guarded: KafkaBroker, bigquery: LocalBigQuery
) -> None:
    oracle = _as_alice(guarded, pipe, batch_messages=100)
    oracle.produce(wide(400))
    bigquery.faults.add("slow", kind="script", job_id="kafka-bq-merge", seconds=1.5, times=0)
    try:
        tokens = Tokens(1_000, 5)
        report = _run_with(tokens, oracle.pipe, guarded)
    finally:
        bigquery.faults.clear()
    assert (report["outcome"], report["messages"], report["committed"]) == ("end", 400, True)
    assert tokens.asked > 2  # one for each client at first
    oracle.check()


@pytest.mark.fault("R6")
@pytest.mark.slow
def test_a_token_that_expires_without_a_new_one_is_named(
    pipe: PipeFactory, guarded: KafkaBroker, bigquery: LocalBigQuery
) -> None:
    """R6: in the middle of a run. What the token service says may hold secrets, and is not told."""
    oracle = _as_alice(guarded, pipe, batch_messages=20)
    oracle.produce(wide(400))
    bigquery.faults.add("slow", kind="script", job_id="kafka-bq-merge", seconds=1.0, times=0)
    try:
        with pytest.raises(AccessDeniedError) as raised:
            _run_with(Tokens(3, 5), oracle.pipe, guarded)
    finally:
        bigquery.faults.clear()
    assert (raised.value.topic, raised.value.group_id) == (oracle.pipe.topic, oracle.pipe.group_id)
    assert "token" in str(raised.value)
    assert "canary" not in f"{raised.value} {raised.value.__cause__} {raised.value.__context__}"
    assert sum(oracle.pipe.ledger().values()) > 0
    oracle.prefix()
    _settle(guarded, oracle)


@pytest.mark.fault("R6")
@pytest.mark.slow
def test_a_user_that_is_deleted_is_named(pipe: PipeFactory) -> None:
    """R6: whose connections live on; after the next broken one the login is refused."""
    with KafkaBroker(users={"alice": PASSWORD}) as own:
        login = own.sasl_settings("alice", mechanism="SCRAM-SHA-256") | NARROW
        oracle = oracle_on(own, pipe, kafka=login, batch_messages=50, stall_timeout_seconds=60)
        oracle.produce(wide(400))
        with frozen(oracle.pipe, "source.poll", "after", patience=60) as child:
            _delete_user(own)
            own.restart()
        failure = child.finish(120)
        assert failure["error"] == "AccessDeniedError", failure
        assert "uthentication" in failure["message"]
        assert PASSWORD not in json.dumps(failure)
        oracle.prefix()
        oracle.pipe.write()
        oracle.settle()


def _delete_user(own: KafkaBroker) -> None:
    deletion = UserScramCredentialDeletion("alice", ScramMechanism.SCRAM_SHA_256)
    admin = AdminClient({"bootstrap.servers": own.bootstrap})
    admin.alter_user_scram_credentials([deletion])["alice"].result(20)
