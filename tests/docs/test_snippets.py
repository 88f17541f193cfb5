"""What pages tell people to write, type and run is taken by what they tell them to use."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import sqlglot

from airflow_kafka_bq import jobfile
from airflow_kafka_bq.cli.commands import cli
from airflow_kafka_bq.config import JobConfig
from tests.docs.markdown import PAGES, ROOT, Block, blocks, name, prose

LANGUAGES = {"python", "yaml", "sh", "console", "sql", "json", "text"}
# Programs of others: that they are called is all that can be checked here.
FOREIGN = {"airflow", "bq", "cd", "docker", "git", "kafka-consumer-groups.sh", "pre-commit"}
TARGETS = set(re.findall(r"^([a-z][a-z.0-9-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OF_OTHERS = {"max_active_runs", "max_active_tis_per_dag", "pool", "schedule", "applied", "at"}
LATER: set[str] = set()  # named as what is not there yet


def test_every_block_says_what_it_is() -> None:
    assert [str(one) for one in blocks() if one.language not in LANGUAGES] == []


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_job_file_is_taken(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in re.findall(r"(?<!\$)\$\{(\w+)\}", block.text):
        monkeypatch.setenv(variable, "secret")
    path = tmp_path / "orders.yaml"
    path.write_text(block.text, "utf-8")
    assert jobfile.read(path).config.topic


def lines(block: Block) -> Iterator[list[str]]:
    """Commands of a block, in words, without comments, variables and prompts."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words:
            yield words


COMMANDS = [
    pytest.param(words, id=f"{block} {' '.join(words)}") for block in blocks("sh", "console") for words in lines(block)
]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_is_taken(words: list[str]) -> None:
    program, *rest = words
    if program == "kafka-bq":
        parsed(rest)
    elif program == "make":
        assert {word for word in rest if "=" not in word} <= TARGETS
    elif program == "pip":
        assert rest[0] == "install"
        assert rest[1].split("[")[0] == PROJECT["name"]
    elif program == "python":
        assert rest[0] == "-m"
        assert importlib.util.find_spec(rest[1])
    else:
        assert program in FOREIGN


def parsed(words: list[str]) -> click.Context:
    """The command line as click understands it; nothing is run."""
    command = cli.commands[words[0]]
    return command.make_context(words[0], words[1:])


def test_a_command_that_does_not_exist_is_found() -> None:
    with pytest.raises(KeyError):
        parsed(["runn", "orders.yaml"])
    with pytest.raises(click.NoSuchOption):
        parsed(["run", "orders.yaml", "--sett", "a=b"])
    with pytest.raises(click.MissingParameter):
        parsed(["replay", "orders.yaml"])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_prose_names_commands_and_targets_that_exist(page: Path) -> None:
    said = re.findall(r"`kafka-bq ([a-z-]+)", prose(page))
    assert set(said) <= set(cli.commands) | LATER
    assert set(re.findall(r"`make ([a-z][a-z0-9.-]*)", prose(page))) <= TARGETS


def test_what_comes_later_is_not_there_yet() -> None:
    assert LATER & set(cli.commands) == set()


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_compiles_and_knows_its_names(block: Block, tmp_path: Path) -> None:
    tree = ast.parse(block.text)
    if "airflow" in imported(tree):
        airflow_imports(tree, tmp_path)
    else:
        for statement in ast.walk(tree):
            if isinstance(statement, ast.ImportFrom):
                module = importlib.import_module(str(statement.module))
                assert [one.name for one in statement.names if not hasattr(module, one.name)] == []
            elif isinstance(statement, ast.Import):
                assert all(importlib.import_module(one.name) for one in statement.names)
    assert used(tree) - made(tree) - set(dir(builtins)) == set()


def imported(tree: ast.AST) -> set[str]:
    """Top names of what is imported; Airflow's wings need Airflow."""
    found = {str(one.module) for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    found |= {alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names}
    wings = any(one == "airflow_kafka_bq" or one.startswith("airflow_kafka_bq.operators") for one in found)
    return {one.partition(".")[0] for one in found} | ({"airflow"} if wings else set())


def airflow_imports(tree: ast.AST, home: Path) -> None:
    """In a process of its own, with a home of its own."""
    code = "\n".join(ast.unparse(one) for one in ast.walk(tree) if isinstance(one, ast.Import | ast.ImportFrom))
    environment = {"AIRFLOW_HOME": str(home), "HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def used(tree: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


def made(tree: ast.AST) -> set[str]:
    """Names that the snippet binds."""
    found = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    for one in ast.walk(tree):
        if isinstance(one, ast.ClassDef | ast.FunctionDef):
            found.add(one.name)
        elif isinstance(one, ast.arg):
            found.add(one.arg)
        elif isinstance(one, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in one.names}
    return found


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_sql_is_googles(block: Block) -> None:
    for statement in filter(str.strip, block.text.split(";")):
        assert sqlglot.parse_one(statement, read="bigquery").sql("bigquery")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_parameters_that_are_set_in_prose_exist(page: Path) -> None:
    """``name=value`` and ``name: value`` in code; settings of librdkafka have dots, Airflow's and SQL's are listed."""
    said = set(re.findall(r"`([a-z][a-z_]*)(?:=|: )[^`]", prose(page)))
    assert said - set(JobConfig.model_fields) - OF_OTHERS == set()
