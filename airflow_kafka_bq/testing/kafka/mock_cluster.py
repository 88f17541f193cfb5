"""librdkafka's mock cluster in a process of its own: up in a tenth of a second, without Java, with injected faults.

It ignores ``read_committed``, has no topic ids, no topic administration and no group listing, and keeps at most
5 MiB per partition. A commit without membership is refused for good once any member joined that group. What depends on
these needs :class:`airflow_kafka_bq.testing.kafka.KafkaBroker`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from airflow_kafka_bq.testing.kafka.api_keys import ApiKey, error_code
from airflow_kafka_bq.testing.kafka.child_process import end, freeze, spawn

ALL_BROKERS = -1
_PROGRAM = Path(__file__).with_name("mock_cluster_process.py")
_ANSWER_TIMEOUT_SECONDS = 15.0


class MockClusterError(RuntimeError):
    """The mock cluster refused a command or did not answer."""


class MockClusterUnavailableError(MockClusterError):
    """This installation of confluent-kafka has no librdkafka with the mock cluster that we can reach."""


def librdkafka_path() -> Path:
    """The shared library inside the installed confluent-kafka wheel.

    :raises MockClusterUnavailableError: it was not built as such a wheel.
    """
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise MockClusterUnavailableError("confluent-kafka is not installed")
    package = Path(spec.origin).parent
    layouts = (package.with_name("confluent_kafka.libs"), "librdkafka*.so*"), (package / ".dylibs", "librdkafka*.dylib")
    for folder, pattern in layouts:
        if found := sorted(folder.glob(pattern)):
            return found[0]
    raise MockClusterUnavailableError(f"no librdkafka beside {package}: not installed from a wheel for Linux or macOS")


class MockCluster:
    """A mock Kafka cluster; its topics, data and offsets live and die with its process.

    ::

        with MockCluster() as mock:
            mock.create_topic("orders", partitions=3)
            mock.push_errors("OffsetCommit", ["NOT_COORDINATOR"])

    Request types are named as in Kafka's protocol, errors as in :class:`confluent_kafka.KafkaError`. Every method
    raises :class:`MockClusterError` when the cluster refuses, with the error's name.

    :param brokers: number of brokers, with ids from 1.
    """

    def __init__(self, brokers: int = 1) -> None:
        self._brokers = brokers
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryDirectory(prefix="kafka-mock-", ignore_cleanup_errors=True)
        self._buffer = b""
        self._commands = 0
        self._paused = False
        self._lock = threading.Lock()
        self.bootstrap = ""
        """``bootstrap.servers``, once started."""

    def start(self) -> Self:
        """Start the process; ``with`` does it.

        :raises MockClusterUnavailableError: the library or one of its symbols is missing.
        """
        if self._process is not None:
            raise RuntimeError("the mock cluster is running already")
        command = [sys.executable, "-I", "-S", str(_PROGRAM), str(librdkafka_path()), str(self._brokers)]
        try:
            self._process = spawn(command, log=Path(self._log.name) / "stderr", piped=True)
            hello = self._read_line(time.monotonic() + _ANSWER_TIMEOUT_SECONDS)
            if "unavailable" in hello:
                raise MockClusterUnavailableError(f"librdkafka has no usable mock cluster: {hello['unavailable']}")
        except BaseException:
            self.stop()
            raise
        self.bootstrap = str(hello["bootstrap"])
        return self

    def stop(self) -> None:
        """Kill the process; everything in the cluster is gone."""
        if self._process is not None:
            end(self._process)
        self._process = None
        self._log.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process_id(self) -> int:
        """Of the cluster's process."""
        return self._running().pid

    def create_topic(self, topic: str, partitions: int = 1, *, replication_factor: int = 1) -> None:
        """A topic that exists already is refused."""
        self._call("topic_create", topic, partitions, replication_factor)

    def delete_topic(self, topic: str) -> None:
        """With its data and committed offsets."""
        self._call("topic_delete", topic)

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        """Move the partition's log start to ``before_offset``, as retention does."""
        self._call("partition_delete_records", topic, partition, before_offset)

    def set_leader(self, topic: str, partition: int, broker_id: int) -> None:
        """Move the partition's leader; -1 leaves it without one."""
        self._call("partition_set_leader", topic, partition, broker_id)

    def set_coordinator(self, group_id: str, broker_id: int) -> None:
        """Move the coordinator of a consumer group."""
        self._call("coordinator_set", "group", group_id, broker_id)

    def set_topic_error(self, topic: str, error: str) -> None:
        """Answer this error for the topic in Metadata, until ``NO_ERROR`` is set."""
        self._call("topic_set_error", topic, error_code(error))

    def broker_down(self, broker_id: int = ALL_BROKERS) -> None:
        """Drop the broker's connections and refuse new ones; data stay, leaders do not move."""
        self._call("broker_set_down", broker_id)

    def broker_up(self, broker_id: int = ALL_BROKERS) -> None:
        """After :meth:`broker_down`."""
        self._call("broker_set_up", broker_id)

    def set_round_trip_time(self, milliseconds: int, broker_id: int = ALL_BROKERS) -> None:
        """Answer every request that much later; 0 ends it."""
        self._call("broker_set_rtt", broker_id, milliseconds)

    def push_errors(self, request: str | ApiKey, errors: Sequence[str]) -> None:
        """Answer the next requests of that type with these errors, one each, in order."""
        self._call("push_errors", int(ApiKey.named(request)), [error_code(each) for each in errors])

    def clear_errors(self, request: str | ApiKey) -> None:
        """Forget the pushed errors that nobody met yet."""
        self._call("clear_request_errors", int(ApiKey.named(request)))

    def drop_connections(self, request: str | ApiKey, times: int = 1) -> None:
        """Close the connection on which each of the next ``times`` requests of that type arrives."""
        self.push_errors(request, ["_TRANSPORT"] * times)

    def delay_answers(self, request: str | ApiKey, milliseconds: Sequence[int], *, broker_id: int = 1) -> None:
        """Answer the next requests of that type at this broker so much later, one entry for each request."""
        self._call("push_delays", broker_id, int(ApiKey.named(request)), list(milliseconds))

    def disable_requests(self, request: str | ApiKey) -> None:
        """Say in ApiVersions that the cluster does not know that request type; for clients that connect later."""
        self._call("set_apiversion", int(ApiKey.named(request)), -1, -1)

    def set_initial_rebalance_delay(self, milliseconds: int) -> None:
        """How long a new group waits for further members (3000 at first, as on a broker)."""
        self._call("group_initial_rebalance_delay_ms", milliseconds)

    def track_requests(self) -> None:
        """Forget the requests seen so far and record those that follow, for :meth:`requests`."""
        self._call("start_request_tracking")

    def requests(self) -> list[str]:
        """Types of the requests since :meth:`track_requests`, in order; a type without a name here by its number."""
        known = {int(key): key.name for key in ApiKey}
        return [known.get(key, str(key)) for key in self._call("requests")]

    def pause(self) -> None:
        """SIGSTOP: connections stay open, no answer comes; commands are refused meanwhile."""
        freeze(self._running())
        self._paused = True

    def resume(self) -> None:
        """SIGCONT after :meth:`pause`."""
        os.kill(self._running().pid, signal.SIGCONT)
        self._paused = False

    def _call(self, name: str, *arguments: Any) -> Any:
        with self._lock:
            process = self._running()
            if self._paused or process.stdin is None:
                raise MockClusterError(f"{name}: the mock cluster is paused")
            self._commands += 1
            command = {"id": self._commands, "call": name, "arguments": arguments}
            with contextlib.suppress(BrokenPipeError):  # the process is dead; reading its answer says so
                os.write(process.stdin.fileno(), json.dumps(command).encode() + b"\n")
            answer: dict[str, Any] = {}
            deadline = time.monotonic() + _ANSWER_TIMEOUT_SECONDS
            while answer.get("id") != self._commands:  # an older id answers a command that timed out
                answer = self._read_line(deadline)
        if answer["code"]:
            raise MockClusterError(f"{name}{arguments}: {_error_name(answer['code'])}")
        return answer["result"]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise MockClusterError("the mock cluster is not running: use it with `with`")
        return self._process

    def _read_line(self, deadline: float) -> dict[str, Any]:
        stdout = self._running().stdout
        if stdout is None:
            raise MockClusterError("the mock cluster was started without pipes")
        while b"\n" not in self._buffer:
            ready = select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))[0]
            chunk = os.read(stdout.fileno(), 1 << 16) if ready else b""
            if not chunk:
                raise MockClusterError(f"no answer from the mock cluster: {self._stderr()}")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _stderr(self) -> str:
        log = Path(self._log.name) / "stderr"
        return log.read_text(errors="replace")[-2000:] if log.exists() else ""


def _error_name(code: int) -> str:
    from confluent_kafka import KafkaError

    return KafkaError(code).name()
