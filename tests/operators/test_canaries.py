"""Secrets of connections, tokens and messages are in nothing that a task leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel

from airflow_kafka_bq.testing.bigquery import LocalBigQuery
from airflow_kafka_bq.testing.kafka import produce
from tests import airflow_home
from tests.operators.conftest import Finished, Wings, task

PASSWORD, EXTENSION, TOKEN, PAYLOAD = "c4n4ry-password", "c4n4ry-extension", "ya29.c4n4ry-token", "c4n4ry-payload"
CANARIES = (PASSWORD, EXTENSION, TOKEN, PAYLOAD)
MODEL = f"{__name__}:Strict"


class Strict(BaseModel):
    """Rejects what the messages hold, and says so in words of its own."""

    n: int
    at: Annotated[str, AfterValidator(lambda value: refuse(value))] = ""


def refuse(value: str) -> str:
    """As models of users do. :raises ValueError: quotes the message."""
    raise ValueError(f"{value!r} is no time")


@pytest.fixture
def secretive(wings: Wings, bigquery: LocalBigQuery) -> Iterator[Wings]:
    """Both connections hold secrets that the local servers do not ask for."""
    kafka = {
        "bootstrap.servers": wings.cluster.bootstrap,
        "sasl.username": "alice",
        "sasl.password": PASSWORD,
        "ssl.key.password": PASSWORD,
        "sasl.oauthbearer.extensions": f"logicalCluster={EXTENSION}",
    }
    google = {"project": "demo", "api_endpoint": bigquery.url, "keyfile_dict": json.dumps({"private_key": PASSWORD})}
    with airflow_home.connections(kafka_default=kafka, google_cloud_default=google):
        yield wings
    bigquery.faults.clear()


def leaks(wings: Wings, found: Finished) -> list[str]:
    """Canaries in logs, exceptions, XCom and links; in the SQL, labels and settings of jobs; in ledger and history."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rendered = [str(one.rendered_fields) for one in session.scalars(select(RenderedTaskInstanceFields))]
    jobs = [json.dumps(job.to_api_repr()) for job in wings.client.list_jobs()]
    assert jobs
    left = [wings.told(), repr(found.report), repr(found.links), *jobs, *rendered]
    for table in wings.client.list_tables(wings.dataset):
        if not table.table_id.endswith("__dead_letters") and "__stg_" not in table.table_id:  # they hold the messages
            left.append(repr([dict(row.items()) for row in wings.client.list_rows(table)]))
    return [canary for canary in CANARIES if any(canary in one for one in left)]


@pytest.mark.fault("A8")
def test_a_task_that_succeeds_tells_no_secret(secretive: Wings) -> None:
    """The poisoned message is in the dead-letter table, whole, and nowhere else."""
    bad = [f'{{"n": 1, "at": "{PAYLOAD}"}}', f'{{"{PAYLOAD}": NaN}}', f"{PAYLOAD} is no JSON"]
    produce(secretive.cluster.bootstrap, secretive.topic, [*bad, {"n": 2}])
    built = lambda: task(  # noqa: E731
        topic=secretive.topic, table=secretive.table, model=MODEL, max_bad_ratio=None, labels={"team": "shop"}
    )  # fmt: skip
    found = secretive.run(built)
    assert (found.state, found.report["rows"]["dead_lettered"]) == ("success", 3)
    assert leaks(secretive, found) == []
    letters = secretive.client.query_and_wait(f"SELECT _kafka_value FROM `demo.{secretive.table}__dead_letters`")
    assert sorted(row[0].decode() for row in letters) == sorted(bad)


@pytest.mark.fault("A8")
def test_a_message_that_fails_the_task_is_not_quoted(secretive: Wings) -> None:
    produce(secretive.cluster.bootstrap, secretive.topic, [{"n": 1, "at": PAYLOAD}])
    found = secretive.run(
        lambda: task(topic=secretive.topic, table=secretive.table, model=MODEL, on_bad_message="fail")
    )
    assert found.state == "failed"
    assert leaks(secretive, found) == []


@pytest.mark.fault("A8")
@pytest.mark.parametrize("call", ["tables.get", "jobs.insert"])
def test_a_refusal_that_quotes_the_token_is_told_without_it(
    secretive: Wings, bigquery: LocalBigQuery, call: str
) -> None:
    """In the exception, in its cause, which Airflow logs too, and in the report so far."""
    secretive.fill(4)
    said = f"Request had invalid authentication credentials: Bearer {TOKEN}"
    bigquery.faults.add("fail_before", call=call, status=403, reason="accessDenied", message=said, nth=3, times=0)
    found = secretive.run(lambda: task(topic=secretive.topic, table=secretive.table))
    bigquery.faults.clear()
    assert found.state == "failed"
    told = secretive.told()
    assert "AccessDeniedError" in told
    assert [canary for canary in CANARIES if canary in told] == []
    assert leaks(secretive, found) == []
