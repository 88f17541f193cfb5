"""A standalone worker of Kafka Connect with Aiven's BigQuery sink connector (streaming inserts).

``plain`` has the worker's and the connector's defaults, JSON without a schema and one task; ``tuned`` two tasks, 5,000
records a poll and larger fetches. A worker never ends: it is stopped when all messages are there and three seconds
have passed. Its seconds begin with the program: it does not say when it reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from benchmarks.peers.arguments import COLUMNS, PROJECT, arguments, say

_SILENT_SECONDS, _IDLE_SECONDS = 3.0, 75.0  # a killed member's place is taken after 45


def main() -> None:
    """Start it, watch the sink, stop it."""
    told = arguments()
    _tables(told)
    host = urlsplit(told.endpoint)
    options = [
        "-Xms256m", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        f"-Dhttps.proxyHost={host.hostname}", f"-Dhttps.proxyPort={host.port}",
        f"-Djavax.net.ssl.trustStore={told.store}", f"-Djavax.net.ssl.trustStorePassword={told.store_password}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
    ]  # fmt: skip
    settings = [_written(told, "worker", _worker(told)), _written(told, "sink", _sink(told))]
    program = "org.apache.kafka.connect.cli.ConnectStandalone"
    line = [told.java, *options, "-cp", f"{told.worker_jars}/*", program, *settings]
    began = time.time()
    with subprocess.Popen(line, env={**os.environ, "NO_GCE_CHECK": "true"}, stdout=sys.stderr) as worker:
        _watch(told, worker)
        worker.terminate()
        worker.wait(60)
    say(told.messages, began)


def _watch(told: Any, worker: subprocess.Popen[bytes]) -> None:
    """Until all messages are there and nothing more comes, or nothing has come for long."""
    first = last = _asked(told, "/_writes")
    since = time.monotonic()
    while worker.poll() is None and time.monotonic() - since < _IDLE_SECONDS:
        time.sleep(0.2)
        now = _asked(told, "/_writes")
        if now != last:
            last, since = now, time.monotonic()
        elif last != first and time.monotonic() - since > _SILENT_SECONDS and _all_there(told):
            return


def _all_there(told: Any) -> bool:
    landed = _asked(told, "/_landed")
    return bool(landed["rows"] - landed["duplicates"] >= told.messages)


def _worker(told: Any) -> dict[str, Any]:
    plugins: Path = told.state / "plugins"
    plugins.mkdir(exist_ok=True)
    if not (plugins / "bigquery").exists():
        (plugins / "bigquery").symlink_to(told.connector_jars)
    return {
        "bootstrap.servers": told.bootstrap,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "offset.storage.file.filename": told.state / "offsets",
        "listeners": "http://127.0.0.1:0",
        "plugin.path": plugins,
        "plugin.discovery": "service_load",
        "connector.client.config.override.policy": "All",
    }


def _sink(told: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": told.group, "topics": told.topic, "tasks.max": 1, "project": PROJECT, "defaultDataset": told.dataset,
        "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
        "topic2TableMap": f"{told.topic}:events", "autoCreateTables": "false", "kafkaDataFieldName": "_kafka",
        "sanitizeTopics": "false", "keyfile": told.account,
    }  # fmt: skip
    tuned = {
        "tasks.max": 2, "queueSize": 50_000, "threadPoolSize": 4, "consumer.override.max.poll.records": 5_000,
        "consumer.override.fetch.min.bytes": 262_144, "consumer.override.max.partition.fetch.bytes": 4_194_304,
    }  # fmt: skip
    return plain | (tuned if told.mode == "tuned" else {})


def _tables(told: Any) -> None:
    """The dataset and the table, as its page asks for: nested values as text."""
    base = f"/bigquery/v2/projects/{PROJECT}/datasets"
    _asked(told, base, {"datasetReference": {"projectId": PROJECT, "datasetId": told.dataset}})
    fields = [
        {"name": name, "type": "STRING" if kind == "JSON" else kind}
        for name, kind in COLUMNS
        if not name.startswith("_kafka")
    ]
    table = {"projectId": PROJECT, "datasetId": told.dataset, "tableId": "events"}
    parts = {"schema": {"fields": fields}, "timePartitioning": {"type": "DAY"}}
    _asked(told, f"{base}/{told.dataset}/tables", {"tableReference": table, **parts})


def _asked(told: Any, path: str, said: Any = None) -> Any:
    data = None if said is None else json.dumps(said).encode()
    try:
        with urlopen(Request(told.endpoint + path, data), timeout=60) as answer:  # noqa: S310  # the sink
            return json.load(answer)
    except HTTPError as refused:
        if refused.code != 409:  # it is there
            raise
        return None


def _written(told: Any, name: str, settings: dict[str, Any]) -> str:
    path: Path = told.state / f"{name}.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return str(path)


if __name__ == "__main__":
    main()
