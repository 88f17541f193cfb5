"""The program of an Airflow task: ``python -m tests.campaign.airflow_task JOB.yaml RESULT.json``.

A DAG of one operator with the parameters of the job file; ``dag.test()`` runs it as a worker does. Writes the report,
or the error behind the task's failure. Ends with 0 where the task is green, with 1 where it is not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from airflow.sdk import DAG

from airflow_kafka_bq import KafkaToBigQueryOperator
from airflow_kafka_bq.exceptions import IngestError
from tests import airflow_home

_TASK = "load"


def main(job: str, result: str) -> int:
    """Run the task once."""
    parameters: dict[str, Any] = yaml.safe_load(Path(job).read_text())
    for client in ("kafka", "bigquery"):  # Airflow has connections for them
        parameters.pop(client)

    def failed(context: Any) -> None:
        error: BaseException | None = context.get("exception")
        while error is not None and not isinstance(error, IngestError):
            error = error.__cause__
        found = error.to_json() if error else {"error": None, "message": str(context.get("exception"))}
        Path(result).write_text(json.dumps(found))

    with DAG("campaign", schedule=None) as dag:
        KafkaToBigQueryOperator(task_id=_TASK, on_failure_callback=failed, **parameters)
    airflow_home.register(dag)
    run = dag.test()
    if run.state != "success":
        return 1
    instance = run.get_task_instance(_TASK)
    assert instance is not None
    Path(result).write_text(json.dumps(instance.xcom_pull(task_ids=_TASK)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
