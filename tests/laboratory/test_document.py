"""The page, the pictures and the part of the first page are those of the result file."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from laboratory import document
from laboratory.__main__ import compact
from laboratory.migration import Amounts
from laboratory.setups import OURS, SETUPS, Sizes
from tests.laboratory.results import result, run

PUBLISHED: dict[str, Any] = json.loads(document.RESULT.read_text("utf-8"))


@pytest.mark.parametrize("path", document.files(PUBLISHED), ids=lambda path: path.name)
def test_what_is_published_is_what_was_measured(path: Any) -> None:
    assert path.read_text("utf-8") == document.files(PUBLISHED)[path], "python -m laboratory.document writes it anew"


def test_the_published_result_is_whole() -> None:
    assert [run["setup"] for run in PUBLISHED["runs"]] == [setup.name for setup in SETUPS]
    assert PUBLISHED["seconds"] < 600
    assert document.RESULT.stat().st_size < 300_000
    sizes = Sizes()
    for each in PUBLISHED["runs"]:
        assert len(each["progress"]) == sizes.topics * sizes.partitions
        assert each["produced"] > 0.9 * sizes.seconds * sizes.messages_per_second * len(each["progress"])
        assert len(each["lives"]) >= 2 * sizes.topics
    assert PUBLISHED["amounts"]["topics"] == Amounts().topics


def test_ours_keeps_what_it_promises_in_the_published_result() -> None:
    (ours,) = [one for setup, one in document.measured(PUBLISHED).items() if setup.name == OURS]
    assert (ours.rebalances_per_minute, ours.duplicates, ours.failed) == (0.0, 0, 0)
    by_hand, with_us = PUBLISHED["migration"]
    assert (with_us["after"]["duplicated"], with_us["after"]["lost"]) == (0, 0)
    assert by_hand["after"]["duplicated"] == Amounts().topics * (Amounts().committed + Amounts().uncommitted)
    assert by_hand["cleaned"]["lost"] == 0


def test_every_figure_of_a_set_up_is_in_its_line() -> None:
    page = document.render(result())
    (line,) = re.findall(r"^\| \*\*ours, assign\*\* \| (.+) \|$", page, re.MULTILINE)
    assert line.split(" | ") == [
        "6", "1.3", "25%", "67%", "12 s", "3 of 33",
        "1 of 2 (ILLEGAL_GENERATION)", "4.0 s (4.0 s)", "1 of 3", "90 (75%)",
    ]  # fmt: skip


def test_what_is_better_or_worse_than_expected_is_said() -> None:
    page = document.render(result())
    better, worse = page.partition("Better than expected")[2].split("Worse than expected")
    assert "**ours, assign**" not in better
    assert "messages reach the writer again (3)" in worse.partition("**ours, assign**")[2]
    calm = {**run(SETUPS[0].name), "duplicates": 0, "rebalances": [[1.0, 3], [2.0, 3]]}
    page = document.render({**result(), "runs": [calm]})
    assert "- **shared, range**: joins and exits" not in page
    assert "messages reach the writer again (0)" in page.partition("Better than expected")[2]
    assert "Worse than expected, for it came about that: nothing." in page


def test_rows_that_are_lost_or_doubled_are_shown_with_the_work() -> None:
    for text in (document.render(result()), document.summary(result())):
        assert "| **by hand** | 4,000 | 0 | 7 | 3 | 270 s | 4 s |" in text
        assert "| **kafka-bq migrate-group** | 0 | 0 | 0 | 3 | 270 s | 4 s |" in text


@pytest.mark.parametrize(("load", "said"), [(0.5, False), (9.0, True)])
def test_a_machine_that_was_shared_is_named(load: float, said: bool) -> None:
    runs = [{**run(setup.name), "load_before": load} for setup in SETUPS]
    page = " ".join(document.render({**result(), "runs": runs}).split())
    assert ("Other work shared the machine" in page) is said


def test_pictures_have_a_line_for_each_partition_and_a_mark_for_each_rebalance() -> None:
    found = {path.name: text for path, text in document.files(result()).items() if path.suffix == ".svg"}
    progress, strip = (ElementTree.fromstring(found[name]) for name in ("progress.svg", "rebalances.svg"))  # noqa: S314 - ours
    paths = [path.attrib for path in progress.iter("{http://www.w3.org/2000/svg}path")]
    assert sum("stroke-opacity" in path for path in paths) == 2 * len(SETUPS)
    marks = [path.attrib["d"] for path in strip.iter("{http://www.w3.org/2000/svg}path")]
    assert [mark.count("M") for mark in marks] == [2] * len(SETUPS)  # the third is behind the end
    assert found["progress.svg"].count(">shared, KIP-848<") == found["rebalances.svg"].count(">shared, KIP-848<") == 1


def test_the_result_file_is_small_and_the_same() -> None:
    text = compact(result())
    assert json.loads(text) == result()
    assert text.count("\n") < 300  # as it comes from json: 700
    assert '\n    "t00/0": [ [ 2.0, 10 ], [ 9.0, 20 ] ]' in text
