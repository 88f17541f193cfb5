"""The program of a process that runs the demo's DAG: ``python -m airflow_kafka_bq.demo.airflow_worker``.

For each line of JSON on stdin, the configuration of a DAG run, one line on stdout: the report of its task, or
``{"error": …}``. It ends with its stdin.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Airflow and its tasks write to stdout
    dag = _dag()
    for line in sys.stdin:
        answers.write(json.dumps(answer(dag, json.loads(line))) + "\n")
        answers.flush()


def _dag() -> Any:
    from airflow.utils.db import initdb

    if not os.path.exists(os.path.join(os.environ["AIRFLOW_HOME"], "airflow.db")):
        initdb()
    from airflow_kafka_bq.demo.dags.shop_orders import dag

    return dag


def answer(dag: Any, configuration: dict[str, Any]) -> dict[str, Any]:
    """The report of a DAG run, or what became of it."""
    run = dag.test(run_conf=configuration)
    if run.state != "success":
        return {"error": f"the DAG run ended as {run.state}", "message": ""}
    report: dict[str, Any] = run.get_task_instance("orders").xcom_pull(task_ids="orders")
    return report


if __name__ == "__main__":
    main()
