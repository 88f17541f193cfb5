"""Airflow's web page on this machine, with the demo's DAG to click on, and everything behind it."""

from __future__ import annotations

import json
import secrets
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow_kafka_bq.demo.airflow_home import bundles, environment
from airflow_kafka_bq.demo.orders import PARTITIONS, wave
from airflow_kafka_bq.demo.process_tree import take_down
from airflow_kafka_bq.demo.runs import RunFailed
from airflow_kafka_bq.demo.site import Site
from airflow_kafka_bq.testing.kafka.child_process import spawn
from airflow_kafka_bq.testing.kafka.loopback import HOST, free_ports

USER = "admin"
OTHER_TOPICS = ("shop.payments", "shop.returns")  # of the example DAGs
# Not `airflow standalone`: it also serves the task logs, on all interfaces, and the web server reads them as files.
COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_READY_WITHIN_SECONDS = 120.0
_MIGRATED_WITHIN_SECONDS = 120.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Page:
    """Where it is, and how to get in."""

    url: str
    user: str
    password: str


def serve(site: Site, tell: Callable[[str], None]) -> None:
    """Until a signal comes, or a component ends.

    :raises RunFailed: a component ended, or the page did not come up.
    """
    home = site.folder / "airflow"
    home.mkdir()
    page, variables = _settings(site, home)
    for topic in OTHER_TOPICS:
        site.create_topic(topic, PARTITIONS)
        site.produce(wave(1_000), topic)
    tell("Airflow: making a database")
    _finished(site, variables)
    tell("Airflow: starting its web page, scheduler, DAG processor and triggerer")
    alive = [_started(site, name, variables) for name in COMPONENTS]
    _wait_until_healthy(site, page, alive)
    tell(f"[bold]{page.url}[/]  user [bold]{page.user}[/], password [bold]{page.password}[/]")
    tell("Trigger the DAG shop_orders; its links are under Details of the task. Ctrl-C ends it.")
    while all(each() for each in alive):
        site.signals.check()
        time.sleep(_LOOK_SECONDS)
    raise RunFailed(_last_words(site.folder))


def _settings(site: Site, home: Path) -> tuple[Page, Mapping[str, str]]:
    port = free_ports(1)[0]
    page = Page(f"http://{HOST}:{port}", USER, secrets.token_urlsafe(9))
    passwords = home / "passwords.json"
    passwords.touch(0o600)
    passwords.write_text(json.dumps({page.user: page.password}), "utf-8")
    return page, environment(home, site.bootstrap, site.local.url) | {
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": page.url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(32),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": bundles(),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{page.url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{page.user}:admin",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    }


def _finished(site: Site, variables: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    process = spawn(command, log=_log(site.folder, "db-migrate"), environment=variables)
    site.running.callback(take_down, process)
    if process.wait(_MIGRATED_WITHIN_SECONDS):
        raise RunFailed(_last_words(site.folder))


def _started(site: Site, name: str, variables: Mapping[str, str]) -> Callable[[], bool]:
    """Start a component; whether it is there."""
    command = [sys.executable, "-m", "airflow", *COMPONENTS[name]]
    process = spawn(command, log=_log(site.folder, name), environment=variables)
    site.running.callback(take_down, process)
    return lambda: process.poll() is None


def _wait_until_healthy(site: Site, page: Page, alive: list[Callable[[], bool]]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not _healthy(page):
        site.signals.check()
        if time.monotonic() > deadline or not all(each() for each in alive):
            raise RunFailed(_last_words(site.folder))
        time.sleep(_LOOK_SECONDS)


def _healthy(page: Page) -> bool:
    """Whether the page answers, and all that it needs has reported to the database."""
    try:
        with urllib.request.urlopen(f"{page.url}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310 - loopback
            found = json.load(answer)
    except (OSError, ValueError):
        return False
    return all(found[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))


def _log(folder: Path, name: str) -> Path:
    return folder / f"airflow-{name}.log"


def _last_words(folder: Path) -> str:
    words = [f"{log.stem}:\n{log.read_text('utf-8', 'replace')[-1_500:]}" for log in folder.glob("airflow-*.log")]
    return "Airflow did not stay up.\n" + "\n".join(words)
