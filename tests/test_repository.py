"""What is committed belongs to everyone: no machine, no registry, one version, and a wheel that holds the package."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import airflow_kafka_bq

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "airflow_kafka_bq"
CONSTRAINTS = sorted([*REPOSITORY.glob("constraints/*.txt"), *PACKAGE.rglob("constraints/*.txt")])
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home/[a-z]\w*|Users/[a-z]\w*|work)/")
PACKAGE_INDEX = re.compile(r"--(?:extra-)?index-url|^\s*(?:extra-)?index-url\s*=|\[\[tool\.uv\.index\]\]", re.MULTILINE)
REGISTRY_HOST = re.compile(
    r"pypi\.org/simple|pythonhosted\.org|registry\.npmjs\.org|repo1?\.maven\.(?:apache\.)?org|proxy\.golang\.org"
    r"|\bartifactory\b|\bnexus\.\w|\"resolved\": *\"http|\bregistry *= *[{\"' a-z=]*http",
    re.IGNORECASE,
)
PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+( ; [^/@]+)?")


@pytest.fixture(scope="module")
def tracked() -> dict[str, str]:
    """Text of every tracked file, by name."""
    git = shutil.which("git")
    if git is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    paths = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    return {str(path.relative_to(REPOSITORY)): path.read_text("utf-8", "replace") for path in paths if path.is_file()}


def lines_matching(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [
        f"{name}: {line.strip()[:100]}"
        for name, text in texts.items()
        for line in text.splitlines()
        if pattern.search(line)
    ]


def test_no_path_of_a_machine(tracked: dict[str, str]) -> None:
    assert lines_matching(MACHINE_PATH, tracked) == []


def test_no_registry(tracked: dict[str, str]) -> None:
    mine = {name: text for name, text in tracked.items() if name != "tests/test_repository.py"}
    assert len(mine) > 1
    assert lines_matching(PACKAGE_INDEX, mine) == []
    assert lines_matching(REGISTRY_HOST, mine) == []


@pytest.mark.parametrize("path", CONSTRAINTS, ids=lambda path: path.name)
def test_constraints_are_pins_without_addresses(path: Path) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


def test_make_help_lists_every_target() -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    targets = re.findall(r"^\.PHONY: (.+)$", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE)
    helped = subprocess.run([make, "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^\s+(?:\x1b\[\d+m)?([a-z][a-z0-9.-]*)", helped, re.MULTILINE)
    assert sorted(listed) == sorted(name for names in targets for name in names.split())
    assert "test" in listed


def test_every_make_target_is_declared() -> None:
    text = (REPOSITORY / "Makefile").read_text("utf-8")
    declared = {name for names in re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE) for name in names.split()}
    assert set(re.findall(r"^([a-z][a-z0-9.-]*):", text, re.MULTILINE)) == declared


def test_version_is_written_once(tracked: dict[str, str]) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]
    written = re.compile(
        r"^(?:__)?version(?:__)?\s*[:=]\s*['\"]" + re.escape(airflow_kafka_bq.__version__), re.MULTILINE
    )
    assert [name for name, text in tracked.items() if written.search(text)] == ["airflow_kafka_bq/__init__.py"]


def test_changelog_opens_with_what_comes_next_or_this_version() -> None:
    heading = re.search(r"^## \[(.+?)\]", (REPOSITORY / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert heading is not None
    assert heading[1] in {"Unreleased", airflow_kafka_bq.__version__}


def test_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    build = [
        sys.executable,
        "-m",
        "uv",
        "build",
        "--quiet",
        "--wheel",
        "--no-build-isolation",
        "--out-dir",
        str(tmp_path),
    ]
    subprocess.run([*build, "--python", sys.executable], cwd=REPOSITORY, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(next(name for name in names if name.endswith("/entry_points.txt"))).decode()
    assert wheel.name == f"airflow_provider_kafka_bq-{airflow_kafka_bq.__version__}-py3-none-any.whl"
    package = {
        str(path.relative_to(REPOSITORY)) for path in PACKAGE.rglob("*") if path.suffix in {".py", ".txt", ".json"}
    }
    assert package <= names
    assert "airflow_kafka_bq/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"airflow_kafka_bq"}
    assert "kafka-bq = airflow_kafka_bq.cli:main" in entry_points
