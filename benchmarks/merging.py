"""A few cases measured again, beside the rest of a result that is there."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import CASES, EMPTY

Result = dict[str, Any]


def merged(there: Result, newer: Result) -> Result:
    """The newer runs in place of those of the same name; settings, versions and machine are those that were there.

    ``later`` names what was measured in another session than the rest: its ratios are to a bare loop of another hour,
    unless the bare loop is among them.

    :raises ValueError: the settings differ, so that the runs cannot stand side by side.
    """
    if there["settings"]["messages"] != newer["settings"]["messages"] or there["machine"] != newer["machine"]:
        raise ValueError("other messages or another machine than those of the result: measure everything anew")
    names = {run["case"].removesuffix(EMPTY) for run in newer["runs"]}
    found = {**there, "versions": there["versions"] | newer["versions"]}
    found["runs"] = [run for run in there["runs"] if run["case"].removesuffix(EMPTY) not in names] + newer["runs"]
    order = {name: place for place, name in enumerate(CASES)}  # the document shows them as they come
    found["runs"].sort(key=lambda run: order.get(run["case"].removesuffix(EMPTY), len(order)))
    for part in ("memory", "row_path"):
        found[part] = newer[part] or there.get(part, [])
    killed = {run["case"] for run in newer["crashes"]}
    found["crashes"] = [run for run in there["crashes"] if run["case"] not in killed] + newer["crashes"]
    measured = names | {f"{name}, killed" for name in killed}
    old = {name: why for name, why in there.get("missing", {}).items() if name not in measured}
    found["missing"] = old | newer["missing"]
    parts = {part.replace("_", " ") for part in ("memory", "row_path") if newer[part]}
    found["later"] = sorted({*there.get("later", []), *measured, *parts})
    return found
