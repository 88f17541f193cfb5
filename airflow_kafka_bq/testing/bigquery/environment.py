"""The emulator's own Python environment, made once per machine and shared by every process that needs it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CONSTRAINTS = Path(__file__).parent / "constraints" / "bqemulator.txt"
_PACKAGES = ("bqemulator", "duckdb", "duckdb-extensions", "duckdb-extension-spatial", "numpy")
# DuckDB would download its extensions at the first start and abort without a network; this wheel carries them.
_IMPORT_EXTENSIONS = "import duckdb_extensions as d; d.import_extension('spatial')"
_INSTALL_TIMEOUT_SECONDS = 600
# What the system trusts, where it says so: a company's proxy signs with a certificate that uv's own list does not have.
CERTIFICATES = {"UV_SYSTEM_CERTS": "true"} if ssl.get_default_verify_paths().cafile else {}


@dataclass(frozen=True)
class Environment:
    """A ready environment.

    Attributes:
        python: Its interpreter.
        home: The directory that the emulator must see as HOME: DuckDB looks for its extensions there.
    """

    python: Path
    home: Path


def cache_directory() -> Path:
    """`$KAFKA_BQ_CACHE`, else the user's cache directory (XDG)."""
    if named := os.environ.get("KAFKA_BQ_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "airflow-kafka-bq"


def ensure_environment(cache: Path | None = None) -> Environment:
    """The emulator's environment, created if it is not there.

    Safe when several processes do it at once: one builds, the others wait; an interrupted build leaves nothing that
    looks ready. The directory is named by the pinned packages, so that a new pin builds a new one.

    Raises:
        RuntimeError: The packages could not be installed; the installer's last words are in the message.
    """
    pins = hashlib.sha256(_CONSTRAINTS.read_bytes()).hexdigest()[:12]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    root = (cache or cache_directory()) / f"bqemulator-py{version}-{pins}"
    ready = root / "ready"
    if not ready.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        with _alone(root.with_suffix(".lock")):
            if not ready.exists():
                _build(root)
                ready.touch()
    return Environment(root / "bin" / "python", root / "home")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(root: Path) -> None:
    # What an interrupted build left behind; pip would believe it.
    shutil.rmtree(root, ignore_errors=True)
    home = root / "home"
    _run([sys.executable, "-m", "venv", *(["--without-pip"] if _has_uv() else []), str(root)], home)
    home.mkdir(parents=True, exist_ok=True)
    python = root / "bin" / "python"
    _run([*_installer(python), "-c", str(_CONSTRAINTS), *_PACKAGES], home)
    _run([str(python), "-c", _IMPORT_EXTENSIONS], home)


def _has_uv() -> bool:
    return importlib.util.find_spec("uv") is not None


def _installer(python: Path) -> list[str]:
    if _has_uv():
        return [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(python)]
    return [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]


def _run(command: list[str], home: Path) -> None:
    # pip and uv keep their caches and settings under the user's own HOME; only DuckDB is led elsewhere.
    environment = CERTIFICATES | os.environ | ({"HOME": str(home)} if command[-1] == _IMPORT_EXTENSIONS else {})
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_SECONDS, env=environment, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the local BigQuery's environment could not be built: {done.stderr.strip()[-2000:]}")
