"""Tasks of a real scheduler: killed, out of time, stopped by hand. The next try leaves each row once."""

from __future__ import annotations

import pytest

from tests.airflow_services.conftest import Services

pytestmark = [pytest.mark.airflow, pytest.mark.kill, pytest.mark.slow, pytest.mark.timeout(600)]
LINKS = {"BigQuery table", "MERGE job", "Staging load job"}


@pytest.mark.fault("A4")
def test_minimal_is_killed_in_the_middle_of_a_merge_and_then_stopped_by_hand(services: Services) -> None:
    services.fill(10)
    services.bigquery.faults.add("hold", job_id="kafka-bq-merge-", name="first")
    run_id = services.unpause("kafka_bq_minimal")
    services.until(lambda: services.merges() >= 1)
    process = services.until(services.task_process)
    process.kill()
    services.until(lambda: services.task("kafka_bq_minimal", run_id)["try_number"] == 2)
    services.bigquery.faults.release("first")
    instance = services.ends("kafka_bq_minimal", run_id, "success")
    assert instance["try_number"] == 2
    assert services.rows("orders_raw") == 10

    services.fill(10, first=10)
    before = services.merges()
    services.bigquery.faults.add("hold", job_id="kafka-bq-merge-", name="second")
    stopped = services.trigger("kafka_bq_minimal")
    services.until(lambda: services.merges() > before)
    path = f"/dags/kafka_bq_minimal/dagRuns/{stopped}/taskInstances/orders"
    assert {name for name, address in services.ask("GET", f"{path}/links")["extra_links"].items() if address} == LINKS
    services.ask("PATCH", path, {"new_state": "failed"})
    services.until(lambda: services.task_process() is None)
    assert services.task("kafka_bq_minimal", stopped)["state"] == "failed"
    services.bigquery.faults.release("second")
    services.ends("kafka_bq_minimal", services.trigger("kafka_bq_minimal"), "success")
    assert services.rows("orders_raw") == 20


@pytest.mark.fault("A4")
def test_typed_runs_out_of_time_and_the_retry_attaches(services: Services) -> None:
    services.fill(6)
    services.bigquery.faults.add("hold", job_id="kafka-bq-merge-", name="slow")
    run_id = services.unpause("kafka_bq_typed")
    services.until(lambda: services.task("kafka_bq_typed", run_id)["try_number"] == 2)
    services.bigquery.faults.release("slow")
    instance = services.ends("kafka_bq_typed", run_id, "success")
    assert instance["try_number"] == 2
    assert services.rows("orders") == 6
    assert "AirflowTaskTimeout" in services.log_of("kafka_bq_typed", run_id)
