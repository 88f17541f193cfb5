"""The file of a load job."""

from __future__ import annotations

from io import BytesIO
from typing import Protocol

import pyarrow as pa


class StagingFile(Protocol):
    """The rows of a load job, written by one thread while others read and parse the next of them."""

    def write(self, rows: pa.Table) -> None:
        """Rows that follow those of before."""

    def finished(self) -> BytesIO:
        """All of it, the same for the same writes; nothing is written after it, and it may be asked again."""
