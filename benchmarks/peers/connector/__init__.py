"""The BigQuery sink connector of Kafka Connect, Aiven's: it is in no registry, so its sources are compiled.

``python -m benchmarks.peers.connector CHECKOUT``, with a checkout of github's Aiven-Open/bigquery-connector-for-
apache-kafka, once for a machine. The sources are compiled as they are.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from functools import partial
from pathlib import Path

from airflow_kafka_bq.testing.kafka.jars import cache_directory, downloaded

_POM = Path(__file__).with_name("pom.xml")
_COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_MODULES = ("kcbq-api", "kcbq-connector")


class NotBuiltError(RuntimeError):
    """The connector is not here, or cannot be compiled; the message says what to do."""


def folder() -> Path:
    """Where its jars belong; named by what it is compiled with."""
    return cache_directory() / f"connect-bigquery-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"


def library() -> Path:
    """Directory with the connector's jars. :raises NotBuiltError: they were not compiled on this machine."""
    if not folder().is_dir():
        raise NotBuiltError(
            "Kafka Connect's BigQuery sink connector is in no package registry; compile a checkout of its sources "
            "(Aiven-Open/bigquery-connector-for-apache-kafka): python -m benchmarks.peers.connector CHECKOUT"
        )
    return folder()


def build(checkout: Path) -> Path:
    """Compile the sources. :raises NotBuiltError: Maven is missing, or ended with an error."""
    return downloaded(folder(), partial(_build, checkout))


def _build(checkout: Path, scratch: Path, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NotBuiltError("no Maven to compile the connector with: install Maven")
    shutil.copy(_POM, scratch / "pom.xml")
    for module in _MODULES:
        shutil.copytree(checkout / module / "src" / "main", scratch / "src" / "main", dirs_exist_ok=True)
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    line = [maven, "-B", "-q", "-ntp", "-f", str(scratch / "pom.xml"), "package", _COPY_GOAL, *options]
    done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise NotBuiltError(f"the connector cannot be compiled: {(done.stdout + done.stderr)[-1_000:]}")
    for jar in (scratch / "target").glob("*.jar"):
        shutil.copy(jar, target)
