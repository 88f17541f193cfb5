"""Write the staging file of a batch while its other messages are read and parsed.

Making the file costs half of what reading messages costs. Begun when the batch is whole, it would come behind all else
in the last batch of a run, and most runs have one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from airflow_kafka_bq.batch import Written
from airflow_kafka_bq.formats.records import Records
from airflow_kafka_bq.pipeline.ahead import Piece
from airflow_kafka_bq.pipeline.row_files import RowFile
from airflow_kafka_bq.ports import StagingFile


@dataclass(slots=True)
class FileAhead:
    """The file of the batch that is being filled. One thread adds pieces and takes files; ``writer`` has its own.

    :param begin: a new file.
    :param finish: rows of a piece as they are staged.
    """

    begin: Callable[[], StagingFile]
    finish: Callable[[Records], pa.Table]
    writer: ThreadPoolExecutor
    _open: RowFile | None = None
    _parts: list[Future[None]] = field(default_factory=list)

    def add(self, piece: Piece) -> None:
        """A piece that follows those of before; it is written as soon as it is parsed."""
        if self._open is None:
            self._open = RowFile(self.begin())
        self._parts.append(self.writer.submit(self._write, self._open, piece))

    def take(self) -> Future[Written] | None:
        """The file of all pieces, soon, or what went wrong with it; the next batch begins. None: there is none."""
        found, parts, self._open, self._parts = self._open, self._parts, None, []
        return None if found is None else self.writer.submit(_whole, found, parts)

    def _write(self, file: RowFile, piece: Piece) -> None:
        file.add(self.finish(piece.result().to_write.pop()))


def _whole(file: RowFile, parts: list[Future[None]]) -> Written:
    for part in parts:
        part.result()
    return file.whole()
