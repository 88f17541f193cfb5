"""``docker-compose.yml`` is valid by the compose specification, holds together, and opens nothing to other machines.

There may be no container engine where this runs: the specification's own schema is what judges the file.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parent.parent.parent
FILE = REPOSITORY / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SECRET = re.compile(r"passw|secret|token|credential|api_?key|private", re.IGNORECASE)


def validated(path: Path) -> subprocess.CompletedProcess[str]:
    check = Path(sys.executable).with_name("check-jsonschema")
    command: list[str | Path] = [check, "--builtin-schema", "vendor.compose-spec", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_valid_by_the_compose_specification() -> None:
    done = validated(FILE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("services", "kafka", "healthcheck", "every"), "10s"),
        (("services", "airflow", "depends_on", "kafka"), {"condition": "service_well"}),
        (("services", "bigquery", "portz"), []),
    ],
    ids=lambda one: ".".join(one) if isinstance(one, tuple) else "",
)
def test_a_mistake_would_be_seen(path: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    broken = copy.deepcopy(COMPOSE)
    place = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (tmp_path / "broken.yml").write_text(yaml.safe_dump(broken), "utf-8")
    assert validated(tmp_path / "broken.yml").returncode == 1


def test_ports_are_open_on_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service["ports"]]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert not any("network_mode" in service or "privileged" in service for service in SERVICES.values())


def test_every_service_says_when_it_is_well_and_who_waits_for_it_waits_for_that() -> None:
    assert all(service["healthcheck"]["test"][0] == "CMD" for service in SERVICES.values())
    waits = {need: how for service in SERVICES.values() for need, how in service.get("depends_on", {}).items()}
    assert set(waits) == {"kafka", "bigquery"}
    assert {how["condition"] for how in waits.values()} == {"service_healthy"}


def test_images_are_pinned_or_built_here_once() -> None:
    built = {service["image"] for service in SERVICES.values() if "build" in service}
    foreign = {service["image"] for service in SERVICES.values()} - built
    assert len(built) == len([service for service in SERVICES.values() if "build" in service]) == 1
    assert all(re.search(r":\d", image) for image in foreign)


def test_there_is_no_secret() -> None:
    given = {
        name: str(value) for service in SERVICES.values() for name, value in service.get("environment", {}).items()
    }
    assert given
    assert [name for name, value in given.items() if SECRET.search(name) or SECRET.search(value)] == []
    assert "secrets" not in COMPOSE


def test_the_connections_lead_to_the_services() -> None:
    given = SERVICES["airflow"]["environment"]
    kafka, google = (json.loads(given[f"AIRFLOW_CONN_{name}_DEFAULT"]) for name in ("KAFKA", "GOOGLE_CLOUD"))
    inside = dict(
        part.split("://") for part in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    assert (kafka["conn_type"], google["conn_type"]) == ("kafka", "google_cloud_platform")
    assert kafka["extra"]["bootstrap.servers"] == inside["INSIDE"] == given["KAFKA_BOOTSTRAP"]
    command = SERVICES["bigquery"]["command"]
    port = command[command.index("--port") + 1]
    assert google["extra"]["api_endpoint"] == given["BIGQUERY_EMULATOR_HOST"] == f"http://bigquery:{port}"
    assert google["extra"]["is_anonymous"] is True
    assert SERVICES["bigquery"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f":{port}/" in SERVICES["bigquery"]["healthcheck"]["test"][-1]
