from __future__ import annotations

import os
from typing import Any

from airflow_kafka_bq.kafka.shared_admins import SharedAdmins

ONE: dict[str, Any] = {"bootstrap.servers": "a:1", "error_cb": print}


class Built:
    """Clients that are only counted, and their error callbacks."""

    def __init__(self) -> None:
        self.callbacks: list[Any] = []

    def __call__(self, on_error: Any) -> Any:
        self.callbacks.append(on_error)
        return object()


def test_the_same_settings_have_the_same_client() -> None:
    admins, build, ignored = SharedAdmins(), Built(), list[str]().append
    first = admins.of(ONE, build, print)
    assert admins.of(dict(ONE), build, ignored) is first
    assert admins.of({**ONE, "bootstrap.servers": "b:1"}, build, print) is not first
    assert admins.of({**ONE, "error_cb": repr}, build, print) is not first, "a callback equals itself alone"
    assert admins.built == len(build.callbacks) == 3


def test_everybody_hears_of_an_error_also_who_comes_later() -> None:
    admins, build = SharedAdmins(), Built()
    heard: dict[str, list[str]] = {"first": [], "second": [], "gone": []}
    admins.of(ONE, build, heard["first"].append)
    gone = heard["gone"].append
    admins.of(ONE, build, gone)
    admins.leave(gone)
    build.callbacks[0]("refused")
    admins.of(ONE, build, heard["second"].append)
    assert heard == {"first": ["refused"], "second": ["refused"], "gone": []}


def test_a_client_that_owes_an_answer_is_replaced() -> None:
    admins, build = SharedAdmins(), Built()
    old = admins.of(ONE, build, print)
    admins.retire(old)
    new = admins.of(ONE, build, print)
    assert new is not old
    admins.retire(old)
    assert admins.of(ONE, build, print) is new, "it was retired before"


def test_a_child_process_gets_a_client_of_its_own() -> None:
    admins, build = SharedAdmins(), Built()
    ours = admins.of(ONE, build, print)
    child = os.fork()
    if child == 0:
        theirs = admins.of(ONE, build, print)
        admins.close()
        os._exit(0 if theirs is not ours else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert admins.of(ONE, build, print) is ours
