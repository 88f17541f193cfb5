"""``pytest --faults=FILE``: write down which fault rows were played, by which tests, on which tier, with what outcome.

Works with several processes of pytest too: what a test is about travels with its report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# marker -> what the docs call the tier; a test may stand on several
TIERS = {
    "kafka": "real Kafka",
    "mock": "mock cluster",
    "bigquery": "local BigQuery",
    "airflow": "Airflow",
    "project": "BigQuery",
}
IN_MEMORY = "in memory"


def rows_of(item: pytest.Item) -> list[str]:
    """The fault rows that a test is about."""
    return [str(row) for marker in item.iter_markers("fault") for row in marker.args]


def tier_of(item: pytest.Item) -> str:
    """Where a test runs."""
    names = {marker.name for marker in item.iter_markers()}
    return " + ".join(word for name, word in TIERS.items() if name in names) or IN_MEMORY


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--faults=FILE``: as one word, or pytest takes a FILE that is there for the tests to run."""
    parser.addoption("--faults", metavar="FILE", type=Path, help="write the outcome of every fault row's tests here")


@pytest.hookimpl(trylast=True)  # markers that follow from fixtures are there by then
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test's report what it is about."""
    for item in items:
        if rows := rows_of(item):
            item.user_properties.append(("fault", {"rows": rows, "tier": tier_of(item)}))


def pytest_configure(config: pytest.Config) -> None:
    """Record in the process that hears of all tests."""
    path = config.getoption("--faults")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(path), "fault-recorder")


class Recorder:
    """Collects outcomes; a test's set-up and tear-down count as well."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of one phase of one test."""
        properties = dict(report.user_properties)
        if (about := properties.get("fault")) is None:
            return
        assert isinstance(about, dict)
        entry = self._found.setdefault(
            report.nodeid, {**about, "test": report.nodeid, "outcome": "passed", "seconds": 0.0}
        )
        entry["runs"], entry["seed"] = properties.get("runs", 1), properties.get("seed")
        entry["seconds"] = round(entry["seconds"] + report.duration, 2)
        if report.outcome != "passed":
            entry["outcome"] = report.outcome

    def pytest_sessionfinish(self) -> None:
        """Write the file, a line per test."""
        lines = ",\n".join(json.dumps(one, sort_keys=True) for one in self._sorted())
        self._path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")

    def _sorted(self) -> Iterator[dict[str, Any]]:
        return (self._found[name] for name in sorted(self._found))
