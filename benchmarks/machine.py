"""What a result was measured on, without a name that would tell whose machine it is."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from confluent_kafka import libversion

from airflow_kafka_bq.testing.kafka.jars import KAFKA_VERSION, java


def description() -> dict[str, Any]:
    """Processor, cores that this process may use, memory, kernel."""
    model = re.search(r"^model name\s*: (.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", _read("/proc/meminfo"), re.MULTILINE)
    return {
        "processor": model[1] if model else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory[1]) / 1024**2) if memory else None,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Of what is not a Python package."""
    said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True).stderr
    found = re.search(r'version "(.+?)"', said)
    return {
        "Python": platform.python_version(),
        "librdkafka": libversion()[0],
        "Apache Kafka": KAFKA_VERSION,
        "Java": found[1] if found else "unknown",
    }


def _read(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""
