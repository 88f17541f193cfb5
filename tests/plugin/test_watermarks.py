"""An event and its watermark are stored in one transaction of Airflow's own database, or neither is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.orm import Session

from airflow_kafka_bq.plugin import KafkaBigQueryPlugin, watermarks
from airflow_kafka_bq.triggers.kafka_lag import KafkaLagTrigger

KEY = "kafka_bq.lag.0123456789abcdef"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    """Of Airflow's database the tables that matter, and its services' listener."""
    import airflow.models.team  # noqa: F401 - a variable may be a team's
    from airflow.models.asset import AssetEvent
    from airflow.models.base import Base
    from airflow.models.variable import Variable

    made = create_engine(f"sqlite:///{tmp_path / 'airflow.db'}")
    Base.metadata.create_all(made, tables=[AssetEvent.__table__, Variable.__table__])
    watermarks.on_starting(component=object())
    watermarks.on_starting(component=object())  # each service starts several
    yield made
    event.remove(AssetEvent, "after_insert", watermarks.keep)
    made.dispose()


def event_of(ends: dict[str, int], **extra: Any) -> Any:
    """An asset event, as the triggerer's supervisor stores it."""
    from airflow.models.asset import AssetEvent

    payload = {"topic": "orders", "group_id": "g", "lag": 1, "ends": ends, "watermark": KEY}
    return AssetEvent(asset_id=7, extra={"from_trigger": True, "payload": payload, **extra})


def stored(engine: Any) -> tuple[int, Any]:
    """How many events, and the watermark, as another process sees them."""
    from airflow.models.asset import AssetEvent
    from airflow.models.variable import Variable

    with Session(engine) as session:
        kept: Any = session.scalar(select(Variable).where(Variable.key == KEY))
        return session.scalar(select(func.count(AssetEvent.id))) or 0, kept and json.loads(kept.val)


def told(ends: dict[str, int]) -> dict[str, Any]:
    return {"topic": "orders", "group_id": "g", "ends": ends}


def test_an_event_takes_its_watermark_with_it_and_the_next_one_moves_it(engine: Any) -> None:
    for count, ends in enumerate(({"0": 3}, {"0": 5, "1": 2}), 1):
        with Session(engine) as session, session.begin():
            session.add(event_of(ends))
        assert stored(engine) == (count, told(ends))


@pytest.mark.parametrize("moment", ["before the insert", "after it, before the commit"])
def test_killed_before_the_commit_neither_is_there(engine: Any, moment: str) -> None:
    """The transaction ends without a commit, as when its process is gone."""
    session = Session(engine)
    session.add(event_of({"0": 3}))
    if moment != "before the insert":
        session.flush()
    session.rollback()
    session.close()
    assert stored(engine) == (0, None)


def test_a_watermark_that_cannot_be_kept_does_not_take_the_event_with_it(
    engine: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:

    def broken(connection: Any, *_: Any) -> None:
        connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

    monkeypatch.setattr(watermarks, "_write", broken)
    with Session(engine) as session, session.begin():
        session.add(event_of({"0": 3}))
    assert stored(engine) == (1, None)
    assert KEY in caplog.text


@pytest.mark.parametrize(
    "extra",
    [
        {"from_trigger": False},
        {"from_rest_api": True},
        {"payload": "text"},
        {"payload": {"watermark": "somebody's variable", "ends": {"0": 1}}},
        {"payload": {"watermark": None}},
    ],
)
def test_what_others_store_writes_no_variable(engine: Any, extra: dict[str, Any]) -> None:
    """The API takes any ``extra`` of those who may make events, who may not write variables for it."""
    with Session(engine) as session, session.begin():
        session.add(event_of({"0": 3}, **extra))
    assert stored(engine) == (1, None)


def test_the_plugin_has_the_listener_and_the_trigger_names_a_variable_that_it_takes() -> None:
    assert KafkaBigQueryPlugin.listeners == [watermarks]
    one = KafkaLagTrigger("orders", "g", 3)
    other = KafkaLagTrigger("orders", "g", 4)
    assert one._watermark != other._watermark
    assert watermarks._watermark({"from_trigger": True, "payload": {"watermark": one._watermark}})
