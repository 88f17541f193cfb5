"""Notes on which DAG file uses which consumer group: the DAG processor parses each file in a process of its own.

A file leaves a note for each group that a person named, and looks at those of other files. What a file no longer says,
because it was written since or is gone, is not believed. Notes are for a warning alone: whatever goes wrong with them
goes unsaid, and no parse fails or waits.
"""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_LONGEST_SECONDS = 3600.0  # a file that is parsed writes its notes anew, at least this often
_MOST = 50  # files that share one group and are looked at


@dataclass(frozen=True, slots=True)
class Note:
    """Which task of which file uses a group for which topic; ``written_ns`` is when the file was last written."""

    file: str
    written_ns: int
    topic: str
    dag_id: str
    task_id: str

    @classmethod
    def of(cls, file: str, topic: str, dag_id: str, task_id: str) -> Note:
        """With the file as it is now. :raises OSError: there is none, or it lies in an archive."""
        return cls(file, os.stat(file).st_mtime_ns, topic, dag_id, task_id)

    @property
    def holds(self) -> bool:
        """Whether its file is there, and is what it was."""
        try:
            return os.stat(self.file).st_mtime_ns == self.written_ns
        except OSError:
            return False


def exchange(folder: Path, group: tuple[str, str], mine: Note) -> list[Note]:
    """Leave a note, and return those of other files that use the group for another topic.

    A note is written before the others are read: of two files that are parsed at once, one at least sees the other.

    :param folder: of this user alone. :param group: connection and name.
    :raises OSError: notes cannot be kept here.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):  # somebody else made it, or a link
        raise PermissionError(folder)
    place = folder / _short("\0".join(group))
    place.mkdir(exist_ok=True)
    name = f"{_short(mine.file)}.json"
    _write(place / name, json.dumps(asdict(mine)))
    notes = (_read(path) for path in sorted(place.glob("*.json"))[:_MOST] if path.name != name)
    return [note for note in notes if note is not None and note.topic != mine.topic]


def notes_folder() -> Path:
    """Below the folder for temporary files: of this user and this Airflow."""
    import tempfile

    home = os.environ.get("AIRFLOW_HOME") or os.path.expanduser("~/airflow")
    return Path(tempfile.gettempdir()) / f"kafka-bq-groups-{os.getuid()}-{_short(home)}"


def _short(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _write(path: Path, text: str) -> None:
    try:
        if path.read_text("utf-8") == text:
            os.utime(path)
            return
    except (OSError, ValueError):
        pass
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, "utf-8")
    os.replace(part, path)


def _read(path: Path) -> Note | None:
    """None: it is too old, is no note, or its file says something else by now; then it is cleared away."""
    try:
        if time.time() - os.stat(path).st_mtime <= _LONGEST_SECONDS:
            note = Note(**json.loads(path.read_text("utf-8")))
            if note.holds:
                return note
        path.unlink(missing_ok=True)
    except (OSError, ValueError, TypeError):
        pass
    return None
