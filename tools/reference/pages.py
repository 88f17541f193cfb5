"""Pages with generated parts between two comments; what stands around them is written by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.reference import command_line, errors, parameters, reliability, scaling

DOCS = Path(__file__).parents[2] / "docs"
PAGES: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "parameters.md": parameters.parts,
    "errors.md": errors.parts,
    "command-line.md": command_line.parts,
    "reliability.md": reliability.parts,
    "scaling.md": scaling.parts,
}
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def written(text: str, parts: Mapping[str, str]) -> str:
    """The page with its parts as they should be.

    :raises ValueError: page and generator do not name the same parts.
    """
    names = [match[2] for match in _PART.finditer(text)]
    if sorted(names) != sorted(parts):
        message = f"the page has the parts {sorted(names)}, and {sorted(parts)} are made"
        raise ValueError(message)
    return _PART.sub(lambda match: f"{match[1]}\n{parts[match[2]].strip()}\n\n{match[4]}", text)
