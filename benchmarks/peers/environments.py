"""An environment for each peer, made when it is first asked for, in the cache folder beside the other programs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from airflow_kafka_bq.testing.bigquery.environment import CERTIFICATES
from airflow_kafka_bq.testing.kafka.jars import KAFKA_VERSION, KafkaProgramsError, cache_directory, downloaded, jars
from benchmarks.peers import connector

_CONSTRAINTS = Path(__file__).parents[2] / "constraints"
_SECONDS = 900
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "dlt": ("dlt[bigquery]", "confluent-kafka", "msgspec"),
    "quix": ("quixstreams[bigquery]",),
    "ingestr": ("ingestr",),
}
_WORKER = ("connect-runtime", "connect-json", "connect-transforms")
_LOG = "org.slf4j:slf4j-simple:1.7.36"


class UnavailableError(RuntimeError):
    """A peer's environment cannot be made here; the message says why."""


def python_of(peer: str) -> Path:
    """The interpreter that runs a peer's module: its own environment's, or this one's for a peer that is no Python.

    :raises UnavailableError: its packages or programs cannot be had.
    """
    try:
        if peer == "kafka_connect":
            connect_worker()
            connector.library()
        if peer not in PACKAGES:
            return Path(sys.executable)
        return downloaded(_folder(peer), partial(_install, peer)) / "bin" / "python"
    except (KafkaProgramsError, connector.NotBuiltError) as missing:
        raise UnavailableError(str(missing)) from missing


def connect_worker() -> Path:
    """Directory with the jars of Kafka Connect. :raises KafkaProgramsError: they cannot be downloaded."""
    named = [f"org.apache.kafka:{artifact}:{KAFKA_VERSION}" for artifact in _WORKER]
    return jars(f"kafka-connect-{KAFKA_VERSION}", [*named, _LOG])


def _constraints(peer: str) -> Path:
    return _CONSTRAINTS / f"peer-{peer}.txt"


def _folder(peer: str) -> Path:
    """Named by its pins, so that a new pin makes a new one."""
    pins = hashlib.sha256(_constraints(peer).read_bytes()).hexdigest()[:12]
    return cache_directory() / f"peer-{peer}-py{sys.version_info.major}.{sys.version_info.minor}-{pins}"


def _install(peer: str, _: Path, target: Path) -> None:
    python = target / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    _run([*uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(target)], peer)
    pins = ["--constraint", str(_constraints(peer))]
    _run(
        [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *pins, *PACKAGES[peer]], peer
    )


def _run(command: list[str], peer: str) -> None:
    environment = CERTIFICATES | os.environ
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=environment, check=False)
    except subprocess.TimeoutExpired as late:
        raise UnavailableError(f"the environment of {peer} was not ready after {_SECONDS} s") from late
    if done.returncode:
        raise UnavailableError(f"the environment of {peer} cannot be made: {done.stderr.strip()[-500:]}")
