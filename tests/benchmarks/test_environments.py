"""A peer's environment has its pins, and where it cannot be made it is said why."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks.cases import AT_MOST
from benchmarks.peers import connector, environments
from benchmarks.peers.environments import PACKAGES, UnavailableError, python_of

CONSTRAINTS = Path(__file__).parents[2] / "constraints"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("KAFKA_BQ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_every_package_of_a_peer_is_pinned() -> None:
    for peer, packages in PACKAGES.items():
        pinned = re.findall(r"^([a-z0-9-]+)==", (CONSTRAINTS / f"peer-{peer}.txt").read_text(), re.MULTILINE)
        assert {re.split(r"\W\[|\[", package)[0] for package in packages} <= set(pinned), peer
    assert set(PACKAGES) < set(AT_MOST)


def test_an_environment_that_cannot_be_made_is_named_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setitem(environments.PACKAGES, "ingestr", ("ingestr==0.0.0",))
    with pytest.raises(UnavailableError, match="the environment of ingestr cannot be made"):
        python_of("ingestr")
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_a_connector_that_was_not_compiled_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "connect_worker", lambda: Path())
    with pytest.raises(UnavailableError, match=re.escape("python -m benchmarks.peers.connector CHECKOUT")):
        python_of("kafka_connect")


def test_sources_that_do_not_compile_leave_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mvn").write_text("#!/bin/sh\necho missing class; exit 1\n")
    (tmp_path / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for module in ("kcbq-api", "kcbq-connector"):
        (tmp_path / module / "src" / "main").mkdir(parents=True)
    with pytest.raises(connector.NotBuiltError, match="missing class"):
        connector.build(tmp_path)
    assert not connector.folder().exists()


def test_a_peer_without_packages_of_its_own_runs_here() -> None:
    assert python_of("handwritten") == Path(sys.executable)
