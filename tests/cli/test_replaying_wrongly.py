"""``replay`` with wrong input: what is wrong, its value, and what to do; a dry run says the same."""

from __future__ import annotations

import pytest

from tests.cli.commands import Command
from tests.pipeline.world import World

DAY = ("2026-01-01", "2026-01-02")
OFFSETS = ("{0: 1}", "{0: 3}")


@pytest.mark.parametrize("look", [(), ("--dry-run",)], ids=["run", "dry run"])
@pytest.mark.parametrize(
    ("start", "end", "others", "code", "said", "remedy"),
    [
        ("2026-02-01", "2026-01-01", (), 2, "--from lies after --to (given: --from '2026-02-01'", "exchange the two"),
        ("{0: 1, 1: 5}", "{0: 1, 1: 2}", (), 2, "--from of partition 1 lies after --to", "exchange the two"),
        ("2030-01-01", "2031-01-01", (), 2, "'from' (2030-01-01T00:00:00+00:00) lies in the future", "has passed"),
        (*DAY, ("--partitions", "7"), 3, "no partitions [7]; it has 2", "from 0 to 1"),
        ("{0: 1, 7: 0}", "{0: 3, 7: 2}", (), 3, "no partitions [7]; it has 2", "from 0 to 1"),
        ("{0: 500}", "{0: 900}", (), 2, "partition 0 ends at 5, and 'from' is 500", "before the end"),
        ("2026-01-01", "{0: 5}", (), 2, "--from and --to are both times or both mappings", "two times, or two"),
        ("{0: 1}", "{1: 3}", (), 2, "different partitions: [0] and [1]", "both ends"),
        (*DAY, ("--partitions", "0,0"), 2, "partitions names one twice: [0, 0]", "once"),
        ("{0: 1, 0: 2}", "{0: 3}", (), 2, "--from '{0: 1, 0: 2}' is no mapping of partition to offset: 0 is", "0:100"),
        ("0:1,0:2", "0:3", (), 2, "--from '0:1,0:2' names a partition twice", "0:100"),
        ("{0: x}", "{0: 3}", (), 2, "--from: 0: 'x' is not partition: offset", "0:100"),
        ("{0: -1}", "{0: 3}", (), 2, "0: -1 is not partition: offset (whole numbers from 0)", "0:100"),
        ("{0: 1", "{0: 3}", (), 2, "--from '{0: 1' is no mapping of partition to offset", "an ISO time"),
        ("yesterday", "2026-01-01", (), 2, "--from: 'yesterday' is not an ISO time", "--from and --to take an ISO"),
        ("2026-01-01", "", (), 2, "--to: '' is not an ISO time", "--from and --to take an ISO"),
        (*DAY, ("--partitions", "a"), 2, "--partitions: 'a' is no list of numbers such as 0,3", "leave --partitions"),
        (*DAY, ("--partitions", "-1"), 2, "partitions.0: must be greater than or equal to 0 (given: -1)", "mend"),
        (*OFFSETS, ("--partitions", "1"), 2, "partitions [1] are not in the window, which names [0]", "leave partitio"),
        (*OFFSETS, ("--set", "fence=none"), 2, "fence='none' cannot keep a window apart", "use fence='ledger'"),
        (*DAY, ("--set", "topic=gone"), 3, "topic 'gone' does not exist", "mend the name"),
        (*OFFSETS, ("--set", "topic=gone"), 3, "topic 'gone' does not exist", "mend the name"),
    ],
)  # fmt: skip
def test_it_is_named_with_its_value_and_a_remedy(
    kafka_bq: Command, world: World, job: str, look: tuple[str, ...], start: str, end: str, others: tuple[str, ...],
    code: int, said: str, remedy: str,
) -> None:  # fmt: skip
    world.fill(5, 0)
    world.fill(3, 1)
    world.run()
    before = (world.table(), world.ledger(), world.committed())
    done = kafka_bq("replay", job, "--json", "--from", start, "--to", end, *others, *look)
    failure = done.failure()
    assert (done.code, said in failure["message"]) == (code, True), failure
    assert failure["error"] == ("ConfigError" if code == 2 else "NotFoundError")
    assert remedy in failure["remedy"], failure
    assert (world.table(), world.ledger(), world.committed()) == before


def test_a_window_that_is_partly_behind_the_end_or_empty_is_read_and_warned_of(
    kafka_bq: Command, world: World, job: str
) -> None:
    world.fill(5, 0)
    done = kafka_bq("replay", job, "--json", "--from", "{0: 1, 1: 9}", "--to", "{0: 99, 1: 99}")
    assert (done.code, done.json()["messages"]) == (0, 4)
    assert "partition 1 ends at 0, and 'from' is 9: nothing of it is read" in done.err
    done = kafka_bq("replay", job, "--json", "--from", "2026-01-01", "--to", "2026-01-01")
    assert (done.code, done.json()["messages"]) == (0, 0)
    assert "'from' and 'to' are the same (2026-01-01T00:00:00+00:00)" in done.err
