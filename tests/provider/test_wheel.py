"""The wheel: what a user gets is the package, its examples and its commands, and works without this repository."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import airflow_kafka_bq
from airflow_kafka_bq.get_provider_info import get_provider_info
from airflow_kafka_bq.plugin import watermarks
from tests.provider.commands import Done, airflow, run

REPOSITORY = Path(__file__).parent.parent.parent
EXAMPLES = sorted((REPOSITORY / "dags_examples").glob("*.py"))
NAME = get_provider_info()["package-name"]
UV = [sys.executable, "-m", "uv"]
IMPORT = "import airflow_kafka_bq, sys; from airflow_kafka_bq import KafkaToBigQueryOperator; "
TELL = "print(airflow_kafka_bq.__file__, KafkaToBigQueryOperator.__module__)"


def checked(done: Done) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this tree, with the build backend that is installed."""
    out = tmp_path_factory.mktemp("wheel")
    build = [*UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    checked(run(*build, "--out-dir", str(out), str(REPOSITORY)))
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel alone, to be found before this tree."""
    place = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


def test_the_examples_are_in_it_as_they_are_here(unpacked: Path) -> None:
    packed = unpacked / "airflow_kafka_bq" / "example_dags"
    assert EXAMPLES
    assert {path.name: path.read_bytes() for path in packed.glob("*.py")} == {
        path.name: path.read_bytes() for path in EXAMPLES
    }


def test_it_is_enough_to_import_the_operator_and_every_example(unpacked: Path, tmp_path: Path) -> None:
    """With this environment's dependencies, without this tree."""
    code = (
        f"{IMPORT}import pathlib, runpy\n"
        "here = pathlib.Path(airflow_kafka_bq.__file__).parent\n"
        "for path in sorted((here / 'example_dags').glob('*.py')):\n"
        "    tasks = [task for one in runpy.run_path(str(path)).values() if type(one).__name__ == 'DAG' "
        "for task in one.tasks]\n"
        "    assert tasks, path\n"
        "print(here)"
    )
    first = os.pathsep.join([str(unpacked), *sys.path[1:]])
    done = run("env", f"PYTHONPATH={first}", sys.executable, "-P", "-c", code, cwd=tmp_path)
    assert checked(done).split() == [str(unpacked / "airflow_kafka_bq")]


@pytest.mark.airflow
def test_airflow_finds_the_plugin_in_it(unpacked: Path) -> None:
    """By the entry point: the provider's own key for plugins is not read by an Airflow as it comes."""
    (found,) = metadata.distributions(path=[str(unpacked)])
    (entry,) = found.entry_points.select(group="airflow.plugins")
    assert entry.load().listeners == [watermarks]


@pytest.mark.slow
@pytest.mark.airflow
@pytest.mark.timeout(900)
def test_in_an_empty_environment_all_of_it_works(wheel: Path, tmp_path: Path) -> None:
    """Installed as a user does, with the versions that are tested here."""
    python = tmp_path / "venv" / "bin" / "python"
    checked(run(*UV, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")))
    pins = str(REPOSITORY / "constraints" / "dev.txt")
    checked(run(*UV, "pip", "install", "--quiet", "--python", str(python), "-c", pins, str(wheel), seconds=600))

    told = checked(run(python.with_name("kafka-bq"), "--version", cwd=tmp_path))
    assert told.split()[-1] == airflow_kafka_bq.__version__
    place, module = checked(run(python, "-c", IMPORT + TELL, cwd=tmp_path)).split()
    assert Path(place).is_relative_to(tmp_path)
    assert module == "airflow_kafka_bq.operators.kafka_to_bigquery"

    listed = json.loads(checked(airflow("providers", "list", "--output", "json", python=python, cwd=tmp_path)))
    assert [one["version"] for one in listed if one["package_name"] == NAME] == [airflow_kafka_bq.__version__]
    links = checked(airflow("providers", "links", python=python, cwd=tmp_path))
    assert all(link in links for link in get_provider_info()["extra-links"])
    assert "KafkaBigQueryPlugin" in checked(airflow("plugins", "--output", "json", python=python, cwd=tmp_path))
    assert "replay" in checked(airflow("kafka-bq", "--help", python=python, cwd=tmp_path))
    for example in sorted((Path(place).parent / "example_dags").glob("*.py")):
        checked(run(python, str(example), cwd=tmp_path))
