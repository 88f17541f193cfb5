"""docs/operations.md has every error, and what it tells people to do by hand does what it says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.testing.kafka import NewMessage, create_topic, delete_topic
from tests.docs.documents import section
from tests.docs.markdown import ROOT
from tests.end_to_end.pipe import Pipe
from tools.reference.errors import leaves

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
PipeFactory = Callable[..., Pipe]


def test_every_error_has_its_paragraph() -> None:
    assert re.findall(r"^### (\w+Error)$", PAGE, re.MULTILINE) == [kind.__name__ for kind in leaves()]


def by_hand(made: Pipe, heading: str, **replaced: str) -> None:
    """Delete the group, as the page says, and run a section's statement on this pipeline."""
    admin = AdminClient({"bootstrap.servers": made.bootstrap})
    admin.delete_consumer_groups([made.group_id], request_timeout=30)[made.group_id].result(40)
    (statement,) = re.findall(r"```sql\n(.+?)```", section(PAGE, heading), re.DOTALL)
    names = {"demo.analytics.orders__ledger": made.name("__ledger").strip("`"), "/shop.orders": f"/{made.topic}"}
    for word, by in {**names, **replaced}.items():
        assert word in statement
        statement = statement.replace(word, by)
    job = made.client.query(statement)
    job.result()
    assert job.num_dml_affected_rows == 1


def test_a_position_moved_back_reads_again_and_changes_nothing(pipe: PipeFactory) -> None:
    made = pipe(partitions=4)
    wanted = made.produce_ten()
    made.run()
    ends, revision = made.ledger(), made.revision()
    by_hand(made, "### Move a position", **{"1200": "0"})
    assert (made.ledger(), made.revision()) == (ends | {3: 0}, revision + 1)
    report = made.run()
    assert report["messages"] == report["rows"]["unchanged"] == ends[3]
    assert made.coordinates() == wanted
    assert made.ledger() == ends == made.committed()


def test_a_topic_that_was_created_again_is_read_from_its_start(pipe: PipeFactory) -> None:
    made = pipe(partitions=2)
    before = made.produce_ten()
    made.run()
    delete_topic(made.bootstrap, made.topic)
    create_topic(made.bootstrap, made.topic, 2)
    after = made.produce_ten()
    assert made.run()["error"] == "TopicChangedError"
    by_hand(made, "### Start over")
    report = made.run("start=earliest")
    assert (report["outcome"], report["rows"]["inserted"]) == ("end", 10)
    assert made.coordinates() == before + after
    assert made.run()["messages"] == 0


def test_a_dropped_table_is_filled_again_from_the_start(pipe: PipeFactory) -> None:
    made = pipe()
    wanted = made.produce_ten()
    made.run()
    made.client.delete_table(made.name().strip("`"))
    assert made.run()["error"] == "TargetChangedError"
    by_hand(made, "### Start over")
    report = made.run("start=earliest")
    assert (report["outcome"], report["rows"]["inserted"]) == ("end", 10)
    assert made.coordinates() == wanted


def test_a_table_that_was_restored_is_accepted(pipe: PipeFactory) -> None:
    made = pipe()
    wanted = made.produce_ten()
    made.run()
    ddl: str = made.json("schema", str(made.path))["ddl"]
    made.client.delete_table(made.name().strip("`"))
    made.client.query(ddl).result()
    failure: dict[str, Any] = made.run()
    assert failure["error"] == "TargetChangedError"
    (created,) = re.findall(r"was re-created at (\S+) since", failure["message"])
    by_hand(made, "### Accept a table", **{"2026-01-31 06:00:00.123+00:00": created})
    more = made.produce_ten() - wanted
    report = made.run()
    assert (report["outcome"], report["messages"]) == ("end", 10)
    assert made.coordinates() == Counter(more)


def test_positions_are_taken_over(pipe: PipeFactory) -> None:
    made = pipe(partitions=2)
    # Into both: a producer may give all messages without keys to one partition.
    sent = made.produce([NewMessage({"n": number}, partition=number % 2) for number in range(10)])
    wanted = {(one.partition, one.offset) for one in sent}
    (words,) = re.findall(r"--set '(start=\{.+?\})'", section(PAGE, "### Take positions over"))
    report = made.run(words.replace("1200", "1").replace("980", "2"))
    assert (report["partitions"]["0"]["start"], report["partitions"]["1"]["start"]) == (1, 2)
    assert made.coordinates() == Counter({at: 1 for at in wanted if at[1] >= at[0] + 1})
    assert made.run()["messages"] == 0
