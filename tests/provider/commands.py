"""Airflow's own command, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

Done = subprocess.CompletedProcess[str]


def airflow(*arguments: str, python: Path = Path(sys.executable), cwd: Path | None = None) -> Done:
    """Run ``airflow …`` of an environment; its home is that of the tests."""
    return run(python.with_name("airflow"), *arguments, cwd=cwd)


def run(*command: str | Path, cwd: Path | None = None, seconds: float = 120) -> Done:
    """Run a command without a terminal, in wide lines and without colours."""
    plain = os.environ | {"COLUMNS": "500", "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=plain, timeout=seconds)
