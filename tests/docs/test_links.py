"""Every link leads somewhere, every page can be reached, and names of tests and files are those of the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.markdown import PAGES, ROOT, anchors, links, name, prose

EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=name)
_ROOMS = "airflow_kafka_bq|tests|docs|tools|benchmarks|laboratory|dags_examples|constraints"
_PATH = re.compile(rf"`((?:{_ROOMS})/[\w./-]+)(?:::(\w+))?`")


def target(page: Path, link: str) -> tuple[Path, str]:
    """File and anchor of a link inside the repository."""
    path, _, anchor = link.partition("#")
    return ((page.parent / path).resolve() if path else page), anchor


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"(https?|mailto):", link):
            continue
        path, anchor = target(page, link)
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    waiting, seen = [ROOT / "README.md"], set[Path]()
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [target(page, link)[0] for link in links(page) if not link.startswith("http")]
    assert [name(page) for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in seen] == []


@EVERY_PAGE
def test_files_and_tests_that_are_named_are_there(page: Path) -> None:
    missing = []
    for path, test in _PATH.findall(prose(page)):
        there = ROOT / path
        if not there.exists() or (test and not re.search(rf"def {test}\b", there.read_text("utf-8"))):
            missing.append(f"{path}::{test}" if test else path)
    assert missing == []
