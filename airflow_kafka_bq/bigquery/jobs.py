"""Submit a job under an id of our own, attach where the id is taken, wait for its end.

The job id is what makes a retry safe: BigQuery refuses a second job with the same id, so an unknown outcome is settled
by sending the same request again (https://googleapis.dev/python/bigquery/latest/design/query-retries.html).
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import tenacity
from google.api_core import exceptions as google
from google.cloud import bigquery

from airflow_kafka_bq.bigquery.errors import is_transient, reason_of, translated
from airflow_kafka_bq.exceptions import IngestError, StopRequested

log = logging.getLogger(__name__)

Job = bigquery.QueryJob | bigquery.LoadJob
CALL_SECONDS = 60.0
DEADLINE_SECONDS = 600.0
QUIET_SECONDS = 5.0  # so long a request is repeated without a word; behind that each minute has one
ONCE: Any = None  # as ``retry``: the client sends a request once; repeating it is ``Jobs.call``'s business
_PAGE_ROWS = 1_000  # asked for at once, they come with the first answer
T = TypeVar("T")


class Jobs:
    """Jobs of one client.

    :param deadline_seconds: how long one call is retried while BigQuery does not answer.
    :param stop: set by a signal handler; waiting ends at once, the job is left to finish.
    """

    def __init__(self, client: bigquery.Client, stop: threading.Event, deadline_seconds: float) -> None:
        self.client = client
        self._stop = stop
        self._deadline_seconds = deadline_seconds

    def call(self, what: str, request: Callable[[float], T]) -> T:
        """One request, repeated while the trouble is transient.

        :param request: takes the seconds that it may wait for an answer: never longer than the deadline allows.
        :raises IngestError: BigQuery's answer as our error.
        :raises StopRequested: asked to stop between two attempts.
        """
        try:
            return self._repeated(request)
        except (IngestError, StopRequested):
            raise
        except Exception as error:
            raise translated(error, what) from error

    def _repeated(self, request: Callable[[float], T]) -> T:
        end = time.monotonic() + self._deadline_seconds
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_transient),
            wait=tenacity.wait_random_exponential(multiplier=0.25, max=15),
            stop=tenacity.stop_after_delay(self._deadline_seconds),
            sleep=self.pause,
            before_sleep=self._word(),
            reraise=True,
        )
        return attempts(lambda: request(min(CALL_SECONDS, max(1.0, end - time.monotonic()))))

    def _word(self) -> Callable[[tenacity.RetryCallState], None]:
        """Say that BigQuery does not answer: who waits for minutes should know for what."""
        due = QUIET_SECONDS

        def say(state: tenacity.RetryCallState) -> None:
            nonlocal due
            waited = time.monotonic() - state.start_time
            if waited < due or state.outcome is None:
                return
            due = waited + 60.0
            error = state.outcome.exception()
            log.warning(
                "BigQuery has not answered for %.0f s; it is asked for %.0f s more: %s: %.300s",
                waited, max(0.0, self._deadline_seconds - waited), type(error).__name__, error,
            )  # fmt: skip

        return say

    def pause(self, seconds: float) -> None:
        """Sleep, unless the run is to stop. :raises StopRequested: it is."""
        if self._stop.wait(seconds):
            raise StopRequested

    def submit(self, job_id: str, location: str | None, send: Callable[[float], Job]) -> tuple[Job | None, bool, Any]:
        """(job, attached, refusal): the job under this id, ours or an earlier one with the same id.

        ``refusal`` is an ``errorResult`` where BigQuery answered 400 instead of running the job.
        """
        try:
            return self._repeated(send), False, None
        except google.Conflict:
            return self.call(f"job {job_id}", lambda seconds: self._get(job_id, location, seconds)), True, None
        except google.BadRequest as error:
            return None, False, {"reason": reason_of(error) or "invalidQuery", "message": error.message}
        except (IngestError, StopRequested):
            raise
        except Exception as error:
            raise translated(error, f"job {job_id}") from error

    def _get(self, job_id: str, location: str | None, seconds: float) -> Job:
        try:
            job = self.client.get_job(job_id, location=location, retry=ONCE, timeout=seconds)
        except google.NotFound as error:
            # Right after a 409 the job may not be visible yet; taken as transient, as Google's own client does.
            raise google.ServiceUnavailable(f"job {job_id} exists but is not visible yet") from error
        assert isinstance(job, bigquery.QueryJob | bigquery.LoadJob)  # noqa: S101  # ids are ours alone
        return job

    def wait(self, job: Job) -> Job:
        """Until the job is done, whatever its outcome. A stop leaves the job to finish; the next run attaches."""
        interval = 0.02
        while job.state != "DONE":
            self.pause(interval)
            interval = min(interval * 1.6, 2.0)
            self.call(f"job {job.job_id}", lambda seconds: job.reload(retry=ONCE, timeout=seconds))
        return job

    def query(self, sql: str, location: str | None, **settings: Any) -> tuple[bigquery.QueryJob | None, Any]:
        """A statement that is no batch's merge: (finished job, errorResult or None)."""
        job_id = f"kafka-bq-{uuid.uuid4().hex}"
        config = bigquery.QueryJobConfig(use_legacy_sql=False, **settings)
        job, _, refusal = self.submit(
            job_id, location, lambda seconds: self.send_query(job_id, sql, location, config, seconds)
        )
        if job is None:
            return None, refusal
        if not config.dry_run:
            self.wait(job)
        assert isinstance(job, bigquery.QueryJob)  # noqa: S101
        return job, job.error_result

    def send_query(
        self, job_id: str, sql: str, location: str | None, config: bigquery.QueryJobConfig, seconds: float
    ) -> bigquery.QueryJob:
        """jobs.insert, once; repetition is ``call``'s business, with the same id."""
        return self.client.query(
            sql, job_id=job_id, job_config=config, location=location, retry=ONCE, job_retry=None, timeout=seconds
        )

    def rows(self, job: bigquery.QueryJob) -> list[Mapping[str, Any]]:
        """All rows of a finished SELECT."""
        found = self.call(
            f"job {job.job_id}", lambda seconds: list(job.result(page_size=_PAGE_ROWS, retry=ONCE, timeout=seconds))
        )
        return [dict(row.items()) for row in found]

    def page(self, job: bigquery.QueryJob, first: int) -> list[dict[str, Any]]:
        """Rows of a finished SELECT from this one on, as many as BigQuery gives in one answer; none behind the last."""

        def ask(seconds: float) -> list[dict[str, Any]]:
            # Of its own, since a job's object keeps its first page and would give it again; without the state it would
            # be sent a second time.
            done = {**job.to_api_repr(), "status": {"state": job.state}}
            fresh = bigquery.QueryJob.from_api_repr(done, self.client)
            found = fresh.result(page_size=_PAGE_ROWS, start_index=first, retry=ONCE, job_retry=None, timeout=seconds)
            return [dict(row.items()) for row in next(iter(found.pages), ())]

        return self.call(f"job {job.job_id}", ask)
