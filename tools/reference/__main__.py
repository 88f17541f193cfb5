"""``python -m tools.reference``: write every generated part anew."""

from __future__ import annotations

import sys

from tools.reference.pages import DOCS, PAGES, written

for name, parts in PAGES.items():
    path = DOCS / name
    before = path.read_text("utf-8")
    after = written(before, parts())
    path.write_text(after, "utf-8")
    sys.stdout.write(f"{'unchanged' if after == before else 'written'}: docs/{name}\n")
