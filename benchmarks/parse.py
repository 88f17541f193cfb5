"""What a DAG file of 50 operators costs, beside one of 50 BashOperators: `python -m benchmarks.parse`.

Each parse has a fresh process, as in Airflow's DAG processor, and the two files take turns. Judged is the processor
time of the whole process: a parse is one thread that computes, and the wall clock of a busy machine measures the
others. The parts show where it goes: Airflow's own import, the file with what it imports, its serialisation.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

LIMIT = 1.3
IMPORTS = {
    "BashOperator": "from airflow.providers.standard.operators.bash import BashOperator",
    "KafkaToBigQueryOperator": "from airflow_kafka_bq import KafkaToBigQueryOperator",
}
ARGUMENTS = {
    "BashOperator": 'bash_command=f"echo {n}"',
    "KafkaToBigQueryOperator": 'topic=f"shop.topic_{n}", table=f"analytics.table_{n}", dedup_key=["order_id"]',
}
CHILD = """
import json, runpy, sys, time
marks = [time.process_time()]
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
marks.append(time.process_time())
(dag,) = (one for one in runpy.run_path(sys.argv[1]).values() if isinstance(one, DAG))
marks.append(time.process_time())
DagSerialization.to_dict(dag)
marks.append(time.process_time())
assert len(dag.tasks) == int(sys.argv[2])
print(json.dumps([after - before for before, after in zip(marks, marks[1:])]))
"""


def dag_file(folder: Path, operator: str, count: int) -> Path:
    path = folder / f"{operator}.py"
    path.write_text(
        f"from airflow.sdk import DAG\n{IMPORTS[operator]}\n"
        f'with DAG("{operator}", schedule=None) as dag:\n'
        f"    for n in range({count}):\n"
        f'        {operator}(task_id=f"t{{n}}", {ARGUMENTS[operator]})\n',
        "utf-8",
    )
    return path


def parse(path: Path, count: int) -> tuple[float, list[float]]:
    """Processor seconds of a process that parses the file, and of its parts."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path), str(count)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, told
    return usage.ru_utime + usage.ru_stime, json.loads(told.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parse", description=__doc__)
    parser.add_argument("--runs", type=int, default=11, help="pairs; the median counts (default: 11)")
    parser.add_argument("--operators", type=int, default=50, help="in each file (default: 50)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kafka-bq-parse-") as folder:
        os.environ |= {"AIRFLOW_HOME": folder, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
        files = {name: dag_file(Path(folder), name, given.operators) for name in IMPORTS}
        for path in files.values():  # the first one finds cold file caches
            parse(path, given.operators)
        runs = [{name: parse(path, given.operators) for name, path in files.items()} for _ in range(given.runs)]
    for name in files:
        parts = [median(run[name][1][part] for run in runs) * 1000 for part in range(3)]
        total = median(run[name][0] for run in runs) * 1000
        print(
            f"{name:<24} {total:7.0f} ms  (Airflow {parts[0]:.0f}, file {parts[1]:.1f}, serialisation {parts[2]:.1f})"
        )
    ratios = sorted(run["KafkaToBigQueryOperator"][0] / run["BashOperator"][0] for run in runs)
    ratio = median(ratios)
    print(f"ratio {ratio:.3f} (smallest {ratios[0]:.3f}, largest {ratios[-1]:.3f}, {given.runs} pairs); limit {LIMIT}")
    return int(ratio >= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
