"""A headless Chromium, driven over its debugging pipe: no driver, no package."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_ANSWER_WITHIN_SECONDS = 30.0
_LOOK_SECONDS = 0.25


def program() -> str | None:
    """Path of a Chromium, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass
class Browser:
    """One page. Text is looked for as a person reads it."""

    profile: Path
    _ids: int = 0
    _session: str | None = None
    _buffer: bytes = b""
    _process: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Browser:
        path = program()
        assert path
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4.
        shell = f'exec 3<&{to_read} 4>&{to_write}; exec "$0" "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--remote-debugging-pipe", "--window-size=1400,1000", "--no-first-run", f"--user-data-dir={self.profile}",
             "about:blank"],
            pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        page = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self.call("Target.attachToTarget", {"targetId": page, "flatten": True})["sessionId"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def call(self, method: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A command of the DevTools protocol."""
        self._ids += 1
        message = {"id": self._ids, "method": method, "params": dict(parameters or {})}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + _ANSWER_WITHIN_SECONDS
        while time.monotonic() < deadline:
            answer = self._read()
            if answer.get("id") == self._ids:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
        raise TimeoutError(method)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._from, 1 << 16)
            assert chunk, "the browser has ended"
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(text)
        return found

    def go(self, url: str) -> None:
        """Open an address."""
        self.call("Page.navigate", {"url": url})

    def run(self, script: str) -> Any:
        """Value of an expression in the page; promises are waited for."""
        wanted = {"expression": script, "returnByValue": True, "awaitPromise": True}
        return self.call("Runtime.evaluate", wanted)["result"].get("value")

    def text(self) -> str:
        """What the page shows."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def wait(self, condition: str, seconds: float = 60.0) -> Any:
        """Until an expression is true; its value."""
        deadline = time.monotonic() + seconds
        while not (found := self.run(condition)):
            if time.monotonic() > deadline:
                self.screenshot(self.profile.with_name("late.png"))
                raise AssertionError(f"{condition}\n{self.text()}")
            time.sleep(_LOOK_SECONDS)
        return found

    def fill(self, selector: str, value: str) -> None:
        """Type into a field."""
        self.wait(f"!!document.querySelector({json.dumps(selector)})")
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", {"text": value})

    def click(self, script: str) -> None:
        """Click on what the expression finds, when it is there."""
        self.wait(f"!!({script})")
        self.run(f"({script}).click()")

    def screenshot(self, path: Path) -> None:
        """PNG of the page."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))
