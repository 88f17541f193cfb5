"""Objects that a job names as text: ``package.module:Name``."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from airflow_kafka_bq.exceptions import NotFoundError


def imported(reference: str, search_path: Sequence[str | Path] = (), what: str = "model") -> Any:
    """Import ``package.module:Name`` (``Name`` may have dots).

    :param search_path: folders to look in before Python's own; they stay importable afterwards, last in line.
    :param what: parameter that names it, for the message.
    :raises NotFoundError: with the reason.
    """
    module_name, colon, name = reference.partition(":")
    if not (module_name and colon and name):
        raise NotFoundError(f"{what}={reference!r} names nothing to import", remedy="write package.module:Name")
    folders = [str(Path(folder).resolve()) for folder in search_path]
    found: Any = _module(module_name, folders, f"{what}={reference!r}")
    for step in name.split("."):
        try:
            found = getattr(found, step)
        except AttributeError as error:
            raise NotFoundError(f"{what}={reference!r}: {module_name} has no {name!r}") from error
    return found


def _module(name: str, folders: list[str], said: str) -> ModuleType:
    with _ONE_AT_A_TIME, _searched(folders):
        try:
            module = importlib.import_module(name)
        except Exception as error:  # the user's module may raise anything
            reason = f"{type(error).__name__}: {error}"
            remedy = f"looked in {', '.join(folders)}" if folders else "is its folder on PYTHONPATH?"
            raise NotFoundError(f"{said} cannot be imported ({reason})", remedy=remedy) from error
    _check_same(module, folders, said)
    return module


_ONE_AT_A_TIME = threading.RLock()
"""``sys.path`` belongs to all threads, and several jobs may be put together at once."""


@contextmanager
def _searched(folders: list[str]) -> Iterator[None]:
    before = list(sys.path)
    sys.path[:] = [*folders, *before]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = [*before, *(folder for folder in folders if folder not in before)]


def _check_same(module: ModuleType, folders: list[str], said: str) -> None:
    """Python keeps one module per name: two job files with a ``models.py`` each would share the first."""
    parts = module.__name__.split(".")
    for folder in folders:
        stem = Path(folder).joinpath(*parts)
        wanted = next((path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.exists()), None)
        if wanted is not None:
            if Path(module.__file__ or "").resolve() != wanted.resolve():
                other = module.__file__ or "Python itself"
                remedy = "give one of the two another name"
                raise NotFoundError(f"{said}: a module {module.__name__} from {other} is loaded already", remedy=remedy)
            return
