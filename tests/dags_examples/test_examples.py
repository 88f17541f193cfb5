"""Each example does in Airflow what its text says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_kafka_bq.testing.kafka import NewMessage
from tests.dags_examples.conftest import EXAMPLES, Shop

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = TODAY - timedelta(days=4)  # a broker takes no messages of the future


def test_every_example_has_a_test() -> None:
    here = (EXAMPLES.parent / "tests" / "dags_examples" / "test_examples.py").read_text("utf-8")
    assert [path.stem for path in EXAMPLES.glob("*.py") if f'"{path.stem}"' not in here] == []


def test_minimal(shop: Shop) -> None:
    shop.send("shop.orders", *(shop.order(n) for n in range(10)))
    for _ in range(2):
        assert shop.run("kafka_bq_minimal") == {"orders": "success"}
        assert shop.rows("orders_raw") == [(10,)]


def test_typed_keeps_the_newest_version_and_rejects_what_does_not_fit(shop: Shop) -> None:
    def order(number: int, version: str, total: Any = "9.90", **fields: Any) -> NewMessage:
        day = {"ordered_on": "2026-01-01", "updated_at": f"2026-01-01T{version}:00Z", "total": total}
        return shop.order(number, **day, lines=[{"sku": "a", "quantity": number}], **fields)

    newer, older = order(1, "10:00", "20.00"), order(1, "09:00", "10.00")
    shop.send("shop.orders", newer, older, order(2, "09:00"), order(3, "09:00", "a lot"))
    assert shop.run("kafka_bq_typed") == {"orders": "success"}
    wanted = [("o1", Decimal("20.00")), ("o2", Decimal("9.90"))]
    assert shop.rows("orders", "order_id, total") == wanted
    assert shop.rows("orders__dead_letters", "stage, _kafka_partition, _kafka_offset") == [("validate", 1, 2)]
    shop.send("shop.orders", older, order(2, "11:00", "5.00"))
    shop.run("kafka_bq_typed")
    assert shop.rows("orders", "order_id, total") == [wanted[0], ("o2", Decimal("5.00"))]


def test_many_topics_have_a_group_each(shop: Shop) -> None:
    for topic, count in (("shop.orders", 4), ("shop.payments", 6), ("shop.returns", 2)):
        shop.send(topic, *(shop.order(n) for n in range(count)))
    states = shop.run("kafka_bq_many_topics")
    assert states == dict.fromkeys(("shop_orders", "shop_payments", "shop_returns"), "success")
    assert [shop.rows(f"{name}_raw")[0][0] for name in ("orders", "payments", "returns")] == [4, 6, 2]
    told = shop.told()
    assert all(f"kafka-bq.{topic}." in told for topic in ("shop.orders", "shop.payments", "shop.returns"))


class TestBackfill:
    """The form: what was lost comes back, what is there stays, and no position moves."""

    def lost(self, shop: Shop) -> None:
        shop.send("shop.orders", *(shop.order(n, DAY + timedelta(hours=n)) for n in range(10)))
        shop.run("kafka_bq_minimal")
        shop.client.query_and_wait(
            f"DELETE FROM `{shop.client.project}.analytics.orders_raw` WHERE _kafka_offset IN (1, 2)"
        )
        assert shop.rows("orders_raw") == [(6,)]

    def test_by_times(self, shop: Shop) -> None:
        self.lost(shop)
        window = {"from": DAY.isoformat(), "to": (DAY + timedelta(hours=4)).isoformat()}
        states = shop.run("kafka_bq_backfill", window)
        assert states == {"dry_run_or_not": "success", "preview": "skipped", "replay": "success"}
        assert shop.rows("orders_raw") == [(8,)]  # offsets 1 of both partitions lie in the first four hours
        before = shop.rows("orders_raw__ledger", "pipeline, TO_JSON_STRING(positions)")
        shop.run("kafka_bq_backfill", window)
        assert shop.rows("orders_raw__ledger", "pipeline, TO_JSON_STRING(positions)") == before
        assert shop.rows("orders_raw") == [(8,)]

    def test_by_offsets_in_some_partitions(self, shop: Shop) -> None:
        self.lost(shop)
        window = {"from": {"0": 0, "1": 0}, "to": {"0": 5, "1": 5}, "partitions": [1]}
        assert shop.run("kafka_bq_backfill", window)["replay"] == "success"
        assert shop.rows("orders_raw", "_kafka_partition, COUNT(*)".replace("COUNT(*)", "_kafka_offset")) == [
            *((0, n) for n in (0, 3, 4)), *((1, n) for n in range(5)),
        ]  # fmt: skip

    def test_a_dry_run_shows_and_changes_nothing(self, shop: Shop) -> None:
        self.lost(shop)
        window = {"from": DAY.isoformat(), "to": TODAY.isoformat(), "dry_run": True}
        states = shop.run("kafka_bq_backfill", window)
        assert states == {"dry_run_or_not": "success", "preview": "success", "replay": "skipped"}
        assert "10 messages at most" in shop.told()
        assert shop.rows("orders_raw") == [(6,)]

    @pytest.mark.parametrize("field", ["from", "to"])
    def test_a_malformed_time_is_refused_with_the_fields_name(self, shop: Shop, field: str) -> None:
        window = {"from": DAY.isoformat(), "to": TODAY.isoformat(), field: "last tuesday"}
        assert shop.run("kafka_bq_backfill", window)["replay"] == "failed"
        assert f"window: '{field}': 'last tuesday' is not an ISO time" in shop.told()


def test_seek_shows_first_and_moves_when_it_is_told_to(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # undo files go to a task's current folder
    shop.send("shop.orders", *(shop.order(n) for n in range(10)))
    shop.run("kafka_bq_minimal")

    def stands() -> list[tuple[int, int]]:
        texts = shop.rows("orders_raw__ledger", "TO_JSON_STRING(positions)")  # the sentinel has none
        return sorted((one["partition"], one["next_offset"]) for (text,) in texts for one in json.loads(text))

    states = shop.run("kafka_bq_seek", {"to": "earliest"})
    assert states == {"dry_run_or_not": "success", "preview": "success", "seek": "skipped"}
    assert "would be read again: 10 messages; would be skipped: 0 at most" in shop.told()
    assert (stands(), list(tmp_path.iterdir())) == ([(0, 5), (1, 5)], [])
    states = shop.run("kafka_bq_seek", {"to": {"0": 2}, "dry_run": False})
    assert states == {"dry_run_or_not": "success", "preview": "skipped", "seek": "success"}
    assert stands() == [(0, 2), (1, 5)]
    shop.run("kafka_bq_minimal")
    assert (stands(), shop.rows("orders_raw")) == ([(0, 5), (1, 5)], [(10,)])


class TestInterval:
    """A run reads the messages of its own interval."""

    def test_a_day_is_read_again(self, shop: Shop) -> None:
        shop.send("shop.orders", *(shop.order(n, DAY + timedelta(hours=6 * n)) for n in range(10)))
        assert shop.run("kafka_bq_interval", when=DAY + timedelta(days=1)) == {"orders": "success"}
        assert shop.rows("orders_raw") == [(4,)]  # 0, 6, 12 and 18 o'clock
        assert "outcome window" in shop.told()

    def test_a_run_without_an_interval_fails_and_says_what_to_do(self, shop: Shop) -> None:
        """``dag.test`` always has an interval, unlike a run that is triggered without a date: its template is empty."""
        dag = shop.dag("kafka_bq_interval")
        (task,) = dag.tasks
        from airflow_kafka_bq._airflow import AirflowFailException

        with pytest.raises(AirflowFailException, match="'data_interval_start' is undefined") as caught:
            task.render_template_fields({"ti": None, "params": {}})
        assert "airflow backfill create" in str(caught.value)
