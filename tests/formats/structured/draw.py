"""Values by a seed, their edges more often than chance has it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from random import Random
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROS = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # the years 1 to 9999
_DAY_MICROS = 86_400_000_000
_WIDE = Context(prec=100)
_PIECES = ("a", "Z", " ", "\n", "\0", '"', "\\", "'", "`", "ü", "é", "日本", "😀", "\u202e", "﷽", "x" * 3_000)


@dataclass(frozen=True)
class Draw:
    """One seed's values."""

    random: Random

    def whole(self, bits: int, *, signed: bool = True) -> int:
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        edge = self.random.choice((low, high, 0, 1, low + 1, high - 1))
        return edge if self.random.random() < 0.4 else self.random.randint(low, high)

    def real(self, form: str = "d") -> float:
        while True:  # any bits but those of NaN and infinities
            size = struct.calcsize(form)
            found: float = struct.unpack(f"<{form}", self.random.randbytes(size))[0]
            if found == found and abs(found) != float("inf"):
                return found

    def text(self) -> str:
        return "".join(self.random.choices(_PIECES, k=self.random.randint(0, 12)))

    def octets(self, size: int | None = None) -> bytes:
        return self.random.randbytes(self.random.randint(0, 40) if size is None else size)

    def number(self, whole: int, places: int) -> Decimal:
        digits = self.random.randint(0, 10 ** self.random.randint(1, whole + places) - 1)
        return Decimal(self.random.choice((digits, -digits))).scaleb(-places, _WIDE)

    def micros(self, step: int = 1) -> int:
        """Since 1970, in units of ``step`` microseconds."""
        low, high = (one // step for one in _MICROS)
        edge = self.random.choice((low + 1, high, -1, 0, 1))
        return edge if self.random.random() < 0.4 else self.random.randint(low + 1, high)

    def moment(self, step: int = 1) -> tuple[int, datetime]:
        found = self.micros(step)
        return found, _EPOCH + timedelta(microseconds=found * step)

    def day(self) -> tuple[int, date]:
        found = self.random.choice((date(1, 1, 1), date(9999, 12, 31), date(1969, 12, 31), self.moment()[1].date()))
        return found.toordinal() - date(1970, 1, 1).toordinal(), found

    def clock(self, step: int) -> tuple[int, time]:
        found = self.random.choice((0, _DAY_MICROS // step - 1, self.random.randrange(_DAY_MICROS // step)))
        return found, (datetime(1970, 1, 1) + timedelta(microseconds=found * step)).time()

    def several(self, one: Callable[[], Any], most: int = 3) -> list[Any]:
        return [one() for _ in range(self.random.randint(0, most))]

    def maybe(self, one: Callable[[], Any]) -> Any:
        return None if self.random.random() < 0.3 else one()
