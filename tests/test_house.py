"""The house keeps its shape: layers, sizes, names, and a test for every module."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "airflow_kafka_bq"
TESTS = REPOSITORY / "tests"
FILE_LINES = 260
FUNCTION_LINES = 50
# They say where something was put and not what it does.
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "common", "base", "manager", "handler"}
# module -> why no test file of its own
WITHOUT_TEST: dict[str, str] = {
    "airflow_kafka_bq/__main__.py": "one line, run by the tests of the command line",
}

# room -> (its tests, why they go through its border and not through its modules)
TESTED_THROUGH_ITS_BORDER: dict[str, tuple[str, str]] = {
    "airflow_kafka_bq/testing/bigquery/front": (
        "tests/testing/bigquery",
        "it plays BigQuery's API: what Google's client sees of it is all that may be relied on",
    ),
    "airflow_kafka_bq/testing/bigquery/door": (
        "tests/testing/bigquery",
        "it runs in the emulator's environment, whose packages the tests do not have: only the front can ask it",
    ),
}

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*roots: Path) -> list[Path]:
    return sorted(path for root in roots for path in root.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def functions(path: Path) -> Iterator[FunctionNode]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_without_docstring(function: FunctionNode) -> int:
    def span(node: ast.stmt) -> int:
        return (node.end_lineno or node.lineno) - node.lineno + 1

    documented = ast.get_docstring(function, clean=False) is not None
    return span(function) - (span(function.body[0]) if documented else 0)


def words(name: str) -> set[str]:
    """``KafkaBaseHook`` and ``kafka_base_hook`` are made of the same three words."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def modules_imported_by(path: Path) -> set[str]:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return imported


def has_code(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in body)


def test_imports_keep_to_the_layers() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_has_two_jobs() -> None:
    sizes = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in python_files(PACKAGE, TESTS)}
    assert {name: size for name, size in sizes.items() if size > FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    sizes = {
        f"{name_of(path)}:{function.lineno} {function.name}": lines_without_docstring(function)
        for path in python_files(PACKAGE, TESTS)
        for function in functions(path)
    }
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}


def test_file_names_say_what_is_inside() -> None:
    inside = [path.relative_to(REPOSITORY) for path in python_files(PACKAGE, TESTS)]
    assert [str(path) for path in inside if EMPTY_WORDS & words("_".join(path.with_suffix("").parts))] == []


def test_class_names_say_what_they_are() -> None:
    classes = {
        f"{name_of(path)}:{node.lineno} {node.name}": words(node.name)
        for path in python_files(PACKAGE, TESTS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert [name for name, parts in classes.items() if EMPTY_WORDS & parts] == []


def test_every_module_is_seen_by_a_test() -> None:
    imported = set().union(*(modules_imported_by(path) for path in python_files(TESTS)))
    named = {path.relative_to(TESTS).as_posix() for path in python_files(TESTS)}

    def seen(module: Path) -> bool:
        path = module.relative_to(PACKAGE)
        dotted = ".".join(("airflow_kafka_bq", *path.with_suffix("").parts)).removesuffix(".__init__")
        mirror = path.with_name(f"test_{path.name}").as_posix()
        excused = name_of(module) in WITHOUT_TEST or name_of(module.parent) in TESTED_THROUGH_ITS_BORDER
        return mirror in named or dotted in imported or excused

    assert [name_of(path) for path in python_files(PACKAGE) if has_code(path) and not seen(path)] == []


def test_the_list_of_modules_without_test_is_true() -> None:
    assert [name for name in WITHOUT_TEST if not (REPOSITORY / name).exists()] == []


def test_rooms_that_are_tested_through_their_border_are_there_and_have_tests() -> None:
    for room, (tests, _) in TESTED_THROUGH_ITS_BORDER.items():
        assert python_files(REPOSITORY / room), room
        assert list((REPOSITORY / tests).glob("test_*.py")), tests
