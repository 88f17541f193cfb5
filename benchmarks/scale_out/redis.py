"""A Redis for Celery: on loopback, with a password and a folder of its own, gone with the process that started it."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airflow_kafka_bq.testing.kafka.child_process import end, spawn
from airflow_kafka_bq.testing.kafka.jars import cache_directory
from airflow_kafka_bq.testing.kafka.loopback import HOST, free_ports

_PACKAGES = ("redis-server", "redis-tools")  # the second one holds the program
_LIBRARIES = re.compile(r"^\s*Depends: ((?:lib|lua-)\S+)$", re.MULTILINE)
_READY_WITHIN_SECONDS = 20.0
_SECONDS = 300.0
_INSTALL = "install it (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis)"


class RedisProgramError(RuntimeError):
    """There is no Redis here, and Debian's package cannot be had; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Program:
    """Redis, and where its libraries are if the system does not have them."""

    path: Path
    libraries: str = ""

    def environment(self) -> Mapping[str, str]:
        """Variables for its process."""
        return {**os.environ, "LD_LIBRARY_PATH": self.libraries} if self.libraries else os.environ


def program(cache: Path | None = None) -> Program:
    """The one on the PATH; else Debian's package, unpacked beside the other programs and not installed.

    :raises RedisProgramError: neither is there.
    """
    if found := shutil.which("redis-server"):
        return Program(Path(found))
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise RedisProgramError(f"no redis-server on the PATH: {_INSTALL}")
    home = (cache or cache_directory()) / "redis"
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "redis.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _unpack(home)
    libraries = ":".join(str(path) for path in sorted((home / "usr" / "lib").glob("*-linux-*")))
    return Program(home / "usr" / "bin" / "redis-server", libraries)


def _unpack(home: Path) -> None:
    """Into a folder beside it first: an interrupted download leaves nothing that looks ready."""
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="redis-") as folder:
        known = _said("apt-cache", "depends", "--important", *_PACKAGES)
        wanted = [name for name in dict.fromkeys(_LIBRARIES.findall(known)) if not _installed(name)]
        _said("apt-get", "download", *_PACKAGES, *wanted, folder=Path(folder))
        root = Path(folder) / "root"
        for package in sorted(Path(folder).glob("*.deb")):
            _said("dpkg-deb", "--extract", str(package), str(root))
        root.rename(home)


def _installed(package: str) -> bool:
    command = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "installed"


def _said(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        raise RedisProgramError(f"no redis-server on the PATH, and {done.stderr.strip()[-500:]}: {_INSTALL}")
    return done.stdout


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A running one; its URL, with the password. Its data is in ``folder`` and is never saved.

    :raises RedisProgramError: there is none. :raises RuntimeError: it did not come up.
    """
    found, port, password = program(), free_ports(1)[0], secrets.token_urlsafe(16)
    settings = folder / "redis.conf"
    settings.touch(0o600)
    settings.write_text(
        f'bind {HOST}\nport {port}\nrequirepass {password}\ndir {folder}\nsave ""\nappendonly no\ndaemonize no\n'
    )
    log = folder / "redis.log"
    process = spawn([str(found.path), str(settings)], log=log, directory=folder, environment=found.environment())
    try:
        _wait(port, log, process)
        yield f"redis://:{password}@{HOST}:{port}/0"
    finally:
        end(process)


def _wait(port: int, log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Redis did not come up: {log.read_text('utf-8', 'replace')[-1_000:]}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    """Whether it asks for the password: then it is this one, and it takes commands."""
    try:
        with socket.create_connection((HOST, port), 1.0) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"-NOAUTH")
    except OSError:
        return False
