"""Imports of a command: without the garbage collector, and some modules only when a name of theirs is asked for."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_LATE = ("pyarrow.compute",)
"""What a run without messages never uses, though forty of our modules import it.
When it is loaded, it makes hundreds of functions and writes their texts.
"""
_loads = threading.RLock()


@contextmanager
def uncollected() -> Iterator[None]:
    """Around imports. What they make stays until the process ends, and is hidden from the collector.

    Else it looks through hundreds of thousands of objects a dozen times while they come, and twice more when the
    process ends, which takes a quarter of the processor time of a run with nothing to read.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


@contextmanager
def loading() -> Iterator[None]:
    """Around the imports of a command that runs: clients, data libraries, our stations."""
    with uncollected():
        later()
        yield


def later(names: tuple[str, ...] = _LATE) -> None:
    """From now on an import of these modules gives them, and the first use of one loads it. Those there are left."""
    for name in names:
        parent, _, own = name.rpartition(".")
        spec = None if name in sys.modules else find_spec(name)  # imports the parent
        if spec is None or spec.loader is None or name in sys.modules:
            continue
        module = module_from_spec(spec)
        module.__class__ = _Late
        sys.modules[name] = module
        setattr(sys.modules[parent], own, module)


class _Late(ModuleType):
    """A module that is not loaded yet. As ``importlib.util.LazyLoader``, whose first use is not safe from two threads
    before Python 3.12.
    """

    def __getattr__(self, name: str) -> Any:
        """Load it. While it loads, this thread alone sees what is not there yet, as with any circular import."""
        with _loads:
            held = vars(self)
            if type(self) is _Late and "_loads" not in held:
                held["_loads"] = True
                try:
                    held["__spec__"].loader.exec_module(self)
                    self.__class__ = ModuleType  # type: ignore[assignment]
                finally:
                    del held["_loads"]
            if name in held:
                return held[name]
        message = f"module {self.__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
