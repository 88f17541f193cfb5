"""Names and contents that look like SQL: quoted or refused, and nothing is done that they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from airflow_kafka_bq import jobfile
from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.testing.kafka import NewMessage, create_topic
from tests.bigquery.test_sql import CORPUS
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.promise import kept

PipeFactory = Callable[..., Pipe]
DROP = "x`; DROP TABLE victim; --"
HOSTILE = [
    DROP,
    "x'; DROP TABLE victim; --",
    'x"); DROP TABLE victim; --',
    "x/* */",
    "x\\",
    "x\ny",
    "x\x00y",
    "x.y.z.w",
    "{x}",
    "x" * 1_100,
    "",
]
# Every setting that becomes a name in a statement, a path or a job.
NAMES: dict[str, Callable[[str], Any]] = {
    "topic": str,
    "table": lambda text: f"d.{text}",
    "project_id": str,
    "location": str,
    "staging_dataset": str,
    "companion_dataset": str,
    "dedup_key": lambda text: [text],
    "version": lambda text: [text],
    "partition_by": lambda text: {"column": text, "type": "day"},
    "cluster_by": lambda text: [text],
    "labels": lambda text: {text: "x"},
    "model": str,
    "encryption_configuration": lambda text: {"kmsKeyName": text},
}
GROUP = "grüppe `'\";--/* */ \\ 鍵 " + "g" * 300
COLUMNS = ["select", "FROM", "x", "c" * 300, "order", "merge", "S", "T"]
ALIASES = ["a`b", "a'b", 'a"b', "a;b", "a--b", "a/*b", "a.b", "ключ"]


@pytest.mark.fault("A7")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_could_leave_its_quotes_is_refused_by_its_parameter(pipe: PipeFactory, name: str) -> None:
    """When the job is read: nothing has been asked of Kafka or BigQuery."""
    made = pipe(topic="t")
    for text in HOSTILE:
        if (name, text) == ("topic", "x.y.z.w"):
            continue  # dots are nothing special in a topic
        made.write(**{"topic": "t", "table": "d.t", name: NAMES[name](text)})
        with pytest.raises(ConfigError) as raised:
            jobfile.read(str(made.path), ())
        assert raised.value.remedy


@pytest.mark.fault("A7")
def test_the_longest_topic_and_a_group_of_any_letters(pipe: PipeFactory) -> None:
    """Kafka takes them, and so do commits, ledger, history and jobs."""
    topic = ("-._A9z" * 60)[:249]
    made = pipe(partitions=1, topic=topic, group_id=GROUP, table="orders-2_b")
    create_topic(made.bootstrap, topic, 1)
    sent = made.produce([{"n": number} for number in range(4)])
    report = made.run()
    assert report.get("outcome") == "end", report
    assert report["group_id"] == GROUP
    assert made.coordinates() == {(0, offset): 1 for offset in range(len(sent))}
    assert made.ledger() == {0: len(sent)}
    consumer = Consumer({"bootstrap.servers": made.bootstrap, "group.id": GROUP})
    assert [at.offset for at in consumer.committed([TopicPartition(topic, 0)], timeout=10)] == [len(sent)]
    consumer.close()
    assert made.run()["messages"] == 0


@pytest.mark.fault("A7")
def test_contents_that_look_like_sql_are_rows(pipe: PipeFactory) -> None:
    """Keys of JSON, Kafka keys, names of headers, and values, in the payload and in typed columns."""
    made = pipe(partitions=1, max_bad_ratio=None)
    made.query(f"CREATE TABLE `{made.client.project}.{made.dataset}.victim` AS SELECT 1 AS x")
    contents = [text for text in [*CORPUS, *HOSTILE] if "\x00" not in text]
    sent = made.produce(
        [NewMessage({text: text}, key=text or "-", headers=[(text, text.encode())]) for text in contents]
    )
    report = made.run()
    assert report.get("outcome") == "end", report
    kept(made, sent)
    shown = "TO_JSON_STRING(payload), _kafka_key, _kafka_headers"
    rows = made.query(f"SELECT {shown} FROM {made.name()} ORDER BY _kafka_offset")
    assert [json.loads(row[0]) for row in rows] == [{text: text} for text in contents]
    assert [row[1] for row in rows] == [text or "-" for text in contents]
    assert [row[2][0] for row in rows] == [{"key": text, "value": text.encode()} for text in contents]
    assert made.query(f"SELECT x FROM `{made.client.project}.{made.dataset}.victim`") == [(1,)]


@pytest.mark.fault("A7")
@pytest.mark.slow
def test_columns_named_like_sql_are_keys_versions_and_values(pipe: PipeFactory) -> None:
    """Words of the language, the names that our own statements use, and the longest; keys of messages are any text."""
    made = pipe(
        partitions=1, max_bad_ratio=None, model="hostile_orders:Order", dedup_key=COLUMNS[:2], version=[COLUMNS[2]],
        on_duplicate="update", on_tombstone="ignore", cluster_by=COLUMNS[3:5],
    )  # fmt: skip
    lines = ["from pydantic import BaseModel, Field, create_model"]
    pairs = dict(zip(COLUMNS, ALIASES, strict=True))
    lines += [f"FIELDS = {pairs!r}"]
    lines += ["Order = create_model('Order', **{n: (str, Field(alias=a)) for n, a in FIELDS.items()})"]
    (made.folder / "hostile_orders.py").write_text("\n".join(lines))
    contents = [text for text in CORPUS if "\x00" not in text]
    for version in ("1", "2"):
        made.produce([dict.fromkeys(ALIASES, text) | {ALIASES[2]: version} for text in contents])
        report = made.run()
        assert report.get("outcome") == "end", report
    wanted = sorted((text, text, "2", text) for text in contents)
    assert sorted(made.query(f"SELECT `select`, `FROM`, `x`, `{COLUMNS[3]}` FROM {made.name()}")) == wanted
