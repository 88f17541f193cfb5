"""A wire to BigQuery that breaks on purpose: in the client's own transport, so before a real project too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import requests
from google.cloud import bigquery
from requests.adapters import HTTPAdapter


@dataclass
class Trouble:
    """What becomes of requests.

    :param job: a regular expression on the name of the job that a request is to create.
    :param how: ``not sent``; ``unanswered``: carried out, and the connection is reset; or an answer of BigQuery's,
        (HTTP status, reason), to a request that it never saw.
    :param times: so many; None for all.
    """

    job: str
    how: Literal["not sent", "unanswered"] | tuple[int, str]
    times: int | None = 1
    struck: int = 0

    def strikes(self, request: requests.PreparedRequest) -> bool:
        """Whether it is about this request; counts."""
        body: Any = request.body or b""
        text = body if isinstance(body, str) else body[:4096].decode("latin-1")
        found = request.method == "POST" and re.search(rf'"jobId": ?"{self.job}', text) is not None
        if not found or self.struck == self.times:
            return False
        self.struck += 1
        return True


@dataclass
class BrokenWire(HTTPAdapter):
    """Sends as usual what no trouble is about."""

    troubles: list[Trouble] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = object.__hash__

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        """One request."""
        how = next((one.how for one in self.troubles if one.strikes(request)), None)
        if isinstance(how, tuple):
            return _answer(request, *how)
        if how == "not sent":
            raise requests.exceptions.ConnectionError("reset on purpose, before anything was sent", request=request)
        response = super().send(request, *arguments, **named)
        if how == "unanswered":
            response.close()
            raise requests.exceptions.ConnectionError("reset on purpose, before the answer came", request=request)
        return response


def _answer(request: requests.PreparedRequest, status: int, reason: str) -> requests.Response:
    response = requests.Response()
    response.status_code, response.url, response.request = status, str(request.url), request
    response.headers["Content-Type"] = "application/json"
    error = {"reason": reason, "message": f"{reason} on purpose"}
    response._content = json.dumps({"error": {"code": status, "message": error["message"], "errors": [error]}}).encode()
    return response


@contextmanager
def broken(client: bigquery.Client, *troubles: Trouble) -> Iterator[None]:
    """The client's requests meet these troubles."""
    http: requests.Session = client._http
    before = dict(http.adapters)
    for scheme in ("http://", "https://"):
        http.mount(scheme, BrokenWire(list(troubles)))
    try:
        yield
    finally:
        http.adapters.update(before)
