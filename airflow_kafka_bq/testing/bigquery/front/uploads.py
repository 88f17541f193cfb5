"""Uploads of load jobs: in one request of two parts, or resumable in chunks."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

from airflow_kafka_bq.testing.bigquery.front.errors import BigQueryError, invalid
from airflow_kafka_bq.testing.bigquery.front.http import Request, Response
from airflow_kafka_bq.testing.bigquery.front.registry import Registry

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?P<total>\d+|\*)")
_RESUME_INCOMPLETE = 308


def split_multipart(request: Request) -> tuple[dict[str, Any], bytes]:
    """Job and file of a `multipart/related` body. The file's content type may be anything, `*/*` too.

    Raises:
        BigQueryError: 400.
    """
    match = _BOUNDARY.search(request.headers.get("content-type", ""))
    if match is None:
        raise invalid("a multipart body needs a boundary")
    separator = b"--" + match[1].encode()
    start = request.body.find(separator)
    middle = request.body.find(b"\r\n" + separator, start + len(separator))
    end = request.body.rfind(b"\r\n" + separator + b"--")
    if min(start, middle) < 0 or end <= middle:
        raise invalid("a multipart body needs two parts")
    first = _content(request.body[start + len(separator) : middle])
    second = _content(request.body[middle + 2 + len(separator) : end])
    try:
        job = json.loads(first)
    except ValueError as error:
        raise BigQueryError("parseError", f"Parse Error: {error}", 400) from error
    return job, second


def _content(part: bytes) -> bytes:
    return part.partition(b"\r\n\r\n")[2]


class Uploads:
    """Resumable uploads; their files outlive the front, so that a client can resume after its restart.

    Args:
        registry: Remembers them.
        directory: Where the files are.
    """

    def __init__(self, registry: Registry, directory: Path) -> None:
        self._registry = registry
        self._directory = directory

    def new_file(self) -> Path:
        """A path for an upload's bytes."""
        return self._directory / f"{uuid.uuid4().hex}.upload"

    def start(self, project: str, job: dict[str, Any], url: str) -> Response:
        """Open a resumable upload; the answer says where its bytes go."""
        upload_id = uuid.uuid4().hex
        path = self.new_file()
        path.touch()
        self._registry.put_upload(upload_id, project, job, str(path))
        location = f"{url}/upload/bigquery/v2/projects/{project}/jobs?uploadType=resumable&upload_id={upload_id}"
        return Response(200, None, {"location": location, "x-guploader-uploadid": upload_id})

    def find(self, request: Request) -> tuple[str, dict[str, Any], Path]:
        """Project, job and file of the upload that a chunk is for.

        Raises:
            BigQueryError: 404: there is no such upload.
        """
        found = self._registry.upload(request.query.get("upload_id", ""))
        if found is None:
            raise BigQueryError("notFound", "Upload not found", 404)
        return found[0], found[1], Path(found[2])

    def finished(self, request: Request) -> dict[str, Any] | None:
        """The job of an upload that is complete: a client that lost the answer to its last chunk asks again."""
        return self._registry.uploaded(request.query.get("upload_id", ""))

    def finish(self, request: Request, job: dict[str, Any]) -> None:
        """Remember which job an upload became."""
        self._registry.finish_upload(request.query.get("upload_id", ""), job)

    def take_chunk(self, request: Request, path: Path) -> Response | None:
        """Keep a chunk; None once the file is whole.

        Raises:
            BigQueryError: 400: a chunk that leaves a hole.
        """
        held = path.stat().st_size
        match = _RANGE.fullmatch(request.headers.get("content-range", ""))
        if match is None:
            path.write_bytes(request.body)
            return None
        total = None if match["total"] == "*" else int(match["total"])
        if match["first"] is not None:
            first = int(match["first"])
            if first > held:
                raise invalid(f"Invalid request. There were {held} bytes received, but the chunk starts at {first}.")
            # A chunk that is sent again, after its answer was lost, must not be kept twice.
            with path.open("r+b") as file:
                file.seek(held)
                file.write(request.body[held - first :])
            held = path.stat().st_size
        if total is not None and held >= total:
            return None
        return Response(_RESUME_INCOMPLETE, None, {"range": f"bytes=0-{held - 1}"} if held else {})
