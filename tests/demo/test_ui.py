"""The page that ``make demo-ui`` leaves up, as a person with a browser finds it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from airflow_kafka_bq.demo.airflow_home import examples
from tests.demo.browser import NAMES, Browser, program
from tests.demo.playing import Playing

pytestmark = [pytest.mark.slow, pytest.mark.airflow, pytest.mark.bigquery, pytest.mark.mock, pytest.mark.timeout(400)]
LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
BUTTON = "[...document.querySelectorAll('button')].filter(one => one.innerText.trim() === '{}').at(-1)"
LINKS = "[...document.querySelectorAll('a')].map(one => [one.innerText.trim(), one.href])"
# The grid links to the run and to its task.
RUN = (
    "[...document.querySelectorAll('a')]"
    ".map(one => (one.pathname.match(/.*\\/runs\\/manual[^/]*/) || [])[0]).find(Boolean)"
)


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    if program() is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    started = Playing.start(tmp_path_factory.mktemp("demo") / "ui", "--ui", "--messages", "1000")
    try:
        started.wait_for("Ctrl-C ends it")
        yield started
    finally:
        assert started.interrupt() == 130
        assert started.left() == []


@pytest.fixture
def browser(playing: Playing, tmp_path: Path) -> Iterator[Browser]:
    """Logged in."""
    url, user, password = page(playing)
    with Browser(tmp_path / "profile") as opened:
        opened.go(url)
        opened.fill("input[name=username]", user)
        opened.fill("input[name=password]", password)
        opened.click(BUTTON.format("Sign in"))
        opened.wait("document.body.innerText.includes('Welcome')")
        yield opened


def page(playing: Playing) -> tuple[str, str, str]:
    """Address, user and password, as the demo says them."""
    found = re.search(r"(http://127\.0\.0\.1:\d+) +user (\S+), password (\S+)", playing.said())
    assert found
    return found[1], found[2], found[3]


def test_the_dag_is_triggered_and_its_task_has_three_links(playing: Playing, browser: Browser, tmp_path: Path) -> None:
    url, *_ = page(playing)
    browser.go(f"{url}/dags/shop_orders")
    browser.click(BUTTON.format("Trigger"))
    browser.wait("document.body.innerText.includes('Single Run')")
    browser.click(BUTTON.format("Trigger"))
    run = browser.wait(RUN)
    browser.go(f"{url}{run}")
    browser.wait("/\\bSuccess\\b/.test(document.body.innerText)", 120)
    browser.go(f"{url}{run}/tasks/orders/details")
    browser.wait("document.body.innerText.includes('Staging load job')")
    browser.screenshot(tmp_path / "task.png")
    links = dict(browser.run(LINKS))
    console = "https://console.cloud.google.com/bigquery?"
    assert links["BigQuery table"] == f"{console}p=demo&d=analytics&t=shop_orders&page=table"
    assert links["MERGE job"].startswith(f"{console}project=demo&j=bq:US:kafka-bq-merge-")
    assert links["Staging load job"].startswith(f"{console}project=demo&j=bq:US:kafka-bq-load-")


def test_the_example_dags_are_there_and_run(playing: Playing) -> None:
    url, user, password = page(playing)
    token = httpx.post(f"{url}/auth/token", json={"username": user, "password": password}).json()["access_token"]
    with httpx.Client(base_url=f"{url}/api/v2", headers={"authorization": f"Bearer {token}"}, timeout=30) as api:
        assert api.get("/importErrors").json()["import_errors"] == []
        paused = {one["dag_id"]: one["is_paused"] for one in api.get("/dags").json()["dags"]}
        assert paused == {path.stem: True for path in examples().glob("*.py")} | {"shop_orders": False}
        api.patch("/dags/kafka_bq_many_topics", json={"is_paused": False}).raise_for_status()
        run = api.post("/dags/kafka_bq_many_topics/dagRuns", json={"logical_date": None}).json()["dag_run_id"]
        deadline = time.monotonic() + 180
        while (state := api.get(f"/dags/kafka_bq_many_topics/dagRuns/{run}").json()["state"]) in {"queued", "running"}:
            assert time.monotonic() < deadline
            time.sleep(1)
        assert state == "success"


def test_it_listens_on_loopback_only(playing: Playing) -> None:
    assert playing.addresses()
    assert playing.addresses() <= LOOPBACK
