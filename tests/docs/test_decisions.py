"""Decision records are numbered, listed, of one form, and each is shown by tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.documents import section
from tests.docs.markdown import ROOT

FOLDER = ROOT / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
FORM = re.compile(r"Context Decision (Interleaving )?Consequence Shown by")


def test_the_list_has_every_record_by_number_and_title() -> None:
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    titles = [path.read_text("utf-8").partition("\n")[0] for path in RECORDS]
    assert [f"# {number}. {title}" for number, title, _ in listed] == titles
    assert [name for _, _, name in listed] == [path.name for path in RECORDS]
    assert [int(number) for number, _, _ in listed] == [int(path.name[:2]) for path in RECORDS]
    assert [int(path.name[:2]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_has_its_parts(record: Path) -> None:
    text = record.read_text("utf-8")
    assert FORM.fullmatch(" ".join(re.findall(r"^## (.+)$", text, re.MULTILINE)))
    assert re.findall(r"^- `tests/[\w/.]+::\w+`$", section(text, "## Shown by"), re.MULTILINE)
