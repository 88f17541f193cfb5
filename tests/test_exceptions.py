"""Errors: the tree of the contract, what they carry, and that nothing is lost on the way through a process."""

from __future__ import annotations

import copy
import json
import pickle
import re
import textwrap
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from airflow_kafka_bq import exceptions
from airflow_kafka_bq.exceptions import ConfigError, IngestError, OffsetGapError, StalledError, StopRequested

# The contract: name -> parent and exit code.
TRANSIENT = (
    *("KafkaUnavailableError", "StalledError", "PartitionsLostError"),
    *("RegistryUnavailableError", "WarehouseUnavailableError", "MergeConflictError"),
)
TERMINAL = (
    *("ConfigError", "GroupInUseError", "PositionConflictError", "NotFoundError", "AccessDeniedError"),
    *("OffsetGapError", "TopicChangedError", "TargetChangedError", "BadMessagesError"),
    *("SchemaDriftError", "CostLimitError", "MergeRejectedError", "AccountingError"),
)
TREE = {
    "IngestError": ("Exception", 3),
    "TransientError": ("IngestError", 4),
    "TerminalError": ("IngestError", 3),
    **{name: ("TransientError", 4) for name in TRANSIENT},
    **{name: ("TerminalError", 2 if name == "ConfigError" else 3) for name in TERMINAL},
}
FIELDS: dict[str, Any] = {
    "topic": "shop.orders",
    "partition": 0,
    "offset": 0,
    "group_id": "kafka-bq.shop.orders",
    "batch_id": "00ff",
    "remedy": "restore the data",
}
REPORT = {"topic": "shop.orders", "messages": 5, "partitions": {"0": {"start": 0}}}


def classes() -> dict[str, type[IngestError]]:
    found = vars(exceptions).values()
    return {one.__name__: one for one in found if isinstance(one, type) and issubclass(one, IngestError)}


def full(kind: type[IngestError] = OffsetGapError) -> IngestError:
    error = kind("offsets 0 to 4 are gone", **FIELDS)
    error.report = REPORT
    return error


def same(one: BaseException, other: IngestError) -> bool:
    return type(one) is type(other) and vars(one) == vars(other) and str(one) == str(other) and one.args == other.args


def fail(kind: type[IngestError]) -> None:
    raise full(kind)


def test_the_tree_is_that_of_the_contract() -> None:
    assert {name: (kind.__bases__[0].__name__, kind.exit_code) for name, kind in classes().items()} == TREE


def test_the_drawing_in_the_module_is_the_tree() -> None:
    drawn = re.findall(r"[A-Z]\w+Error", textwrap.dedent(exceptions.__doc__ or "").split("::")[1])
    assert set(drawn) == set(TREE)
    _, transient, terminal = re.split(r"TransientError|TerminalError", exceptions.__doc__ or "")
    assert set(re.findall(r"[A-Z]\w+Error", transient)) == set(TRANSIENT)
    assert set(re.findall(r"[A-Z]\w+Error", terminal)) == set(TERMINAL)


def test_each_error_says_what_it_means() -> None:
    assert [name for name, kind in classes().items() if not kind.__doc__] == []


def test_a_request_to_stop_is_no_error() -> None:
    assert not issubclass(StopRequested, IngestError)


@pytest.mark.parametrize("kind", classes().values())
def test_an_error_survives_pickling_and_copying(kind: type[IngestError]) -> None:
    error = full(kind)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert same(pickle.loads(pickle.dumps(error, protocol)), error)  # noqa: S301
    assert same(copy.copy(error), error)
    assert same(copy.deepcopy(error), error)


def test_an_error_survives_a_process_pool() -> None:
    with ProcessPoolExecutor(1, get_context("forkserver")) as pool:
        raised = [pool.submit(fail, kind).exception() for kind in (OffsetGapError, StalledError)]
    for found, kind in zip(raised, (OffsetGapError, StalledError), strict=True):
        assert found is not None
        found.__cause__ = None  # the traceback of the other process, as text
        assert same(found, full(kind))


def test_text_has_message_location_and_remedy() -> None:
    assert str(full()) == (
        "offsets 0 to 4 are gone [topic=shop.orders, partition=0, offset=0, group_id=kafka-bq.shop.orders, "
        "batch_id=00ff] Remedy: restore the data"
    )
    assert str(IngestError("wrong")) == "wrong"
    assert str(ConfigError("wrong", topic="a")).startswith("wrong [topic=a] Remedy: ")
    assert str(ConfigError("wrong", remedy="mend it")) == "wrong Remedy: mend it"


def test_located_fills_what_is_unknown_and_keeps_what_the_raiser_said() -> None:
    error = OffsetGapError("gone", partition=3)
    assert error.located(topic="shop.orders", partition=0, offset=0) is error
    assert (error.topic, error.partition, error.offset) == ("shop.orders", 3, 0)
    assert OffsetGapError("gone", offset=0).located(offset=7).offset == 0


def test_json_is_the_contract() -> None:
    document = full().to_json()
    assert list(document) == [
        *("error", "message", "topic", "partition", "offset", "group_id", "batch_id", "remedy", "report")
    ]
    assert document == {"error": "OffsetGapError", "message": "offsets 0 to 4 are gone", **FIELDS, "report": REPORT}
    assert json.loads(json.dumps(document)) == document


def test_json_has_every_field_also_when_nothing_is_known() -> None:
    document = IngestError("wrong").to_json()
    assert document == {"error": "IngestError", "message": "wrong", **dict.fromkeys(FIELDS), "report": None}


def test_the_message_alone_is_the_argument() -> None:
    assert full().args == ("offsets 0 to 4 are gone",)
    assert "remedy" not in repr(full())


@pytest.mark.parametrize("name", sorted({*TRANSIENT, *TERMINAL}))
def test_an_error_says_what_to_do_also_where_its_raiser_does_not_know(name: str) -> None:
    """BigQuery's words say what happened."""
    error = classes()[name]("no more jobs for today", topic="shop.orders")
    assert error.remedy
    assert str(error).endswith(f"Remedy: {error.remedy}")
    assert classes()[name]("no", remedy="wait").remedy == "wait"
