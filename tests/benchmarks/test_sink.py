"""The sink counts what arrived, whoever sent it and however, and refuses what BigQuery would."""

from __future__ import annotations

import gzip
import io
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import Conflict, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from benchmarks.events import values
from benchmarks.keys import Keys, made
from benchmarks.sink import Server

LINES = [value for _, value in values(10)]
NDJSON = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON")
PARQUET = bigquery.LoadJobConfig(source_format="PARQUET")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    folder = tmp_path / "keys"
    folder.mkdir()
    return made(folder)


@pytest.fixture
def sink(tmp_path: Path, keys: Keys) -> Iterator[str]:
    kept = tmp_path / "kept"
    kept.mkdir()
    server = Server(kept, keys.server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(sink: str) -> bigquery.Client:
    found = bigquery.Client(
        project="demo",
        credentials=AnonymousCredentials(),
        location="US",
        client_options={"api_endpoint": sink},
    )
    found.create_dataset("bench")
    return found


def landed(sink: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{sink}/_landed").json()
    return {name: found[name] for name in ("rows", "duplicates", "writes")}


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"event_id": [json.loads(line)["event_id"] for line in LINES]}), buffer)
    return buffer.getvalue()


def payloads() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"payload": [line.decode() for line in LINES]}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "config"),
    [
        (b"\n".join(LINES), NDJSON),
        (gzip.compress(b"\n".join(LINES)), NDJSON),
        (parquet(), PARQUET),
        (payloads(), PARQUET),
    ],
)
@pytest.mark.parametrize("size_is_known", [True, False])  # one request, or the resumable ones
def test_a_load_is_counted_by_its_events(
    sink: str, client: bigquery.Client, body: bytes, config: bigquery.LoadJobConfig, size_is_known: bool
) -> None:
    size = len(body) if size_is_known else None
    job: Any = client.load_table_from_file(io.BytesIO(body), "bench.events", size=size, job_config=config).result()
    if config is PARQUET:
        assert job.output_rows == 10
    assert landed(sink) == {"rows": 10, "duplicates": 0, "writes": 1}
    client.load_table_from_file(io.BytesIO(body), "bench.events", job_config=config).result()
    assert landed(sink) == {"rows": 20, "duplicates": 10, "writes": 2}


def test_inserts_are_counted(sink: str, client: bigquery.Client) -> None:
    table = client.create_table("demo.bench.events")
    assert client.insert_rows_json(table, [json.loads(line) for line in LINES[:3]]) == []
    assert landed(sink) == {"rows": 3, "duplicates": 0, "writes": 1}


def test_what_is_not_there_is_404_and_a_name_works_once(sink: str, client: bigquery.Client) -> None:
    with pytest.raises(NotFound):
        client.get_table("demo.bench.nothing")
    with pytest.raises(Conflict):
        client.create_dataset("bench")
    load: dict[str, Any] = {
        "file_obj": io.BytesIO(LINES[0]),
        "destination": "bench.events",
        "job_config": NDJSON,
        "job_id": "one",
    }
    client.load_table_from_file(**load).result()
    with pytest.raises(Conflict):
        client.load_table_from_file(**{**load, "file_obj": io.BytesIO(LINES[1])})
    assert landed(sink)["rows"] == 1


@pytest.mark.parametrize(("when", "rows"), [("before", 0), ("after", 10)])
def test_a_write_is_held_before_or_after_it_is_kept(sink: str, when: str, rows: int) -> None:
    httpx.post(f"{sink}/_hold", params={"when": when, "write": 1})
    url = f"{sink}/upload/bigquery/v2/projects/demo/jobs?uploadType=multipart"
    said = json.dumps({"configuration": {"load": {}}, "jobReference": {"jobId": "one"}}).encode()
    body = b"--x\r\n\r\n" + said + b"\r\n--x\r\n\r\n" + b"\n".join(LINES) + b"\r\n--x--"
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url, content=body, headers={"Content-Type": 'multipart/related; boundary="x"'}, timeout=1.0)
    assert httpx.get(f"{sink}/_holding").json() is True
    assert landed(sink)["rows"] == rows
    job = httpx.get(f"{sink}/bigquery/v2/projects/demo/jobs/one")
    assert job.status_code == (200 if rows else 404), "a job is done whether or not its client hears of it"
    httpx.post(f"{sink}/_reset")
    assert landed(sink) == {"rows": 0, "duplicates": 0, "writes": 0}


def test_a_query_has_no_rows_and_a_statement_none_either(client: bigquery.Client) -> None:
    assert list(client.query("SELECT 1").result()) == []
    assert list(client.query_and_wait("SELECT 1")) == []
    client.query("DELETE FROM bench.events WHERE true").result()


def test_a_copy_puts_rows_into_the_target(sink: str, client: bigquery.Client) -> None:
    config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
    for _ in range(2):
        client.load_table_from_file(io.BytesIO(LINES[0]), "bench.events_staging_1", job_config=NDJSON).result()
        client.copy_table("demo.bench.events_staging_1", "demo.bench.events", job_config=config).result()
    assert landed(sink) == {"rows": 1, "duplicates": 0, "writes": 2}


def test_a_body_of_unknown_length_is_taken_whole(sink: str) -> None:
    parts = (part for part in (b'{"rows": [{"json": ', LINES[0], b"}]}"))
    url = f"{sink}/bigquery/v2/projects/demo/datasets/bench/tables/events$20260101/insertAll"
    assert httpx.post(url, content=parts).status_code == 200
    assert landed(sink) == {"rows": 1, "duplicates": 0, "writes": 1}


def test_a_client_whose_endpoint_is_fixed_comes_by_the_proxy(sink: str, keys: Keys) -> None:
    context = ssl.create_default_context(cafile=str(keys.authority))
    with httpx.Client(proxy=sink, verify=context) as through:
        base = "https://bigquery.googleapis.com"
        assert through.post(f"{base}/token").json()["access_token"]
        said: dict[str, Any] = {"configuration": {"load": {}}}
        url = f"{base}/upload/bigquery/v2/projects/demo/jobs?uploadType=resumable"
        place = through.post(url, json=said).headers["Location"]
        assert place.startswith(base)
        half = {"Content-Range": f"bytes 0-{len(LINES[0]) - 1}/*", "X-GUploader-No-308": "yes"}
        more = through.put(place, content=LINES[0], headers=half)
        assert (more.status_code, more.headers["X-Http-Status-Code-Override"]) == (200, "308")
        rest = {"Content-Range": f"bytes */{len(LINES[0])}"}
        assert through.put(place, headers=rest).json()["status"] == {"state": "DONE"}
    assert landed(sink)["rows"] == 1
