"""Redis for Celery: found, or said how to get; with a password, on loopback alone, and gone afterwards."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from benchmarks.scale_out.redis import Program, RedisProgramError, program, redis


def say(url: str, *commands: str) -> list[bytes]:
    """The answers to commands, in Redis' own protocol."""
    place = urlsplit(url)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), 5) as connection:
        stream = connection.makefile("rwb")
        found = []
        for command in commands:
            stream.write(f"{command}\r\n".encode())
            stream.flush()
            found.append(stream.readline().strip())
        return found


def test_without_redis_and_without_debian_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RedisProgramError, match="apt-get install redis-server; macOS: brew install redis"):
        program(tmp_path)


def test_a_download_that_fails_leaves_nothing_that_looks_ready(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tools, cache = tmp_path / "bin", tmp_path / "cache"
    tools.mkdir()
    for name in ("apt-get", "apt-cache", "dpkg-deb", "dpkg-query"):
        (tools / name).write_text("#!/bin/sh\necho 'no mirror' >&2\nexit 100\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr("shutil.which", lambda name: None if name == "redis-server" else str(tools / name))
    with pytest.raises(RedisProgramError, match="no mirror: install it"):
        program(cache)
    assert [path.name for path in cache.iterdir()] == ["redis.lock"]


def test_one_on_the_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "redis-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program(tmp_path / "cache") == Program(own)


@pytest.mark.slow
@pytest.mark.kill
def test_it_asks_for_its_password_listens_on_loopback_and_ends(tmp_path: Path) -> None:
    with redis(tmp_path) as url:
        port = urlsplit(url).port
        refused, accepted, ponged = say(url, "PING", f"AUTH {urlsplit(url).password}", "PING")
        (process,) = [one for one in psutil.Process().children() if "redis-server" in " ".join(one.cmdline())]
        heard = {each.laddr for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
        assert refused.startswith(b"-NOAUTH")
        assert (accepted, ponged) == (b"+OK", b"+PONG")
        assert heard == {("127.0.0.1", port)}
        assert (tmp_path / "redis.conf").stat().st_mode & 0o077 == 0
        assert str(urlsplit(url).password) not in " ".join(process.cmdline())
    assert not process.is_running()
