"""The servers of the tests, and the checks that every test leaves nothing behind.

Each pytest process has servers of its own, on ports of its own: ``pytest -n 2`` starts two of each.
"""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import psutil
import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from tests import airflow_home
from tests.long_tests import long_tests

if TYPE_CHECKING:
    from airflow_kafka_bq.testing.bigquery import LocalBigQuery

pytest_plugins = ["airflow_kafka_bq.testing.kafka.fixtures", "tests.faults.recording"]

# Contracts are no test modules, and several rooms share them: without this their failures would not show the values.
pytest.register_assert_rewrite("tests.contract")

# An example that takes longer than 200 ms is a busy machine here, not a failure.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

airflow_home.settle()

# A shell ignores interrupts for what it starts in the background, and children inherit that: tests of interrupts would
# see none.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

PROJECT = "demo"
# fixture -> the marker of every test that uses it
_SERVERS = {
    "kafka": "kafka",
    "mock_cluster": "mock",
    "bigquery": "bigquery",
    "airflow_database": "airflow",
}
# Python's own, started by multiprocessing and kept until the interpreter ends.
_PYTHONS_OWN = ("resource_tracker", "forkserver")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by fixture, so that no test starts a server in a run that asked for none; and what takes long as slow."""
    long = long_tests()
    for item in items:
        if item.nodeid in long or item.nodeid.partition("[")[0] in long:
            item.add_marker("slow")
        for fixture in getattr(item, "fixturenames", ()):
            if marker := _SERVERS.get(fixture):
                item.add_marker(marker)


def pytest_unconfigure() -> None:
    """Leave no Airflow home behind."""
    airflow_home.leave()


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's database, with the bundle of the DAG folder in it."""
    airflow_home.make_database()


@pytest.fixture(scope="session")
def bigquery() -> Iterator[LocalBigQuery]:
    """The local BigQuery, started once and shared; ``bigquery.url`` is its API endpoint."""
    from airflow_kafka_bq.testing.bigquery import LocalBigQuery

    with LocalBigQuery() as local:
        yield local


@pytest.fixture(scope="session")
def bigquery_client(bigquery: LocalBigQuery) -> Iterator[Client]:
    """Google's own client, without credentials, on the local BigQuery."""
    options = ClientOptions(api_endpoint=bigquery.url)
    credentials = AnonymousCredentials()
    client = Client(project=PROJECT, credentials=credentials, client_options=options)
    yield client
    client.close()


@pytest.fixture
def dataset(bigquery_client: Client) -> Iterator[str]:
    """A fresh dataset of project :data:`PROJECT`, by its plain name; gone after the test."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    bigquery_client.create_dataset(name)
    yield name
    bigquery_client.delete_dataset(name, delete_contents=True, not_found_ok=True)


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """A thread of ours that outlives its test works on in somebody's Airflow worker."""
    before = set(threading.enumerate())
    yield
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("kafka-bq") and thread not in before]
    for thread in ours:  # one that was told to stop a moment ago may need that moment
        thread.join(2.0)
    assert [thread.name for thread in ours if thread.is_alive()] == []


@pytest.fixture(autouse=True, scope="session")
def _no_process_stays() -> Iterator[None]:
    """Set up first, so torn down last: the servers of all other fixtures have to be gone by then."""
    yield
    left = [child for child in psutil.Process().children(recursive=True) if _is_left(child)]
    assert [child.as_dict(["pid", "cmdline"]) for child in left] == []


def _is_left(child: psutil.Process) -> bool:
    try:
        command = " ".join(child.cmdline())
        return child.status() != psutil.STATUS_ZOMBIE and not any(own in command for own in _PYTHONS_OWN)
    except psutil.NoSuchProcess:
        return False
