"""Tasks of people on call, by Airflow's ``dag.test()``, here or in a process that dies at a named effect.

``python -m … EFFECT PHASE NTH OPERATOR PARAMETERS``: parameters are JSON. Every try is of the same run of one DAG.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param

import airflow_kafka_bq
from tests import airflow_home
from tests.end_to_end.child import Blow
from tests.end_to_end.pipe import ROOT, Pipe

DAY = datetime(2026, 1, 31, tzinfo=UTC)


@contextmanager
def connected(made: Pipe) -> Iterator[dict[str, Any]]:
    """Airflow's connections for a pipe; what names its job."""
    google = {"project": made.client.project, "api_endpoint": made.api_endpoint, "is_anonymous": True}
    with airflow_home.connections(kafka_default={"bootstrap.servers": made.bootstrap}, google_cloud_default=google):
        yield {"topic": made.topic, "table": f"{made.dataset}.{made.table}"}


def tried(operator: str, **parameters: Any) -> tuple[str, Any]:
    """One try of the task: how it ended, and its XCom."""
    instance = ended(operator, {}, **parameters)
    return str(instance.state), instance.xcom_pull(task_ids=instance.task_id)


def ended(operator: str, form: dict[str, Any], **parameters: Any) -> Any:
    """The task instance behind a run of the DAG, whose params are a form's.

    :param form: values of the DAG's params.
    """
    name = f"on_call_{operator}_{parameters['table']}"
    with DAG(name, schedule=None, start_date=DAY, params={key: Param(value) for key, value in form.items()}) as dag:
        task = getattr(airflow_kafka_bq, operator)(task_id="act", **parameters)
    airflow_home.register(dag)
    run = dag.test(run_after=DAY, logical_date=DAY)
    instance = run.get_task_instance(task.task_id)
    assert instance is not None
    return instance


def dies_at(blow: Blow, folder: Path, operator: str, **parameters: Any) -> None:
    """A try in a process of its own, which has to die at the blow."""
    told = [blow.effect, blow.phase, str(blow.nth), operator, json.dumps(parameters)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.on_call", *told], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == -9, f"not killed: {done.returncode}\n{done.stdout}{done.stderr}"


if __name__ == "__main__":
    from tests.end_to_end.struck_command import arm

    arm(*sys.argv[1:4])
    tried(sys.argv[4], **json.loads(sys.argv[5]))
