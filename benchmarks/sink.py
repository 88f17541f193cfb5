"""A BigQuery that takes every load and insert and answers at once, so that whoever writes is measured on its own cost.

It runs no SQL and checks no schema. What it keeps honest: a job id works once (409 afterwards), tables and datasets
answer 404 until they were made, a load counts only when its whole body is there, and every body is kept as it came:
so it can be said afterwards which messages arrived, and how often.

``python -m benchmarks.sink FOLDER`` prints its address. ``GET /_landed`` counts what is there, ``POST /_reset`` forgets
it, ``POST /_hold?when=before|after&write=N`` leaves the N-th write without an answer, before or after it was kept.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow.parquet as pq

EVENT_ID = re.compile(rb'event_id\\*"\s*:\s*\\*"([0-9a-f-]{36})')
_API = re.compile(r"^/+(?:resumable/)?(?:upload/)?bigquery/v2/projects/([^/]+)")
_HELD_SECONDS = 300.0


@dataclass
class State:
    """What arrived."""

    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    things: dict[str, dict[str, Any]] = field(default_factory=dict)  # datasets and tables by their path
    writes: int = 0
    size_bytes: int = 0
    calls: int = 0
    last_write: float = 0.0  # seconds of the clock
    hold: tuple[str, int] | None = None
    holding: bool = False

    def reset(self) -> None:
        """Forget everything."""
        for kept in self.folder.iterdir():
            kept.unlink()
        self.jobs, self.uploads, self.things = {}, {}, {}
        self.writes = self.size_bytes = self.calls = 0
        self.hold, self.holding = None, False

    def keep(self, body: bytes) -> None:
        """One more write, in its place; held where it is to be."""
        with self.lock:
            self.writes += 1
            number = self.writes
        self._held("before", number)
        (self.folder / f"{number:06d}").write_bytes(body)
        self.last_write = time.time()
        self._held("after", number)

    def _held(self, when: str, number: int) -> None:
        if self.hold == (when, number):
            self.holding = True
            threading.Event().wait(_HELD_SECONDS)
            raise ConnectionError("held")

    def landed(self) -> dict[str, Any]:
        """Rows, and how many of them repeat an event."""
        found: Counter[bytes] = Counter()
        for kept in sorted(self.folder.iterdir()):
            found.update(events_of(kept.read_bytes()))
        rows = found.total()
        done = {"rows": rows, "duplicates": rows - len(found), "writes": self.writes}
        return {**done, "calls": self.calls, "bytes": self.size_bytes, "last_write": self.last_write}


def events_of(body: bytes) -> list[bytes]:
    """Ids of the events in a body: NDJSON, plain or gzip, an insertAll request, or Parquet."""
    if body[:4] != b"PAR1":
        return EVENT_ID.findall(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    table = pq.read_table(io.BytesIO(body))
    if "event_id" in table.column_names:
        return [str(one).encode() for one in table.column("event_id").to_pylist()]
    if "payload" not in table.column_names:
        return []  # dead letters
    texts = (text for text in table.column("payload").to_pylist() if text)
    return EVENT_ID.findall("\n".join(str(text) for text in texts).encode())


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: State

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def answer(self, code: int, document: Any = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """JSON."""
        data = b"" if document is None else json.dumps(document).encode()
        self.send_response(code)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(data))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, code: int, reason: str, message: str) -> None:
        """An error as BigQuery gives it."""
        one = {"reason": reason, "message": message, "domain": "global"}
        self.answer(code, {"error": {"code": code, "message": message, "errors": [one]}})

    def body(self) -> bytes:
        """All of it. :raises ConnectionError: the client went away."""
        wanted = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(wanted)
        if len(data) < wanted:
            raise ConnectionError("the client went away")
        self.state.size_bytes += wanted
        is_packed = self.headers.get("Content-Encoding") == "gzip"
        return gzip.decompress(data) if is_packed else data

    def any_method(self) -> None:
        """Sort by path."""
        self.state.calls += 1
        url = urlsplit(self.path)
        query, body = dict(parse_qsl(url.query)), self.body()
        if url.path == "/_landed":
            return self.answer(200, {**self.state.landed(), "holding": self.state.holding})
        if url.path == "/_holding":
            return self.answer(200, self.state.holding)
        if url.path == "/_reset":
            self.state.reset()
            return self.answer(200, {})
        if url.path == "/_hold":
            self.state.hold = (query["when"], int(query["write"]))
            return self.answer(200, {})
        path = unquote(url.path)
        found = _API.match(path)
        if found is None:
            return self.refuse(404, "notFound", path)
        if "/upload/" in path:
            return self.upload(found[1], query, body)
        return self.api(found[1], path[found.end() :].rstrip("/"), body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = any_method

    def upload(self, project: str, query: dict[str, str], body: bytes) -> None:
        """A load job, its file in the same request or in those that follow."""
        if query.get("uploadType") == "multipart":
            boundary = re.search(r'boundary="?([^";]+)', self.headers["Content-Type"])
            assert boundary is not None
            _, said, rest = body.split(b"--" + boundary[1].encode(), 2)
            content = rest[: rest.rindex(b"--" + boundary[1].encode())]
            media = content[content.index(b"\r\n\r\n") + 4 : -2]
            return self.load(project, json.loads(said.split(b"\r\n\r\n", 1)[1]), media)
        if "upload_id" not in query:
            name = uuid.uuid4().hex
            self.state.uploads[name] = {"said": json.loads(body or b"{}"), "data": bytearray()}
            place = f"http://{self.headers['Host']}{self.path}&upload_id={name}"
            return self.answer(200, {}, (("Location", place), ("X-GUploader-UploadID", name)))
        upload = self.state.uploads[query["upload_id"]]
        upload["data"] += body
        at = re.match(r"bytes (?:\*|(\d+)-(\d+))/(\d+|\*)", self.headers.get("Content-Range", ""))
        if at and (at[3] == "*" or int(at[3]) > len(upload["data"])):
            return self.answer(308, None, (("Range", f"bytes=0-{len(upload['data']) - 1}"),))
        return self.load(project, upload["said"], bytes(upload["data"]))

    def load(self, project: str, said: dict[str, Any], media: bytes) -> None:
        """Keep the file; the job is done."""
        name = (said.get("jobReference") or {}).get("jobId") or uuid.uuid4().hex
        with self.state.lock:
            if name in self.state.jobs:
                return self.refuse(409, "duplicate", f"Already Exists: Job {project}:US.{name}")
            self.state.jobs[name] = {}
        self.state.keep(media)
        rows = pq.ParquetFile(io.BytesIO(media)).metadata.num_rows if media[:4] == b"PAR1" else 0
        done = {"outputRows": str(rows), "outputBytes": str(len(media)), "inputFiles": "1", "badRecords": "0"}
        return self.answer(200, self.job(project, name, said["configuration"], {"load": done}))

    def job(self, project: str, name: str, configuration: Any, statistics: dict[str, Any]) -> dict[str, Any]:
        """A finished job, which is kept."""
        times = {"creationTime": "1", "startTime": "1", "endTime": "1", "totalBytesProcessed": "0"}
        self.state.jobs[name] = {
            "kind": "bigquery#job",
            "id": f"{project}:US.{name}",
            "jobReference": {"projectId": project, "jobId": name, "location": "US"},
            "configuration": configuration,
            "status": {"state": "DONE"},
            "statistics": times | statistics,
        }
        return self.state.jobs[name]

    def api(self, project: str, path: str, body: bytes) -> None:
        """Everything but uploads."""
        if path.endswith("/insertAll"):
            self.state.keep(body)
            return self.answer(200, {"kind": "bigquery#tableDataInsertAllResponse"})
        if (job := re.match(r"/jobs/([^/]+)$", path)) and job[1] in self.state.jobs:
            return self.answer(200, self.state.jobs[job[1]])
        if path == "/jobs":
            said = json.loads(body)
            name = (said.get("jobReference") or {}).get("jobId") or uuid.uuid4().hex
            query = {"statementType": "SCRIPT", "totalBytesProcessed": "0", "totalBytesBilled": "0"}
            return self.answer(200, self.job(project, name, said["configuration"], {"query": query}))
        if path.startswith(("/queries", "/jobs")):
            return self.refuse(404, "notFound", f"Not found: {path}")
        return self.thing(project, path, json.loads(body) if body else {})

    def thing(self, project: str, path: str, said: dict[str, Any]) -> None:
        """A dataset or a table: made, changed, shown, dropped."""
        things = self.state.things
        if self.command == "POST":
            reference = said.get("tableReference") or said["datasetReference"]
            path = f"{path}/{reference.get('tableId') or reference['datasetId']}"
            if path in things:
                return self.refuse(409, "duplicate", f"Already Exists: {path}")
            things[path] = {"location": "US", "id": path, "creationTime": "1700000000000", "etag": "x", **said}
        if path not in things:
            return self.refuse(404, "notFound", f"Not found: {project}{path}")
        if self.command == "DELETE":
            del things[path]
            return self.answer(204)
        if self.command in {"PATCH", "PUT"}:
            things[path].update(said)
        return self.answer(200, {"type": "TABLE", "numRows": "0", "schema": {"fields": []}, **things[path]})


class Server(ThreadingHTTPServer):
    """On loopback, on a free port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path) -> None:
        handler = type("Bound", (Handler,), {"state": State(folder)})
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is an ordinary event here."""


if __name__ == "__main__":
    server = Server(Path(sys.argv[1]))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
