"""As the package says."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.connector import build

if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
