"""Generated parts are those of the code; what is written by hand around them holds."""

from __future__ import annotations

import ast
import re
import signal
from pathlib import Path
from typing import Any

import pytest

import airflow_kafka_bq
from airflow_kafka_bq.batch import Outcome
from airflow_kafka_bq.cli.commands import cli
from airflow_kafka_bq.cli.session import BUG
from airflow_kafka_bq.exceptions import ConfigError, IngestError, TerminalError, TransientError
from airflow_kafka_bq.kafka import errors as kafka_errors
from tests.docs.documents import described, made, paths, section
from tests.docs.markdown import ROOT
from tools.reference.errors import leaves, said
from tools.reference.pages import DOCS, PAGES, written

COMMAND_LINE = (DOCS / "command-line.md").read_text("utf-8")
CODES = {
    *(0, 1, ConfigError.exit_code, TerminalError.exit_code, TransientError.exit_code, BUG),
    *(128 + signal.SIGINT, 128 + signal.SIGTERM),
}
HEADINGS = (
    "### Plan",
    "### Lag",
    "### Schema",
    "### Run report",
    "### Dry run of a redrive",
    "### Seek",
    "### Migration",
    "### Audit",
    "### Repair",
    "### Undo of a repair",
    "### Doctor",
)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_what_the_code_says(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert text == written(text, PAGES[page]()), "run: make docs"


def test_a_part_that_nobody_makes_is_found() -> None:
    page = "<!-- generated: parts -->\nold\n<!-- end -->"
    assert written(page, {"parts": "new"}) == "<!-- generated: parts -->\n\nnew\n\n<!-- end -->"
    with pytest.raises(ValueError, match=r"\['parts'\], and \['other'\]"):
        written(page, {"other": "new"})


@pytest.mark.parametrize("kind", leaves())
def test_an_error_that_is_said_not_to_be_raised_is_not_raised(kind: type[IngestError]) -> None:
    """And every other one is: made by name somewhere in the package, or by the table of Kafka's codes."""
    package = Path(airflow_kafka_bq.__file__).parent
    files = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] != "testing"]
    raised = any(kind.__name__ in called(path) for path in files) or kind in kafka_errors._CLASSES.values()
    assert raised != ("not raised in this version" in said(kind).raised)


def called(path: Path) -> set[str]:
    """Names that are called in a file."""
    calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return {call.id for call in calls if isinstance(call, ast.Name)}


def test_an_error_without_a_remedy_is_refused() -> None:
    class Wordless(TerminalError):
        """It went wrong."""

    with pytest.raises(ValueError, match="docstring of Wordless"):
        said(Wordless)


def test_the_exit_codes_are_those_of_the_code() -> None:
    table = section(COMMAND_LINE, "## Exit codes")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == CODES
    readme = (ROOT / "README.md").read_text("utf-8")
    (listed,) = re.findall(r"Exit codes:\s(.+?)\.\n", readme, re.DOTALL)
    for text in (listed, " ".join((cli.help or "").split("Exit codes:")[1].split())):
        assert {int(code) for code in re.findall(r"\d+", text)} == CODES


@pytest.fixture(scope="module")
def documents() -> dict[str, Any]:
    return made()


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_field_of_a_document_has_its_meaning(heading: str, documents: dict[str, Any]) -> None:
    fields = described(COMMAND_LINE, heading)
    assert sorted(fields) == sorted(set(paths(documents[heading])))


def test_every_document_is_looked_at(documents: dict[str, Any]) -> None:
    assert sorted(documents) == sorted(HEADINGS)


def test_every_field_of_a_failure_has_its_meaning() -> None:
    assert sorted(described(COMMAND_LINE, "### Failure")) == sorted(IngestError("gone").to_json())


def test_the_outcomes_are_those_of_the_code() -> None:
    (row,) = re.findall(r"^\| `outcome` \| (.+) \|$", COMMAND_LINE, re.MULTILINE)
    words = set(re.findall(r"`(\w+)`:", row))
    assert words == {str(one) for one in Outcome}
