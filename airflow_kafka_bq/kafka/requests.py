"""Asking a cluster within a time limit: refused logins end the wait at once, passing trouble is tried again.

Why no request is given its time limit to librdkafka
----------------------------------------------------
When the client itself gives up a request to a group's coordinator that it has no connection to, and the coordinator
comes up later, the process aborts (``rd_kafka_enq_once_del_source_return: Assertion eonce->refcnt > 0``, librdkafka
issue 4605). A client that has been connected before is not safe either: it is enough that the broker went away
meanwhile. So the client may wait an hour, we wait ``timeout_seconds``, and a client that still owes an answer then is
dropped, which ends its requests without harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from airflow_kafka_bq.kafka import errors
from airflow_kafka_bq.kafka.clients import Clients
from airflow_kafka_bq.kafka.errors import Sort

T = TypeVar("T")

LONGEST_SECONDS = 3600.0
"""``request_timeout`` of every admin request: the most that librdkafka takes, and never the limit that counts."""

# A client that was told COORDINATOR_NOT_AVAILABLE a few times waits for an event that may not come: a new one asks.
_ATTEMPT_SECONDS = 5.0
_SLICE_SECONDS = 0.05
# A damaged answer is no damaged message: a message that is too large ends its connection, and all that is asked there.
_PASSING = (Sort.UNAVAILABLE, Sort.CORRUPT)
_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0


class Requests:
    """Requests of one source.

    :param timeout_seconds: for each, retries included.
    :param context: topic and group_id, for errors.
    """

    def __init__(self, clients: Clients, timeout_seconds: float, **context: str) -> None:
        self.clients = clients
        self.timeout_seconds = timeout_seconds
        self._context = context

    def admin(
        self,
        doing: str,
        send: Callable[[AdminClient], Iterable[Future[T]]],
        timeout_seconds: float | None = None,
    ) -> list[T]:
        """Answers of admin requests, in their order; all are sent again while one fails for a passing reason.

        :param doing: what is under way, to open an error's sentence with.
        :param send: sends with ``request_timeout=LONGEST_SECONDS``. It may be called several times.
        :param timeout_seconds: instead of the usual limit.
        :raises IngestError: as sorted, with ``doing``; ``KafkaUnavailableError`` when time runs out.
        """
        return self.retried(
            doing, lambda remaining: self.answers(send, remaining), _ATTEMPT_SECONDS, timeout_seconds=timeout_seconds
        )

    def retried(
        self,
        doing: str,
        attempt: Callable[[float], T],
        slice_seconds: float = _ATTEMPT_SECONDS,
        on_failure: Callable[[], None] | None = None,
        timeout_seconds: float | None = None,
    ) -> T:
        """``attempt``, given the seconds it may take, until it does not fail for a passing reason.

        :param slice_seconds: the most that one attempt may take; it doubles with each, up to five seconds.
        :param on_failure: called after the first failed attempt; may raise what waiting would not cure.
        """
        limit = self.timeout_seconds if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + limit
        pause, reason = _PAUSE_SECONDS, None
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                answer = attempt(min(remaining, slice_seconds))
            except KafkaException as failure:
                error = errors.kafka_error(failure)
                self.clients.troubles.raise_refusal()
                if errors.sort(error) not in _PASSING:
                    raise errors.translated(error, doing, **self._context) from failure
                reason = f"{error.str()} ({error.name()})"
            except TimeoutError:
                reason = reason or "no answer"
            else:
                self.clients.admin.poll(0)  # what it has not told yet is over as well
                self.clients.troubles.answers_come()
                return answer
            if on_failure is not None:
                on_failure()
                on_failure = None
            self._rest(min(pause, deadline - time.monotonic()))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            slice_seconds = min(slice_seconds * 2, _ATTEMPT_SECONDS)
        self.serve()
        raise self.clients.troubles.out_of_time(doing, limit, reason).located(**self._context)

    def serve(self) -> None:
        """Let the admin client's callbacks speak. :raises AccessDeniedError, ConfigError: waiting would not help."""
        self.clients.admin.poll(0)
        self.clients.troubles.raise_refusal()

    def answers(self, send: Callable[[AdminClient], Iterable[Future[T]]], remaining: float) -> list[T]:
        """One attempt of :meth:`admin`, for a caller that looks into the answers before it is done.

        :raises TimeoutError: not within ``remaining`` seconds; the requests are given up, and may still be applied.
        :raises KafkaException: what the cluster answered.
        """
        admin = self.clients.admin  # kept until the answers are here: a dropped client answers nothing any more
        futures = list(send(admin))
        deadline = time.monotonic() + remaining
        try:
            while wait(futures, _SLICE_SECONDS).not_done:
                self.serve()
                if time.monotonic() > deadline:
                    raise TimeoutError
        except BaseException:
            self.clients.retire(admin)
            raise
        return [future.result() for future in futures]

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.serve()
            time.sleep(min(left, _SLICE_SECONDS))
