"""What Airflow and registries read of the package: valid, complete, importable, light."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import airflow
import jsonschema  # type: ignore[import-untyped]  # has no types
import pytest
import yaml
from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink
from airflow.triggers.base import BaseTrigger

import airflow_kafka_bq
from airflow_kafka_bq.get_provider_info import get_provider_info

REPOSITORY = Path(__file__).parent.parent.parent
DISTRIBUTION = "airflow-provider-kafka-bq"
# room of the house -> key of the metadata, kind of class
ROOMS: dict[str, tuple[str, type]] = {
    "operators": ("operators", BaseOperator),
    "hooks": ("hooks", BaseHook),
    "sensors": ("sensors", BaseOperator),
    "triggers": ("triggers", BaseTrigger),
}


@pytest.fixture(scope="module")
def registry() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / ".airflow-registry.yaml").read_text("utf-8"))
    return loaded


def load(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def modules_listed(key: str) -> set[str]:
    return {name for entry in get_provider_info().get(key, ()) for name in entry["python-modules"]}


def modules_in(room: str) -> Iterator[ModuleType]:
    try:
        package = importlib.import_module(f"airflow_kafka_bq.{room}")
    except ModuleNotFoundError:
        return
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def classes_in(room: str, kind: type) -> set[str]:
    """Public classes of a kind, by the module that defines them."""
    return {
        f"{module.__name__}.{name}"
        for module in modules_in(room)
        for name, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, kind) and found.__module__ == module.__name__ and not name.startswith("_")
    }


@pytest.mark.airflow
def test_it_is_valid_by_airflows_own_schema() -> None:
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text("utf-8"))
    jsonschema.validate(get_provider_info(), schema)
    later = {"versions", "cli"}  # Airflow's own key, in no schema; commands of providers, from 3.2 on
    assert set(get_provider_info()) - later <= set(schema["properties"])


def test_it_names_the_distribution_and_its_version() -> None:
    info = get_provider_info()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert info["package-name"] == project["name"] == DISTRIBUTION
    assert info["versions"] == [airflow_kafka_bq.__version__]


def test_the_entry_point_leads_to_it() -> None:
    (entry,) = metadata.distribution(DISTRIBUTION).entry_points.select(group="apache_airflow_provider")
    assert entry.load() is get_provider_info


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_with_something_for_airflow_is_listed_and_no_other(room: str) -> None:
    key, kind = ROOMS[room]
    found = {path.rpartition(".")[0] for path in classes_in(room, kind)}
    # a Google login is no hook by class: the Google provider's is used where it is installed
    assert modules_listed(key) - {"airflow_kafka_bq.hooks.google_cloud"} == found
    for name in modules_listed(key):
        importlib.import_module(name)


def test_every_link_of_an_operator_is_listed() -> None:
    listed = {load(path) for path in get_provider_info()["extra-links"]}
    assert listed == {load(path) for path in classes_in("links", BaseOperatorLink)}
    operators = [load(path) for path in classes_in("operators", BaseOperator)]
    assert {type(link) for one in operators for link in one.operator_extra_links} == listed


def test_transfers_and_commands_can_be_imported() -> None:
    info = get_provider_info()
    assert [importlib.import_module(entry["python-module"]) for entry in info["transfers"]]
    assert [command.name for path in info["cli"] for command in load(path)()] == ["kafka-bq"]


def test_every_integration_that_is_named_is_described() -> None:
    info = get_provider_info()
    described = {entry["integration-name"] for entry in info["integrations"]}
    listed = {entry["integration-name"] for key in ("operators", "hooks") for entry in info[key]}
    moved = {entry[f"{end}-integration-name"] for entry in info["transfers"] for end in ("source", "target")}
    assert listed | moved == described


def test_what_belongs_to_other_providers_is_not_declared_again() -> None:
    assert not {"connection-types", "hook-class-names", "plugins"} & set(get_provider_info())


def test_reading_it_imports_nothing() -> None:
    """Every ``airflow`` command and every worker reads it."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from airflow_kafka_bq.get_provider_info import get_provider_info; get_provider_info()\n"
        "import airflow_kafka_bq.airflow_command\n"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert loaded - set(sys.stdlib_module_names) == {"airflow_kafka_bq"}


def test_the_registry_file_lists_the_same(registry: dict[str, Any]) -> None:
    assert registry["package-name"] == DISTRIBUTION
    assert registry["display-name"] == get_provider_info()["name"]
    operators = {entry["module"] for entry in registry["operators"]}
    assert operators == classes_in("operators", BaseOperator)
    assert {entry["module"].rpartition(".")[0] for entry in registry["hooks"]} == modules_listed("hooks")
    assert [entry["module"] for entry in registry["other"]] == get_provider_info()["extra-links"]


def test_every_entry_of_the_registry_file_can_be_imported_and_says_what_it_is(registry: dict[str, Any]) -> None:
    entries = [entry for value in registry.values() if isinstance(value, list) for entry in value]
    assert all(inspect.isclass(load(entry["module"])) and entry["description"] for entry in entries)
