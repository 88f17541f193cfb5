"""A command on a terminal of 80 columns, as a person sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], columns: int = 80
) -> tuple[int, str]:
    """Run to the end; exit code, and all that was drawn, escape codes included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env={**environment, "TERM": "xterm-256color"}
    ) as process:
        os.close(theirs)
        drawn = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        return process.wait(60), drawn.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how Linux tells that nobody writes any more
        return b""


def lines_left(drawn: str) -> list[str]:
    """The lines that a person still sees when all is over: what was erased or drawn over is gone."""
    rows = [""]
    for piece in re.split(r"(\r\n|\r|\x1b\[2K|\x1b\[1A)", drawn):
        if piece == "\r\n":
            rows.append("")
        elif piece in {"\r", "\x1b[2K"}:
            rows[-1] = "" if piece == "\x1b[2K" else rows[-1]
        elif piece == "\x1b[1A":
            rows.pop()
        else:
            rows[-1] += _CONTROL.sub("", piece)
    return rows
