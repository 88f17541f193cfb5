from __future__ import annotations

import sys
from pathlib import Path

import pytest

from airflow_kafka_bq.exceptions import NotFoundError
from airflow_kafka_bq.schema.imports import imported


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


def written(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    return folder


def test_found_in_the_job_files_folder(tmp_path: Path) -> None:
    folder = written(tmp_path / "a", "kbq_models_a", "class Order:\n    class Line: ...\n")
    assert imported("kbq_models_a:Order.Line", [folder]).__qualname__ == "Order.Line"
    assert sys.path[0] != str(folder)


def test_a_sibling_can_be_imported_later(tmp_path: Path) -> None:
    folder = written(tmp_path / "a", "kbq_late", "x = 1\n")
    written(tmp_path / "a", "kbq_lazy", "def late():\n    import kbq_late\n    return kbq_late.x\n")
    assert imported("kbq_lazy:late", [folder])() == 1


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("models", "package.module:Name"),
        (":Order", "package.module:Name"),
        ("models:", "package.module:Name"),
        ("kbq_not_there:Order", "No module named 'kbq_not_there'"),
        ("json:Order", "json has no 'Order'"),
    ],
)
def test_what_cannot_be_found_says_why(reference: str, text: str) -> None:
    with pytest.raises(NotFoundError, match="model=") as caught:
        imported(reference)
    assert text in str(caught.value)


def test_a_module_that_fails_says_why(tmp_path: Path) -> None:
    folder = written(tmp_path / "a", "kbq_broken", "raise ValueError('no licence')\n")
    with pytest.raises(NotFoundError, match=r"transform='kbq_broken:f'.*ValueError: no licence"):
        imported("kbq_broken:f", [folder], what="transform")


def test_a_module_of_the_same_name_elsewhere_is_not_taken_for_it(tmp_path: Path) -> None:
    first = written(tmp_path / "a", "kbq_models", "class Order: ...\n")
    second = written(tmp_path / "b", "kbq_models", "class Order: ...\n")
    assert imported("kbq_models:Order", [first])
    with pytest.raises(NotFoundError, match="is loaded already"):
        imported("kbq_models:Order", [second])
