"""A real schema registry: Apicurio, which speaks the API of Confluent's, in memory."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from airflow_kafka_bq.testing.kafka.child_process import end, spawn
from airflow_kafka_bq.testing.kafka.jars import KafkaProgramsError, cache_directory, downloaded, java
from airflow_kafka_bq.testing.kafka.loopback import HOST, free_ports

REGISTRY_VERSION = "2.6.13.Final"
_ARTIFACT = f"io.apicurio:apicurio-registry-app:{REGISTRY_VERSION}:tar.gz:all"
_COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_JAR = f"apicurio-registry-app-{REGISTRY_VERSION}-runner.jar"
_START_SECONDS = 90.0
_API = "/apis/ccompat/v7"


def registry_is_here() -> bool:
    """Whether it was downloaded before."""
    return _library().is_dir()


def _library() -> Path:
    return cache_directory() / f"apicurio-{REGISTRY_VERSION}"


def registry_program() -> Path:
    """Directory with the registry; the first call downloads 142 MB, later ones find them in the cache.

    :raises KafkaProgramsError: Maven is not here, or the download failed.
    """
    return downloaded(_library(), _download)


def _download(scratch: Path, target: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaProgramsError("no Maven to download the schema registry with: install Maven")
    command = [maven, "-B", "-q", "-ntp", _COPY_GOAL, f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={scratch}"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise KafkaProgramsError(f"the schema registry cannot be had: {(done.stdout + done.stderr)[-2000:]}")
    for archive in scratch.glob("*.tar.gz"):
        with tarfile.open(archive) as packed:
            # As filter="data" does, which Python knows from 3.11.4 on.
            packed.extraction_filter = getattr(tarfile, "data_filter", _as_it_is)
            packed.extractall(target)  # noqa: S202  # of our own choosing, by version


def _as_it_is(member: tarfile.TarInfo, _place: str) -> tarfile.TarInfo:
    return member


class SchemaRegistryServer:
    """A registry on a port of its own, started by ``with``. ``url`` is that of Confluent's API."""

    def __init__(self) -> None:
        self._port = free_ports(1)[0]
        self._directory = Path(tempfile.mkdtemp(prefix="registry-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For the setting ``url`` of a client."""
        return f"http://{HOST}:{self._port}{_API}"

    def __enter__(self) -> Self:
        program = next(registry_program().rglob(_JAR))
        command = [
            *(java(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m", f"-Dquarkus.http.host={HOST}"),
            *(f"-Dquarkus.http.port={self._port}", "-jar", str(program)),
        ]
        self._process = spawn(command, log=self._directory / "registry.log", directory=self._directory)
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill it; what it held is gone."""
        if self._process is not None:
            end(self._process)
            self._process = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                tail = (self._directory / "registry.log").read_text(errors="replace")[-3000:]
                raise KafkaProgramsError(f"the schema registry {'ended' if ended else 'is not ready'}:\n{tail}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=2)
        try:
            connection.request("GET", f"{_API}/subjects")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
