"""ingestr, a compiled command line, to BigQuery's own address by way of the sink's proxy.

``plain`` is the documented command, whose default strategy reads the whole topic and replaces the table. ``tuned``
appends, with 20,000 messages a batch. Its seconds begin with the program: it does not say when it reads.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.peers.arguments import arguments, say


def main() -> None:
    """One command."""
    told = arguments()
    tuned = told.mode == "tuned"
    source = f"kafka://?bootstrap_servers={told.bootstrap}&group_id={told.group}"
    target = f"bigquery://demo?credentials_path={told.account}&location=US"
    line = [
        str(Path(sys.executable).with_name("ingestr")), "ingest", "--yes", "--progress", "log",
        "--source-uri", source + ("&batch_size=20000" if tuned else ""), "--source-table", told.topic,
        "--dest-uri", target, "--dest-table", f"{told.dataset}.events",
        "--pipelines-dir", str(told.state / "pipelines"),
        *(["--incremental-strategy", "append"] if tuned else []),
    ]  # fmt: skip
    proxy = {"HTTPS_PROXY": told.endpoint, "NO_PROXY": "127.0.0.1", "SSL_CERT_FILE": str(told.authority)}
    began = time.time()
    subprocess.run(line, check=True, env={**os.environ, **proxy, "DISABLE_TELEMETRY": "true"}, stdout=sys.stderr)
    say(told.messages, began)


if __name__ == "__main__":
    main()
