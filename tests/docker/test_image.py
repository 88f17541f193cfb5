"""The image: its steps are a script, which is run here without a container, and what it installs is used."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from airflow_kafka_bq.testing.bigquery.emulator import stop_process
from airflow_kafka_bq.testing.kafka import KafkaBroker, offset_bounds
from tests.docker.test_compose import SERVICES

REPOSITORY = Path(__file__).parent.parent.parent
DOCKER = REPOSITORY / "docker"
HOME = "/opt/kafka-bq"


def loaded(path: Path) -> ModuleType:
    """A script as a module; pydantic looks for a model's annotations where its module is registered."""
    found = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    assert found is not None
    assert found.loader is not None
    module = sys.modules[found.name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def admitted() -> list[str]:
    lines = (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


def test_the_build_sees_what_it_needs_and_nothing_else() -> None:
    assert all((REPOSITORY / name).exists() for name in admitted())
    assert (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()[1] == "*"
    script = (DOCKER / "install.sh").read_text("utf-8")
    needed = {name.split("/")[0] for name in re.findall(r"\$source/([\w/.-]+)", script)}
    assert needed <= set(admitted())


def test_the_dockerfile_runs_the_script_as_root_and_the_services_as_somebody_else() -> None:
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    assert "COPY . /source\nRUN /source/docker/install.sh /source /opt/kafka-bq" in text
    assert text.index("RUN ") < text.index("\nUSER kafka-bq")
    assert os.access(DOCKER / "install.sh", os.X_OK)


def test_what_fills_the_topic_fits_the_example_that_reads_it() -> None:
    typed, fill = loaded(REPOSITORY / "dags_examples" / "kafka_bq_typed.py"), loaded(DOCKER / "fill.py")
    orders = [typed.Order.model_validate_json(json.dumps(fill.order(number))) for number in range(fill.ORDERS)]
    by_key: dict[str, list[Any]] = {}
    for one in orders:
        by_key.setdefault(one.order_id, []).append(one)
    assert 0 < len(orders) - len(by_key) < fill.ORDERS / 5
    assert {len({one.ordered_on for one in versions}) for versions in by_key.values()} == {1}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has in ``/opt/kafka-bq``, installed from what the build sees."""
    place = tmp_path_factory.mktemp("image")
    for name in admitted():
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, place / "source" / name)
    command = [place / "source" / "docker" / "install.sh", place / "source", place / "prefix"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "prefix"


def environment_of(service: str, prefix: Path, places: dict[str, str]) -> dict[str, str]:
    """That of the Dockerfile and of the service, with other places in it."""
    stated = dict(re.findall(r"(\w+)=(\S+)", (DOCKER / "Dockerfile").read_text("utf-8").partition("ENV ")[2]))
    given = stated | SERVICES[service].get("environment", {})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return kept | {name: _placed(value, prefix, places) for name, value in given.items()}


def _placed(value: str, prefix: Path, places: dict[str, str]) -> str:
    for name, place in (places | {HOME: str(prefix), "$PATH": os.environ["PATH"]}).items():
        value = value.replace(name, place)
    return value


def ran(command: list[str], environment: dict[str, str]) -> str:
    home = environment["AIRFLOW_HOME"]
    done = subprocess.run(
        command, env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=120
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def served(prefix: Path) -> Iterator[str]:
    """The service ``bigquery``, on loopback and a free port, once its health check says that it is well."""
    environment = environment_of("bigquery", prefix, {})
    service = SERVICES["bigquery"]
    changed = {"0.0.0.0": "127.0.0.1", "9050": "0"}  # noqa: S104 - replaced
    command = [changed.get(word, word) for word in service["command"]]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().split()[1]
            ran([word.replace("9050", port) for word in service["healthcheck"]["test"][1:]], environment)
            yield f"http://127.0.0.1:{port}"
        finally:
            stop_process(process)


@pytest.mark.slow
@pytest.mark.airflow
@pytest.mark.timeout(900)
def test_what_is_installed_serves_fills_and_runs_an_example(prefix: Path, kafka: KafkaBroker) -> None:
    fill = loaded(DOCKER / "fill.py")
    with served(prefix) as url:
        places = {"http://bigquery:9050": url, "kafka:19092": kafka.bootstrap}
        environment = environment_of("airflow", prefix, places)
        first, second = (ran(["python", str(prefix / "fill.py")], environment) for _ in range(2))
        assert (first.count(f"{fill.ORDERS} messages"), second) == (len(fill.MESSAGES), "")
        bounds = offset_bounds(kafka.bootstrap, "shop.orders", range(fill.PARTITIONS))
        assert sum(end - start for start, end in bounds.values()) == fill.ORDERS

        ran(["airflow", "db", "migrate"], environment)
        assert "kafka_bq_typed" in ran(["airflow", "dags", "list", "--local"], environment)
        ran(["airflow", "dags", "test", "kafka_bq_typed"], environment)
        orders = {fill.order(number)["order_id"] for number in range(fill.ORDERS)}
        asked = {"query": "SELECT COUNT(*) FROM analytics.orders", "useLegacySql": False}
        answer = httpx.post(f"{url}/bigquery/v2/projects/demo/queries", json=asked).json()
        assert answer["rows"][0]["f"][0]["v"] == str(len(orders))
