"""A BigQuery that takes every load and insert and answers at once, so that whoever writes is measured on its own cost.

It runs no SQL and checks no schema: a query has no rows. What it keeps honest: a job id works once (409 afterwards),
tables and datasets answer 404 until they were made, a load counts only when its whole body is there, and every body is
kept as it came: so it can be said afterwards which messages arrived, and how often.

``python -m benchmarks.sink FOLDER [SERVER.PEM]`` prints its address. ``GET /_landed`` counts what is there,
``POST /_reset`` forgets it, ``POST /_hold?when=before|after&write=N`` leaves the N-th write without an answer, before
or after it was kept. For clients whose endpoint is fixed it is a proxy too, that ends their TLS itself.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import ssl
import sys
import uuid
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow.parquet as pq

from benchmarks.kept import State

_API = re.compile(r"^/+(?:resumable/)?(?:upload/)?bigquery/v2/projects/([^/]+)")
_ANONYMOUS = {"projectId": "demo", "datasetId": "_anonymous", "tableId": "anonymous"}  # results of a query
_RESULT = {"fields": [{"name": "x", "type": "STRING", "mode": "NULLABLE"}]}  # of no rows
_TOKEN = {"access_token": "sink", "expires_in": 86_400, "token_type": "Bearer"}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state: State
    tls: ssl.SSLContext | None = None

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
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b"".join(self.chunks())
        else:
            wanted = int(self.headers.get("Content-Length") or 0)
            data = self.rfile.read(wanted)
            if len(data) < wanted:
                raise ConnectionError("the client went away")
        self.state.size_bytes += len(data)
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def chunks(self) -> list[bytes]:
        """Of a body whose length was not known."""
        found = []
        while size := int(self.rfile.readline().split(b";")[0] or b"-1", 16):
            found.append(self.rfile.read(size))
            if not self.rfile.readline():
                raise ConnectionError("the client went away")
        self.rfile.readline()
        return found

    def do_CONNECT(self) -> None:
        """What follows on this connection is TLS to a host of Google's, and ends here."""
        assert self.tls is not None, "started without a certificate"
        self.send_response(200)
        self.end_headers()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.close_connection = False

    def any_method(self) -> None:
        """Sort by path."""
        self.state.calls += 1
        url = urlsplit(self.path)
        query, body, path = dict(parse_qsl(url.query)), self.body(), unquote(url.path)
        if path == "/token":
            return self.answer(200, _TOKEN)
        if path.startswith("/_"):
            return self.answer(200, self.own(path, query))
        found = _API.match(path)
        if found is not None and "/upload/" in path:
            return self.upload(found[1], query, body)
        if found is None:
            return self.refuse(404, "notFound", path)
        return self.api(found[1], path[found.end() :].rstrip("/"), body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = any_method

    def own(self, path: str, query: dict[str, str]) -> Any:
        """What the benchmark asks."""
        if path == "/_reset":
            self.state.reset()
        elif path == "/_hold":
            self.state.hold = (query["when"], int(query["write"]))
        elif path == "/_landed":
            return {**self.state.landed(), "holding": self.state.holding}
        return {"/_holding": self.state.holding, "/_writes": self.state.writes}.get(path, {})

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
            scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
            place = ("Location", f"{scheme}://{self.headers['Host']}{self.path}&upload_id={name}")
            return self.answer(200, {}, (place, ("X-GUploader-UploadID", name)))
        upload = self.state.uploads[query["upload_id"]]
        upload["data"] += body
        at = re.match(r"bytes (?:\*|(\d+)-(\d+))/(\d+|\*)", self.headers.get("Content-Range", ""))
        if at and (at[3] == "*" or int(at[3]) > len(upload["data"])):
            last = (("Range", f"bytes=0-{len(upload['data']) - 1}"),)
            if self.headers.get("X-GUploader-No-308") == "yes":  # the form that Google's Go client asks for
                return self.answer(200, None, (*last, ("X-Http-Status-Code-Override", "308")))
            return self.answer(308, None, last)
        return self.load(project, upload["said"], bytes(upload["data"]))

    def load(self, project: str, said: dict[str, Any], media: bytes) -> None:
        """Keep the file; the job is done."""
        name = (said.get("jobReference") or {}).get("jobId") or uuid.uuid4().hex
        if name in self.state.jobs:
            return self.refuse(409, "duplicate", f"Already Exists: Job {project}:US.{name}")
        told = said["configuration"]["load"]
        table = (told.get("destinationTable") or {}).get("tableId", "events")
        rows = pq.ParquetFile(io.BytesIO(media)).metadata.num_rows if media[:4] == b"PAR1" else 0
        done = {"outputRows": str(rows), "outputBytes": str(len(media)), "inputFiles": "1", "badRecords": "0"}
        finished = partial(self.job, project, name, said["configuration"], {"load": done})
        self.state.keep(media, table, truncates=told.get("writeDisposition") == "WRITE_TRUNCATE", kept=finished)
        return self.answer(200, self.state.jobs[name])

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
        if insert := re.search(r"/tables/([^/$]+)(?:\$[^/]*)?/insertAll$", path):
            self.state.keep(body, insert[1])
            return self.answer(200, {"kind": "bigquery#tableDataInsertAllResponse"})
        if (job := re.match(r"/jobs/([^/]+)$", path)) and job[1] in self.state.jobs:
            return self.answer(200, self.state.jobs[job[1]])
        if path == "/jobs" and self.command == "POST":
            return self.started(project, json.loads(body))
        if path == "/queries":
            query = {"configuration": {"query": {"query": json.loads(body)["query"]}}}
            return self.answer(200, self.result(self.started_job(project, query)))
        if (job := re.match(r"/queries/([^/]+)$", path)) and job[1] in self.state.jobs:
            return self.answer(200, self.result(self.state.jobs[job[1]]))
        if path.startswith(("/queries", "/jobs")):
            return self.refuse(404, "notFound", f"Not found: {path}")
        return self.thing(project, path, json.loads(body or b"{}"))

    def started(self, project: str, said: dict[str, Any]) -> None:
        """A query or a copy."""
        if (said.get("jobReference") or {}).get("jobId") in self.state.jobs:
            return self.refuse(409, "duplicate", f"Already Exists: Job {said['jobReference']['jobId']}")
        if copy := said["configuration"].get("copy"):
            sources = copy.get("sourceTables") or [copy["sourceTable"]]
            truncates = copy.get("writeDisposition") == "WRITE_TRUNCATE"
            target = copy["destinationTable"]["tableId"]
            self.state.copy(tuple(source["tableId"] for source in sources), target, truncates=truncates)
        return self.answer(200, self.started_job(project, said))

    def started_job(self, project: str, said: dict[str, Any]) -> dict[str, Any]:
        """Done at once, without rows."""
        name = (said.get("jobReference") or {}).get("jobId") or uuid.uuid4().hex
        text = (said["configuration"].get("query") or {}).get("query", "")
        kind = "SELECT" if re.match(r"\s*(SELECT|WITH)\b", text, re.IGNORECASE) else "SCRIPT"
        if kind != "SCRIPT":
            said["configuration"]["query"].setdefault("destinationTable", _ANONYMOUS)
        query = {"statementType": kind, "totalBytesProcessed": "0", "totalBytesBilled": "0"}
        return self.job(project, name, said["configuration"], {"query": query})

    def result(self, job: dict[str, Any]) -> dict[str, Any]:
        """No rows."""
        is_read = "destinationTable" in (job["configuration"].get("query") or {})
        done = {"jobComplete": True, "totalRows": "0", "rows": [], "numDmlAffectedRows": "0", "cacheHit": False}
        told = {"jobReference": job["jobReference"], "schema": _RESULT if is_read else {"fields": []}}
        return {"totalBytesProcessed": "0", **told, **done}

    def thing(self, project: str, path: str, said: dict[str, Any]) -> None:
        """A dataset or a table: made, changed, shown, dropped."""
        things = self.state.things
        if self.command == "POST":
            reference = said.get("tableReference") or said["datasetReference"]
            path = f"{path}/{reference.get('tableId') or reference['datasetId']}"
            if path in things:
                return self.refuse(409, "duplicate", f"Already Exists: {path}")
            things[path] = {"location": "US", "id": path, "creationTime": "1700000000000", "etag": "x", **said}
        if path.endswith("/tables/anonymous"):
            return self.answer(200, {"type": "TABLE", "tableReference": _ANONYMOUS, "schema": _RESULT, "numRows": "0"})
        if path not in things:
            return self.refuse(404, "notFound", f"Not found: {project}{path}")
        if self.command == "DELETE":
            del things[path]
            return self.answer(204)
        if self.command in {"PATCH", "PUT"}:
            things[path].update(said)
        return self.answer(200, {"type": "TABLE", "numRows": "0", "schema": {"fields": []}, **things[path]})


class Server(ThreadingHTTPServer):
    """On loopback, on a free port. ``certificate``: a private key and its certificate, for hosts of Google's."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        tls = None
        if certificate is not None:
            (tls := ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)).load_cert_chain(certificate)
            tls.set_alpn_protocols(["http/1.1"])
        handler = type("Bound", (Handler,), {"state": State(folder), "tls": tls})
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is an ordinary event here."""


if __name__ == "__main__":
    server = Server(*map(Path, sys.argv[1:]))
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
