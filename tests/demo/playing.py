"""The demo as a process of its own, and what is left of it when it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
_GONE_WITHIN_SECONDS = 10.0


@dataclass
class Playing:
    """A demo that was started; ``seen`` is every process that it was seen to have."""

    process: subprocess.Popen[str]
    folder: Path
    output: Path
    seen: dict[int, psutil.Process] = field(default_factory=dict)

    @classmethod
    def start(cls, folder: Path, *arguments: str) -> Playing:
        """Start ``kafka-bq demo`` with a folder for its temporary files, in a session of its own."""
        folder.mkdir(exist_ok=True)
        output = folder.with_suffix(".out")
        with output.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow_kafka_bq", "demo", *arguments],
                stdout=out, stderr=subprocess.STDOUT, text=True, cwd=ROOT, start_new_session=True,
                env=os.environ | {"TMPDIR": str(folder), "DEMO_KAFKA": ""},
            )  # fmt: skip
        return cls(process, folder, output)

    def look(self) -> None:
        """Note the processes that it has now."""
        try:
            for each in psutil.Process(self.process.pid).children(recursive=True):
                self.seen[each.pid] = each
        except psutil.NoSuchProcess:
            return

    def wait_for(self, text: str, seconds: float = 120.0) -> None:
        """Until it has said this."""
        deadline = time.monotonic() + seconds
        while text not in self.said():
            self.look()
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def said(self) -> str:
        """Its output so far."""
        return self.output.read_text("utf-8")

    def interrupt(self, number: int = signal.SIGINT) -> int:
        """Send a signal to it alone, as a shell without job control does; its exit code."""
        self.look()
        self.process.send_signal(number)
        return self.end(60)

    def end(self, seconds: float) -> int:
        """Wait for its end; its exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            self.look()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self.process.returncode

    def left(self) -> list[str]:
        """Processes and files that outlived it; a killed process may take a moment to go."""
        _, alive = psutil.wait_procs(self.seen.values(), _GONE_WITHIN_SECONDS)
        return [" ".join(each.cmdline()) for each in alive] + [str(path) for path in self.folder.iterdir()]

    def addresses(self) -> set[str]:
        """Addresses that its processes listen on now."""
        return {one.laddr.ip for one in self._listening()}

    def ports(self) -> set[int]:
        """Ports that they listen on now."""
        return {one.laddr.port for one in self._listening()}

    def _listening(self) -> list[Any]:
        self.look()
        found = []
        for each in (psutil.Process(self.process.pid), *self.seen.values()):
            try:
                found += [one for one in each.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
            except psutil.NoSuchProcess:
                continue
        return found
