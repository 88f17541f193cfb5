"""One node of a test cluster: its directory, its Java process, its readiness."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import struct
import subprocess
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_kafka_bq.testing.kafka.child_process import end, freeze, spawn
from airflow_kafka_bq.testing.kafka.jars import java, kafka_jars
from airflow_kafka_bq.testing.kafka.loopback import cluster_view

# The first compiler tier and the serial collector: quickest start, least memory.
QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms128m", "-Xmx512m")
THROUGHPUT = ("-XX:+UseParallelGC", "-Xms512m", "-Xmx1g")


class KafkaStartError(RuntimeError):
    """A broker ended while it started, or was not ready in time; the message holds the end of its log."""


class PortTakenError(KafkaStartError):
    """Another program took the port between the moment it was picked and the broker's start."""


def new_id() -> str:
    """A fresh id in Kafka's notation: 16 random bytes, URL-safe base64 without padding.

    Never one with a dash in front, which Kafka's tools take for an option.
    """
    fresh = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return new_id() if fresh.startswith("-") else fresh


@dataclass(slots=True)
class BrokerNode:
    """A node that is formatted, started, paused, killed and started again on the same data.

    :param node_id: from 1.
    :param port: plain port, asked for readiness.
    :param cluster_id: every answer must come from this cluster: another program's broker may own the port.
    :param directory: holds ``server.properties``, ``data`` and ``broker.log`` of this node.
    """

    node_id: int
    port: int
    cluster_id: str
    directory: Path
    jvm: Sequence[str] = QUICK_START
    process: subprocess.Popen[bytes] | None = None
    paused: bool = False

    @property
    def log(self) -> Path:
        """File with the broker's own log, warnings and above."""
        return self.directory / "broker.log"

    @property
    def data(self) -> Path:
        """Kafka's ``log.dirs``."""
        return self.directory / "data"

    @property
    def running(self) -> bool:
        """True if the process is there, be it paused."""
        return self.process is not None and self.process.poll() is None

    def format(self, properties: str, users: dict[str, str]) -> None:
        """Write the configuration and format the data directory; SCRAM credentials of ``users`` go in here."""
        self._write(properties)
        command = [*self._java("error"), "kafka.tools.StorageTool", "format"]
        command += ["-t", self.cluster_id, "-c", str(self._configuration)]
        for name, password in users.items():
            command += ["--add-scram", f"SCRAM-SHA-256=[name={name},password={password}]"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise KafkaStartError(f"format of the data directory failed: {done.stdout}{done.stderr}")

    def format_like(self, formatted: BrokerNode, properties: str) -> None:
        """Take over another node's bootstrap records, which saves a run of the Java virtual machine."""
        self._write(properties)
        self.data.mkdir()
        shutil.copy(formatted.data / "bootstrap.checkpoint", self.data)
        (self.data / "meta.properties").write_text(
            f"version=1\ncluster.id={self.cluster_id}\nnode.id={self.node_id}\ndirectory.id={new_id()}\n"
        )

    def start(self) -> None:
        """Start the process; it is not ready before :meth:`wait_until_ready` says so."""
        command = [*self._java("warn"), "kafka.Kafka", str(self._configuration)]
        self.process = spawn(command, log=self.log, directory=self.directory)
        self.paused = False

    def wait_until_ready(self, members: Collection[int], deadline: float) -> None:
        """Until this broker sees a controller and all ``members`` (node ids).

        :param deadline: on the clock of :func:`time.monotonic`.
        :raises PortTakenError: its port belongs to another program.
        :raises KafkaStartError: it ended, or is not ready at the deadline.
        """
        while not self._sees(members):
            tail = self.log.read_text(errors="replace")[-3000:]
            if not self.running:
                kind = PortTakenError if "Address already in use" in tail else KafkaStartError
                raise kind(f"broker {self.node_id} ended while it started:\n{tail}")
            if time.monotonic() > deadline:
                raise KafkaStartError(f"broker {self.node_id} was not ready in time:\n{tail}")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, as a crash of the machine would; the data stay."""
        if self.process is not None:
            end(self.process)
        self.process = None
        self.paused = False

    def pause(self) -> None:
        """SIGSTOP: the broker keeps its connections and answers nothing."""
        freeze(self._process())
        self.paused = True

    def resume(self) -> None:
        """SIGCONT after :meth:`pause`."""
        os.kill(self._process().pid, signal.SIGCONT)
        self.paused = False

    def _process(self) -> subprocess.Popen[bytes]:
        if self.process is None or not self.running:
            raise ProcessLookupError(f"broker {self.node_id} is not running")
        return self.process

    def _sees(self, members: Collection[int]) -> bool:
        if not self.running:
            return False
        try:
            view = cluster_view(self.port)
        except (OSError, struct.error):
            return False
        ours = view.cluster_id == self.cluster_id
        return ours and view.controller_id >= 0 and view.broker_ids.issuperset(members)

    @property
    def _configuration(self) -> Path:
        return self.directory / "server.properties"

    def _write(self, properties: str) -> None:
        self.directory.mkdir(mode=0o700)  # the configuration holds passwords
        self._configuration.write_text(properties)

    def _java(self, log_level: str) -> list[str]:
        return [
            java(),
            *self.jvm,
            "-Djava.net.preferIPv4Stack=true",
            f"-Dorg.slf4j.simpleLogger.defaultLogLevel={log_level}",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            "-cp",
            f"{kafka_jars()}/*",
        ]
