"""Every planted bug still applies; a few are seen in each run of the tests (``make mutants``: all of them)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.lane import REPOSITORY, judge
from tests.mutants.planted import Change, DoesNotApplyError, Mutant, all_bugs

ALL = {mutant.name: mutant for mutant in all_bugs()}
SEEN_IN_EVERY_RUN = [
    "commits before it merges",
    "waits for the high watermark",
    "names a staging table without its batch",
]


def _copied(mutant: Mutant, root: Path) -> Path:
    path = root / mutant.file
    path.parent.mkdir(parents=True)
    path.write_bytes((REPOSITORY / mutant.file).read_bytes())
    return path


def test_no_two_bugs_have_one_name() -> None:
    assert len(ALL) == len(all_bugs()) > 100


@pytest.mark.parametrize("name", ALL)
def test_a_bug_still_applies_and_is_python(name: str, tmp_path: Path) -> None:
    mutant = ALL[name]
    path = _copied(mutant, tmp_path)
    before = path.read_text(encoding="utf-8")
    mutant.apply(tmp_path)
    after = path.read_text(encoding="utf-8")
    assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(before))
    missing = [one for one in mutant.tests + mutant.running if not (REPOSITORY / one.partition("::")[0]).exists()]
    assert missing == []


@pytest.mark.parametrize("name", SEEN_IN_EVERY_RUN)
def test_a_planted_bug_is_seen(name: str, tmp_path: Path) -> None:
    verdict = judge(ALL[name], tmp_path)
    assert verdict.killed, str(verdict)


def test_a_harmless_change_survives_and_lines_that_are_not_there_are_told(tmp_path: Path) -> None:
    """Else the lane would call everything seen."""
    file, line = "airflow_kafka_bq/pipeline/positions.py", '"""What is committed beside an offset: whose it is'
    text = (REPOSITORY / file).read_text(encoding="utf-8").splitlines(keepends=True)[0]
    assert text.startswith(line)
    harmless = Mutant("harmless", file, ("tests/pipeline/test_batch_names.py",), (Change(text, f"{text}# nothing\n"),))
    assert not judge(harmless, tmp_path).killed
    gone = Mutant("gone", file, (), (Change("not there\n", ""),))
    with pytest.raises(DoesNotApplyError, match="0 times"):
        gone.apply(REPOSITORY)
    assert not judge(gone, tmp_path).killed
