"""The program of the mock cluster's own process: librdkafka through ctypes, commands as JSON lines on stdin.

Started as a file by :mod:`airflow_kafka_bq.testing.kafka.mock_cluster`; it imports the standard library only, so that
it is up in a few dozen milliseconds. First line on stdout: ``{"bootstrap": …}`` or ``{"unavailable": …}``. Then for
each ``{"id": n, "call": name, "arguments": […]}`` one ``{"id": n, "code": c, "result": …}``; ``c`` is librdkafka's
error code, 0 for success. The process ends with its stdin.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable
from typing import Any

_TEXT, _INT16, _INT32, _INT64 = ctypes.c_char_p, ctypes.c_int16, ctypes.c_int32, ctypes.c_int64
_PRODUCER = 0

# Calls that take the cluster and plain values, and return an error code.
_CALLS: dict[str, tuple[Any, ...]] = {
    "topic_create": (_TEXT, ctypes.c_int, ctypes.c_int),
    "topic_delete": (_TEXT,),
    "partition_set_leader": (_TEXT, _INT32, _INT32),
    "partition_delete_records": (_TEXT, _INT32, _INT64),
    "coordinator_set": (_TEXT, _TEXT, _INT32),
    "broker_set_down": (_INT32,),
    "broker_set_up": (_INT32,),
    "broker_set_rtt": (_INT32, ctypes.c_int),
    "set_apiversion": (_INT16, _INT16, _INT16),
}
# The same without a return value.
_VOID_CALLS: dict[str, tuple[Any, ...]] = {
    "topic_set_error": (_TEXT, ctypes.c_int),
    "clear_request_errors": (_INT16,),
    "group_initial_rebalance_delay_ms": (_INT32,),
    "start_request_tracking": (),
    "stop_request_tracking": (),
}


class Cluster:
    """A producer handle, which librdkafka needs as the owner, and the mock cluster made from it."""

    def __init__(self, library: str, brokers: int) -> None:
        self._library = ctypes.CDLL(library)
        self._handle = ctypes.c_void_p()
        new = self._function("rd_kafka_mock_cluster_new", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
        # Every symbol is looked up now: a client that lacks one is found out before a test depends on it.
        self._calls = {name: self._symbol(name, ctypes.c_int, types) for name, types in _CALLS.items()}
        self._calls |= {name: self._symbol(name, None, types) for name, types in _VOID_CALLS.items()}
        self._push = self._symbol("push_request_errors_array", None, (_INT16, ctypes.c_size_t, ctypes.c_void_p))
        self._push_delays = self._symbol(
            "broker_push_request_error_rtts", ctypes.c_int, (_INT32, _INT16, ctypes.c_size_t)
        )
        self._requests = self._symbol("get_requests", ctypes.POINTER(ctypes.c_void_p), (ctypes.c_void_p,))
        self._request_key = self._function("rd_kafka_mock_request_api_key", _INT16, ctypes.c_void_p)
        self._free_requests = self._function(
            "rd_kafka_mock_request_destroy_array", None, ctypes.c_void_p, ctypes.c_size_t
        )
        self._handle = ctypes.c_void_p(new(self._new_owner(), brokers))
        if self._handle.value is None:
            raise OSError("librdkafka could not create a mock cluster")

    def bootstrap(self) -> str:
        """Addresses of all brokers."""
        function = self._symbol("cluster_bootstraps", _TEXT, ())
        return str(function(self._handle).decode())

    def call(self, name: str, arguments: list[Any]) -> tuple[int, Any]:
        """Error code and result of one command."""
        special: dict[str, Callable[..., tuple[int, Any]]] = {
            "push_errors": self._push_errors,
            "push_delays": self._push_request_delays,
            "requests": self._tracked_requests,
        }
        if name in special:
            return special[name](*arguments)
        values = [each.encode() if isinstance(each, str) else each for each in arguments]
        return self._calls[name](self._handle, *values) or 0, None

    def _push_errors(self, api_key: int, codes: list[int]) -> tuple[int, None]:
        self._push(self._handle, api_key, len(codes), (ctypes.c_int * len(codes))(*codes))
        return 0, None

    def _push_request_delays(self, broker_id: int, api_key: int, milliseconds: list[int]) -> tuple[int, None]:
        pairs = [ctypes.c_int(each) for delay in milliseconds for each in (0, delay)]
        return self._push_delays(self._handle, broker_id, api_key, len(milliseconds), *pairs), None

    def _tracked_requests(self) -> tuple[int, list[int]]:
        count = ctypes.c_size_t()
        found = self._requests(self._handle, ctypes.byref(count))
        keys = [int(self._request_key(found[i])) for i in range(count.value)]
        self._free_requests(found, count)
        return 0, keys

    def _new_owner(self) -> Any:
        new_settings = self._function("rd_kafka_conf_new", ctypes.c_void_p)
        set_one = self._function(
            "rd_kafka_conf_set", ctypes.c_int, ctypes.c_void_p, _TEXT, _TEXT, _TEXT, ctypes.c_size_t
        )
        new = self._function("rd_kafka_new", ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, _TEXT, ctypes.c_size_t)
        problem = ctypes.create_string_buffer(512)
        settings = new_settings()
        set_one(settings, b"log_level", b"3", problem, len(problem))
        owner = new(_PRODUCER, settings, problem, len(problem))
        if not owner:
            raise OSError(problem.value.decode())
        return owner

    def _symbol(self, name: str, result: Any, types: tuple[Any, ...]) -> Any:
        return self._function(f"rd_kafka_mock_{name}", result, ctypes.c_void_p, *types)

    def _function(self, symbol: str, result: Any, *types: Any) -> Any:
        function = getattr(self._library, symbol)
        function.restype, function.argtypes = result, types
        return function


def _answer(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def serve(library: str, brokers: int) -> int:
    """Exit code of the process: 0, or 1 if this librdkafka has no mock cluster we can use."""
    try:
        cluster = Cluster(library, brokers)
    except (OSError, AttributeError) as missing:
        _answer({"unavailable": str(missing)})
        return 1
    _answer({"bootstrap": cluster.bootstrap()})
    for line in sys.stdin:
        command = json.loads(line)
        code, result = cluster.call(command["call"], command["arguments"])
        _answer({"id": command["id"], "code": code, "result": result})
    return 0


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], int(sys.argv[2])))
