"""docs/operations.md has every error, and what it tells people to do by hand does what it says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from airflow_kafka_bq.testing.kafka import NewMessage, create_topic, delete_topic
from tests.docs.documents import section
from tests.docs.markdown import ROOT
from tests.end_to_end.pipe import Pipe
from tests.end_to_end.test_migration import OLD, commit_old
from tools.reference.errors import leaves

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
PipeFactory = Callable[..., Pipe]


def test_every_error_has_its_paragraph() -> None:
    assert re.findall(r"^### (\w+Error)$", PAGE, re.MULTILINE) == [kind.__name__ for kind in leaves()]


def by_page(made: Pipe, heading: str, of: int = 0, replaced: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """Run a section's block of commands on this pipeline; what the last one said."""
    block = re.findall(r"```sh\n(.+?)```", section(PAGE, heading), re.DOTALL)[of]
    found: dict[str, Any] = {}
    for line in block.splitlines():
        assert replaced[0] in line
        program, *words = (line.replace(*replaced) if replaced[0] else line).split()
        assert program == "kafka-bq"
        found = made.json(*(str(made.path) if word == "orders.yaml" else word for word in words))
        assert "error" not in found, found
    return found


def test_a_position_moved_back_reads_again_and_changes_nothing(pipe: PipeFactory) -> None:
    made = pipe(partitions=4)
    # Each has some: left to the client, all ten may end up in one partition, and none in the one that is moved.
    told = made.produce([NewMessage({"n": number}, partition=number % 4) for number in range(10)])
    wanted = Counter((one.partition, one.offset) for one in told)
    made.run()
    ends, revision = made.ledger(), made.revision()
    found = by_page(made, "### Move a position", replaced=("1200", "0"))
    assert (made.ledger(), made.revision()) == (ends | {3: 0}, revision + 1)
    assert made.committed() == ends | {3: 0}
    report = made.run()
    assert report["messages"] == report["rows"]["unchanged"] == ends[3] == found["re_read"]
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
    by_page(made, "### Start over")
    report = made.run()
    assert (report["outcome"], report["rows"]["inserted"]) == ("end", 10)
    assert made.coordinates() == before + after
    assert made.run()["messages"] == 0


def test_a_dropped_table_is_filled_again_from_the_start(pipe: PipeFactory) -> None:
    made = pipe()
    wanted = made.produce_ten()
    made.run()
    made.client.delete_table(made.name().strip("`"))
    assert made.run()["error"] == "TargetChangedError"
    by_page(made, "### Start over", of=1)
    report = made.run()
    assert (report["outcome"], report["rows"]["inserted"]) == ("end", 10)
    assert made.coordinates() == wanted
    made.client.delete_table(made.name().strip("`"))
    assert made.run()["error"] == "TargetChangedError"  # the new one is known as well


def test_a_table_that_was_restored_is_accepted(pipe: PipeFactory) -> None:
    made = pipe()
    wanted = made.produce_ten()
    made.run()
    ddl: str = made.json("schema", str(made.path))["ddl"]
    made.client.delete_table(made.name().strip("`"))
    made.client.query(ddl).result()
    assert made.run()["error"] == "TargetChangedError"
    by_page(made, "### Accept a table")
    more = made.produce_ten() - wanted
    report = made.run()
    assert (report["outcome"], report["messages"]) == ("end", 10)
    assert made.coordinates() == Counter(more)


def test_positions_are_taken_over(pipe: PipeFactory) -> None:
    made = pipe(partitions=2)
    # Into both: a producer may give all messages without keys to one partition.
    made.produce([NewMessage({"n": number}, partition=number % 2) for number in range(10)])
    commit_old([made], {made.topic: {0: 1, 1: 2}})
    found = by_page(made, "### Take positions over", replaced=("old-shared-group", OLD))
    assert (made.ledger(), made.committed(), found["old_group"]) == ({0: 1, 1: 2}, {0: 1, 1: 2}, "kept")
    report = made.run("start=fail")
    assert (report["partitions"]["0"]["start"], report["partitions"]["1"]["start"]) == (1, 2)
    assert made.coordinates() == Counter({(part, at): 1 for part in (0, 1) for at in range(part + 1, 5)})
    assert made.run()["messages"] == 0
