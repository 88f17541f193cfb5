"""What Airflow's own DAG processor says of a group on two topics: it parses each file in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import airflow_home
from tests.provider.commands import airflow

HEAD = "from airflow.sdk import DAG\nfrom airflow_kafka_bq import KafkaToBigQueryOperator\n"
BODY = """
with DAG("{dag}", schedule=None):
    KafkaToBigQueryOperator(task_id="load", topic="{topic}", table="d.{topic}", group_id="{group}")
"""


@pytest.fixture
def dags() -> Iterator[Path]:
    """The DAG folder, and in it one file with two DAGs, two files with one each, and one that is refused."""
    folder = airflow_home.HOME / "dags"
    files = {
        "one_file.py": BODY.format(dag="p1", topic="a", group="g1") + BODY.format(dag="p2", topic="b", group="g1"),
        "first.py": BODY.format(dag="p3", topic="a", group="g2"),
        "second.py": BODY.format(dag="p4", topic="b", group="g2"),
        "refused.py": BODY.format(dag="p5", topic="a", group="g3")
        + '    KafkaToBigQueryOperator(task_id="b", topic="b", table="d.b", group_id="g3")\n',
    }
    for name, body in files.items():
        (folder / name).write_text(HEAD + body, "utf-8")
    yield folder
    for name in files:
        (folder / name).unlink()


@pytest.mark.slow
@pytest.mark.usefixtures("airflow_database")
def test_a_group_on_two_topics_is_in_the_log_in_one_file_and_in_two(dags: Path) -> None:
    done = airflow("dag-processor", "--num-runs", "1", cwd=dags)
    assert done.returncode == 0, done.stderr
    logs = {path.name: path.read_text("utf-8") for path in (airflow_home.HOME / "logs").rglob("*.py.log")}
    assert "consumer group 'g1' is used for topic 'a' by task 'load' of DAG 'p1'" in logs["one_file.py.log"]
    both = logs.get("first.py.log", "") + logs.get("second.py.log", "")  # whichever was parsed last, or both
    assert "consumer group 'g2' is used for topic" in both
    for name, dag in (("first", "p3"), ("second", "p4")):
        assert f"by task 'load' of DAG '{dag}' in {dags / name}.py" in both
    assert "'g2'" not in logs["one_file.py.log"]
    assert "GroupInUseError" in logs["refused.py.log"]
