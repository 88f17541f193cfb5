"""YAML as people mean it: a key that is there twice is a mistake, and a password stays the text that was written.

Messages show keys, lines and what is wrong, never a value: the file may hold a password, and so may the line of a
mistake, which PyYAML's own errors quote.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from contextlib import closing
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.reader import ReaderError

_YAMLS_OWN = "tag:yaml.org,2002:"
_NULL, _STR, _MERGE = f"{_YAMLS_OWN}null", f"{_YAMLS_OWN}str", f"{_YAMLS_OWN}merge"

_QUOTED = re.compile(r"'(?!<)[^'\s]{2,}'")  # a piece of the file; marks such as '<block end>' and ',' stay


class YamlError(ValueError):
    """Not the YAML that was meant. ``line`` counts from 1; None where it is not known."""

    def __init__(self, message: str, line: int | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.remedy = remedy


def parsed(text: str, text_sections: tuple[str, ...] = (), *, all_text: bool = False) -> Any:
    """One YAML document.

    :param text_sections: top-level mappings whose keys and values are text as written: a client takes text, and YAML
        would make 83 of the password 0123.
    :param all_text: the whole document is such a mapping.
    :raises YamlError: with line and reason.
    """
    try:
        with closing(_Loader(text)) as loader:
            node = loader.get_single_node()
            for part in [node] if all_text else _sections(node, text_sections):
                _keep_text(part)
            return None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise _said(error, text) from None  # PyYAML's error quotes the line, and the line may hold a password
    except RecursionError:
        message = "nested too deeply"
        raise YamlError(message) from None


class _Loader(yaml.SafeLoader):
    def close(self) -> None:
        self.dispose()

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        self._refuse_doubled(node)
        return super().construct_mapping(node, deep)

    def _refuse_doubled(self, node: Node) -> None:
        lines: dict[Hashable, int] = {}
        for key_node, _ in node.value if isinstance(node, MappingNode) else ():
            key = "<<" if key_node.tag == _MERGE else self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # the loader's own error says so
            line = key_node.start_mark.line + 1
            if key in lines:
                problem = f"{key} is there twice, first in line {lines[key]}"
                raise ConstructorError(None, None, problem, key_node.start_mark)
            lines[key] = line

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError, OverflowError):  # what PyYAML lets through: 2026-02-31, !!timestamp x
            kind = node.tag.rpartition(":")[2]
            raise ConstructorError(None, None, f"a {kind} that does not exist", node.start_mark) from None


def _sections(root: Node | None, names: tuple[str, ...]) -> list[Node]:
    pairs = root.value if isinstance(root, MappingNode) else ()
    return [value for key, value in pairs if isinstance(key, ScalarNode) and key.value in names]


def _keep_text(node: Node | None) -> None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            _keep_text(key)
            _keep_text(value)
    elif isinstance(node, ScalarNode) and node.tag.startswith(_YAMLS_OWN) and node.tag not in {_NULL, _MERGE}:
        node.tag = _STR


def _said(error: yaml.YAMLError, text: str) -> YamlError:
    if isinstance(error, ReaderError):  # the only one without a mark
        return YamlError("a character that YAML does not have", text.count("\n", 0, error.position) + 1)
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "not YAML"
    line = mark.line + 1 if mark else None
    if "undefined" in problem or "could not determine a constructor" in problem:
        return YamlError("a value begins with * or !", line, "put the value in quotes")
    lines = text.splitlines()
    hint = "put ${NAME} in quotes" if mark and mark.line < len(lines) and "${" in lines[mark.line] else None
    return YamlError(_QUOTED.sub("'…'", problem), line, hint)
