"""Run a command and print what it cost as JSON: ``python measured.py SECONDS COMMAND…``.

A process of its own, and a small one: the kernel counts the parent's memory as the child's until the child has replaced
itself, so the peak of a small child of a large parent would be the parent's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time


def main() -> None:
    """Its stdout goes through; what it cost is the last line."""
    seconds, *command = sys.argv[1:]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    signal.signal(signal.SIGALRM, lambda *_: process.kill())
    signal.alarm(int(seconds))
    assert process.stdout is not None
    said = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    cost = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "wall_seconds": time.monotonic() - began,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
    }
    print(json.dumps({**cost, "said": said}))


if __name__ == "__main__":
    main()
