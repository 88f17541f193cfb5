"""How the command line imports. In processes of their own: what an import leaves is there for good."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.cli.imported import FOR_MESSAGES, NOT_FOR_RUNS
from tests.end_to_end.pipe import ROOT


def said(folder: Path, code: str) -> Any:
    """The JSON that some Python prints, with a module ``parcel.slow`` that says when it is loaded, and takes long."""
    (folder / "parcel").mkdir(exist_ok=True)
    (folder / "parcel" / "__init__.py").write_text("loads = []\n", "utf-8")
    slow = "import time\nimport parcel\n\nparcel.loads.append(__name__)\ntime.sleep(0.2)\nvalue = 7\n"
    (folder / "parcel" / "slow.py").write_text(slow, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": f"{ROOT}:{folder}"}, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_imports_are_not_looked_through_and_what_they_make_is_never_looked_through(tmp_path: Path) -> None:
    code = """
import gc, json
from airflow_kafka_bq.cli.startup import uncollected
with uncollected():
    import parcel
    during = gc.isenabled()
print(json.dumps([during, gc.isenabled(), gc.get_freeze_count() > 1_000]))
"""
    assert said(tmp_path, code) == [False, True, True]


def test_who_collects_no_garbage_still_does_not_behind_it(tmp_path: Path) -> None:
    code = """
import gc, json
from airflow_kafka_bq.cli.startup import loading
gc.disable()
with loading():
    import parcel
print(json.dumps(gc.isenabled()))
"""
    assert said(tmp_path, code) is False


def test_a_module_is_loaded_when_a_name_of_it_is_used(tmp_path: Path) -> None:
    code = """
import json
from airflow_kafka_bq.cli.startup import later
later(("parcel.slow",))
import parcel.slow, parcel.slow as alias
before = list(parcel.loads)
print(json.dumps([before, alias.value, parcel.loads, parcel.slow is alias, type(alias).__name__]))
"""
    assert said(tmp_path, code) == [[], 7, ["parcel.slow"], True, "module"]


def test_a_name_that_it_does_not_have_is_missed_as_usual(tmp_path: Path) -> None:
    code = """
import json
from airflow_kafka_bq.cli.startup import later
later(("parcel.slow",))
import parcel.slow
print(json.dumps([hasattr(parcel.slow, "nothing"), hasattr(parcel.slow, "nothing"), parcel.loads]))
"""
    assert said(tmp_path, code) == [False, False, ["parcel.slow"]]


def test_two_threads_that_use_it_first_both_get_all_of_it(tmp_path: Path) -> None:
    """One reads and decodes while the other merges."""
    code = """
import json
from concurrent.futures import ThreadPoolExecutor
from airflow_kafka_bq.cli.startup import later
later(("parcel.slow",))
import parcel.slow
with ThreadPoolExecutor(4) as pool:
    print(json.dumps([list(pool.map(lambda _: parcel.slow.value, range(4))), parcel.loads]))
"""
    assert said(tmp_path, code) == [[7, 7, 7, 7], ["parcel.slow"]]


def test_what_is_loaded_already_stays_as_it_is(tmp_path: Path) -> None:
    code = """
import json
import parcel.slow
from airflow_kafka_bq.cli.startup import later
held = parcel.slow
later(("parcel.slow", "parcel.no_such"))
import parcel.slow
print(json.dumps([parcel.slow is held, parcel.loads]))
"""
    assert said(tmp_path, code) == [True, ["parcel.slow"]]


def test_a_job_is_put_together_of_what_its_run_uses(tmp_path: Path) -> None:
    """No request is made for it. What a whole run imports is seen in tests/end_to_end/test_command_line.py."""
    (tmp_path / "job.yaml").write_text(
        "topic: orders\ntable: shop.orders\nkafka: {bootstrap.servers: '127.0.0.1:1'}\n"
        "bigquery: {project: demo, api_endpoint: 'http://127.0.0.1:1'}\n",
        "utf-8",
    )
    code = """
import json, sys
from airflow_kafka_bq.cli.startup import loading
with loading():
    import airflow_kafka_bq.cli.running
from airflow_kafka_bq import assembly, jobfile
from airflow_kafka_bq.pipeline.stopping import Stop
assembly.close(jobfile.assemble(jobfile.read("job.yaml", ()), Stop(), progress=lambda *_: None))
print(json.dumps([name for name in %r if name in sys.modules]))
"""
    assert said(tmp_path, code % sorted({*FOR_MESSAGES, *NOT_FOR_RUNS})) == []
