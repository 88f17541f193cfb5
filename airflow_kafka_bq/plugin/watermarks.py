"""The lag trigger's watermark is written in the transaction that stores its event: both are there, or neither.

A trigger runs in a process without the metadata database. Its supervisor, which stores the events, has it: there this
module listens to the insert of an asset event, and writes the Airflow variable that the trigger reads when it starts.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from airflow.listeners import hookimpl  # noqa: TID253 - Airflow's services alone load it

log = logging.getLogger(__name__)


@hookimpl
def on_starting(component: Any) -> None:  # noqa: ARG001 - Airflow's; its kind is not known yet
    """A service of Airflow starts: the triggerer, or another one that stores no events of triggers."""
    from airflow.models.asset import AssetEvent
    from sqlalchemy import event

    if not event.contains(AssetEvent, "after_insert", keep):
        event.listen(AssetEvent, "after_insert", keep)


def keep(_mapper: Any, connection: Any, asset_event: Any) -> None:
    """Write the watermark of an event of ours on the connection that has just inserted it; others are left alone.

    A failure is logged, and the event stays: it is told of once more after a restart, and is not lost.
    """
    found = _watermark(asset_event.extra)
    if found is None:
        return
    try:
        # A statement that fails would end PostgreSQL's whole transaction, the event with it.
        with connection.begin_nested():
            _write(connection, *found)
    except Exception:
        log.warning("the watermark %s is not kept; its event comes again after a restart", found[0], exc_info=True)


def _watermark(extra: Any) -> tuple[str, str] | None:
    """The variable and its value; None where no lag trigger sent it: what comes by the REST API may say anything."""
    from airflow_kafka_bq.triggers.kafka_lag import WATERMARK

    payload = extra.get("payload") if isinstance(extra, dict) and extra.get("from_trigger") is True else None
    if not isinstance(payload, dict) or "from_rest_api" in extra:
        return None
    key = payload.get("watermark")
    if not isinstance(key, str) or not WATERMARK.fullmatch(key):
        return None
    return key, json.dumps({name: payload.get(name) for name in ("topic", "group_id", "ends")})


def _write(connection: Any, key: str, value: str) -> None:
    from airflow.models.variable import Variable

    model: Any = Variable
    made, table = model(key=key, val=value), model.__table__  # encrypted, where Airflow has a key for it
    kept = {"val": made._val, "is_encrypted": made.is_encrypted}  # noqa: SLF001 - the column; ``val`` is decrypted
    if connection.execute(table.update().where(table.c.key == key).values(kept)).rowcount == 0:
        told = "How far KafkaLagTrigger has told of unread messages. Deleted: they are told of once more."
        connection.execute(table.insert().values(key=key, description=told, **kept))
