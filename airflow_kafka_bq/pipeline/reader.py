"""The reader's side of a run: consume, decode and stage the next batches while BigQuery works on this one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from airflow_kafka_bq.batch import Decoded, RawBatch, Staged, Written
from airflow_kafka_bq.config.values import USUAL_BATCH_BYTES
from airflow_kafka_bq.exceptions import AccountingError, BadMessagesError, IngestError
from airflow_kafka_bq.formats.records import Records
from airflow_kafka_bq.pipeline.ahead import Ahead
from airflow_kafka_bq.pipeline.bounds import looked_at
from airflow_kafka_bq.pipeline.consume import Drain
from airflow_kafka_bq.pipeline.decode import DecodeRules, decode, finished
from airflow_kafka_bq.pipeline.file_ahead import FileAhead
from airflow_kafka_bq.pipeline.held import Places
from airflow_kafka_bq.pipeline.isolate import find_bad, without
from airflow_kafka_bq.pipeline.letters import LetterDrain
from airflow_kafka_bq.pipeline.memory import given_back, rare_collections, small_pages
from airflow_kafka_bq.pipeline.report import RunReport
from airflow_kafka_bq.pipeline.split import split
from airflow_kafka_bq.pipeline.stage import ROWS, RowsRejected, Stager, rejects, stage, unexplained, written_now
from airflow_kafka_bq.pipeline.stopping import Stop
from airflow_kafka_bq.schema.target import Target


@dataclass(frozen=True, slots=True)
class Prepared:
    """A staged batch, with what is needed to find a row that only the MERGE rejects."""

    raw: RawBatch
    decoded: Decoded
    staged: Staged


@dataclass(frozen=True, slots=True)
class Reader:
    """What the threads of reading and staging work with; nobody but the first touches the drain."""

    drain: Drain | LetterDrain
    target: Target
    rules: DecodeRules
    stager: Stager
    report: RunReport

    def batches(self) -> Generator[tuple[RawBatch, Decoded], None, None]:
        """Every batch of the run, as MERGEs will take it. It is parsed while it is consumed."""
        with (
            rare_collections(),
            small_pages(),
            ThreadPoolExecutor(1, thread_name_prefix="kafka-bq-writer") as writer,
            ThreadPoolExecutor(1, thread_name_prefix="kafka-bq-parser") as parser,
        ):
            files = FileAhead(self.stager.warehouse.begin_file, partial(finished, target=self.target), writer)
            ahead = Ahead(self.rules.records, parser, places := Places())
            if self.rules.filter is None and self.rules.transform is None:  # else they see the whole batch first
                ahead.follow, ahead.columns = files.add, looked_at(self.target)
            if isinstance(self.drain, Drain):
                self.drain.listen, self.drain.places = ahead.add, places
                ahead.sparing = self.drain.config.batch_bytes < USUAL_BATCH_BYTES
            try:
                yield from self._batches(ahead, files)
            except GeneratorExit:  # behind any other error, a stop too, the batches that were read are staged
                writer.shutdown(wait=False, cancel_futures=True)
                raise
            finally:
                parser.shutdown(wait=True, cancel_futures=True)
                places.close()

    def _batches(self, ahead: Ahead, files: FileAhead) -> Iterator[tuple[RawBatch, Decoded]]:
        while True:
            with self.report.timed("consume"):
                raw = self.drain.next_batch()
            if raw is None:
                return
            parsed = ahead.take()
            self.report.seconds["decode"] += ahead.spent()
            with self.report.timed("decode"):
                decoded = self._decoded(raw, parsed, ahead, files.take())
            yield from split(raw, decoded, self.stager.target)

    def _decoded(self, raw: RawBatch, parsed: list[Records], ahead: Ahead, file: Future[Written] | None) -> Decoded:
        if file is None:
            return decode(raw.messages, self.target, self.rules, parsed)

        def again() -> Decoded:  # from any thread, while pieces of a later batch are parsed
            with ahead.parsing:
                return decode(raw.messages, self.target, self.rules)

        found = decode(raw.messages, self.target, self.rules, parsed, ahead.columns)
        return replace(found, written=file, again=again)

    def in_step(self) -> Generator[Prepared, None, None]:
        """Every batch of the run, staged before the next one is read: for a caller that changes nothing."""
        with closing(self.batches()) as batches:
            yield from map(self.prepared, batches)

    def prepared(self, batch: tuple[RawBatch, Decoded]) -> Prepared:
        """Staged."""
        raw, decoded = batch
        with self.report.timed("stage"):
            found = staged(self.stager, raw, decoded)
            given_back()
        if decoded.written is not None:
            self.report.seconds["stage"] += decoded.written.result().seconds
        return found


def staged(stager: Stager, raw: RawBatch, decoded: Decoded) -> Prepared:
    """Stage; where BigQuery rejects rows that our checks let through, they become dead letters."""
    try:
        return Prepared(raw, _without_file(decoded), stage(stager, raw, decoded))
    except RowsRejected as signal:
        if signal.part != ROWS:
            raise _unusable(stager, decoded, signal) from signal
        whole = _whole(stager, decoded)
        bad = find_bad(whole.rows.num_rows, rejects(stager, whole.rows))
        if not bad:
            raise _unusable(stager, decoded, signal) from signal
        return restaged(stager, raw, whole, bad, "load")


def _without_file(decoded: Decoded) -> Decoded:
    """It was loaded: a fifth of what the messages take, which are kept until the MERGE."""
    if decoded.written is None:
        return decoded
    loaded: Future[Written] = Future()
    loaded.set_result(replace(decoded.written.result(), file=None))
    return replace(decoded, written=loaded)


def _whole(stager: Stager, decoded: Decoded) -> Decoded:
    """With all columns, to find the rows that BigQuery rejects: by their number, so they are the same or none.

    :raises AccountingError: other rows came of the same messages; a bug of ours.
    """
    whole = decoded.whole()
    if decoded.written and written_now(stager, whole.rows).digest != decoded.written.result().digest:
        raise AccountingError("a batch that was decoded again has other rows than the one that was staged")
    return whole


def restaged(stager: Stager, raw: RawBatch, decoded: Decoded, bad: dict[int, str], where: str) -> Prepared:
    """Stage again, these rows as dead letters.

    :param where: what rejected them: ``load`` or ``merge``.
    :raises IngestError: BigQuery rejects the rest too, so no single row explains it.
    """
    rest = without(raw, _whole(stager, decoded), bad, where)
    try:
        return Prepared(raw, rest, stage(stager, raw, rest))
    except RowsRejected as signal:
        raise _unusable(stager, rest, signal) from signal


def _unusable(stager: Stager, decoded: Decoded, signal: RowsRejected) -> IngestError:
    """Where a dead letter is rejected too, the message is one that BigQuery does not take at all: it is too large."""
    letters = decoded.dead_letters
    bad = find_bad(letters.num_rows, rejects(stager, letters)) if signal.part != ROWS else {}
    if not bad:
        return unexplained(signal.error)
    first = letters.slice(min(bad), 1).to_pylist()[0]
    return BadMessagesError(
        f"BigQuery takes the message neither as a row nor as a dead letter: {bad[min(bad)]}",
        topic=stager.plan.facts.topic,
        partition=first["_kafka_partition"],
        offset=first["_kafka_offset"],
        remedy="keep it elsewhere, then step over it on purpose with `kafka-bq seek`",
    )


def ahead_by_one(reader: Reader, stop: Stop) -> Generator[Prepared, None, None]:
    """The batches in their order, each read and staged while the one before is staged and merged.

    At most two are in memory: a third is not begun before the caller is done with the first. When the caller fails, the
    reader is halted and what it prepared is dropped: positions move in order or not at all.
    """
    broken = threading.Event()
    with (
        closing(reader.batches()) as batches,
        ThreadPoolExecutor(1, thread_name_prefix="kafka-bq-reader") as reading,
        ThreadPoolExecutor(1, thread_name_prefix="kafka-bq-stager") as staging,
    ):

        def begun() -> Future[list[Prepared]]:
            return staging.submit(_prepared, reader, reading.submit(_next, batches), broken)

        # What a thread hands on is taken out of a list: the thread may hold that for a moment longer, and with a batch
        # in it there would be three.
        waiting = deque([begun(), begun()])
        try:
            while prepared := waiting.popleft().result():
                yield prepared.pop()
                waiting.append(begun())
        finally:
            stop.halt()
            staging.shutdown(cancel_futures=True)
            reading.shutdown(cancel_futures=True)
            stop.resume()


def _next(batches: Iterator[tuple[RawBatch, Decoded]]) -> list[tuple[RawBatch, Decoded]]:
    """The next one; none behind the last."""
    return list(islice(batches, 1))


def _prepared(reader: Reader, read: Future[list[tuple[RawBatch, Decoded]]], broken: threading.Event) -> list[Prepared]:
    """One batch, staged; behind one that failed none is, though it was read."""
    if broken.is_set():
        return []
    try:
        batch = read.result()
        return [reader.prepared(batch.pop())] if batch else []
    except BaseException:
        broken.set()
        raise
