"""Generated models, and messages for them that are right, nearly right, and wrong in every way JSON can be."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime, create_model

from airflow_kafka_bq import Column as Mark
from airflow_kafka_bq import Hashed
from tests.formats.json_fragments import RAW, WHOLE


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(Enum):
    S = 1
    L = 2


class Leaf(BaseModel):
    x: int
    y: str | None = None


class Branch(BaseModel):
    leaf: Leaf
    maybe: Leaf | None = None
    leaves: list[Leaf] = Field(alias="Leaves")


class Private(BaseModel):
    x: Annotated[bytes, Hashed(salt="s")]
    y: Annotated[str | None, Mark(name="why"), Hashed(salt="s")] = None


KINDS: dict[str, Any] = {
    "int": int,
    "small": Annotated[int, Field(ge=0, lt=1000)],
    "float": float,
    "positive": Annotated[float, Field(gt=0)],
    "bool": bool,
    "str": str,
    "short": Annotated[str, Field(min_length=1, max_length=3)],
    "bytes": bytes,
    "datetime": datetime,
    "aware": AwareDatetime,
    "naive": NaiveDatetime,
    "date": date,
    "time": time,
    "uuid": UUID,
    "money": Annotated[Decimal, Field(max_digits=12, decimal_places=2)],
    "numeric": Annotated[Decimal, Field(max_digits=38, decimal_places=9)],
    "decimal": Decimal,
    "literal": Literal["red", "blue"],
    "number": Literal[1, 2],
    "colour": Colour,
    "size": Size,
    "ints": list[int],
    "texts": list[str],
    "days": list[date],
    "leaf": Leaf,
    "branch": Branch,
    "leaves": list[Leaf],
    "hashed": Annotated[str, Hashed(salt="s")],
    "hashed_number": Annotated[int, Hashed(salt="s")],
    "hashed_days": list[Annotated[date, Hashed(salt="s")]],
    "private": Private,
}
OPTIONS = ("required", "optional", "nullable", "default")
DEFAULTS: dict[str, Any] = {"int": 5, "str": "five", "ints": [5], "float": 5.0}


@lru_cache(maxsize=2000)
def model_of(fields: tuple[tuple[str, str], ...], extra: Literal["ignore", "forbid", "allow"]) -> type[BaseModel]:
    definitions: dict[str, Any] = {}
    for number, (kind, option) in enumerate(fields):
        annotation = KINDS[kind]
        default: Any = ...
        if option in {"optional", "nullable"}:
            annotation = annotation | None
        if option == "optional":
            default = None
        if option == "default" and kind in DEFAULTS:
            default = DEFAULTS[kind]
        alias = f"F{number}" if number % 2 else None
        if number % 3 == 1:
            annotation = Annotated[annotation, Mark(name=f"column_{number}", description="renamed")]
        definitions[f"f{number}"] = (annotation, Field(default, alias=alias))
    return create_model("Generated", __config__=ConfigDict(extra=extra), **definitions)


FIELDS = st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(OPTIONS)), min_size=1, max_size=4)

_DATES = st.dates().map(lambda value: json.dumps(value.isoformat()).encode())
_TIMES = st.times().map(lambda value: json.dumps(value.isoformat()).encode())
_DATETIMES = st.datetimes().flatmap(
    lambda value: st.sampled_from(["", "Z", "+02:00", "-11:30"]).map(
        lambda zone: json.dumps(value.isoformat() + zone).encode()
    )
)
_INTS = st.integers(-(2**64), 2**64).map(lambda value: str(value).encode())
_SMALL = st.integers(0, 999).map(lambda value: str(value).encode())
_FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: json.dumps(value).encode())
_DECIMALS = st.decimals(-(10**9), 10**9, places=2).flatmap(
    lambda value: st.sampled_from([f"{value}".encode(), f'"{value}"'.encode()])
)
_TEXT = st.text(max_size=6).map(lambda value: json.dumps(value, ensure_ascii=len(value) % 2 == 0).encode())
_SHORT = st.text("abc", min_size=1, max_size=3).map(lambda value: json.dumps(value).encode())
_LEAF = st.sampled_from([b'{"x":1}', b'{"x": 2, "y": "b"}', b'{"x":3,"y":null}', b'{"y":"c","x":4}'])
_LEAVES = st.lists(_LEAF, max_size=3).map(lambda found: b"[" + b", ".join(found) + b"]")
FITTING: dict[str, st.SearchStrategy[bytes]] = {
    "int": _INTS | _SMALL,
    "small": _SMALL,
    "float": _FLOATS | _INTS,
    "positive": _FLOATS,
    "bool": st.sampled_from([b"true", b"false"]),
    "str": _TEXT,
    "short": _SHORT,
    "bytes": _TEXT,
    "datetime": _DATETIMES,
    "aware": _DATETIMES,
    "naive": _DATETIMES,
    "date": _DATES,
    "time": _TIMES,
    "uuid": st.uuids().map(lambda value: json.dumps(str(value)).encode()),
    "money": _DECIMALS,
    "numeric": _DECIMALS | _INTS,
    "decimal": _DECIMALS | _FLOATS | _INTS,
    "literal": st.sampled_from([b'"red"', b'"blue"']),
    "number": st.sampled_from([b"1", b"2"]),
    "colour": st.sampled_from([b'"red"', b'"blue"']),
    "size": st.sampled_from([b"1", b"2"]),
    "ints": st.lists(_INTS | _SMALL, max_size=3).map(lambda found: b"[" + b",".join(found) + b"]"),
    "texts": st.lists(_TEXT, max_size=3).map(lambda found: b"[" + b",".join(found) + b"]"),
    "days": st.lists(_DATES, max_size=3).map(lambda found: b"[" + b",".join(found) + b"]"),
    "leaf": _LEAF,
    "leaves": _LEAVES,
    "hashed": _TEXT,
    "hashed_number": _INTS | _SMALL,
    "hashed_days": st.lists(_DATES, max_size=3).map(lambda found: b"[" + b",".join(found) + b"]"),
    "private": st.sampled_from([b'{"x":"1"}', b'{"x": "2", "y": "b"}', b'{"x":"","y":null}', b'{"why":"c","x":"4"}']),
    "branch": st.tuples(_LEAF, _LEAVES).map(lambda pair: b'{"leaf":%s,"Leaves":%s}' % pair),
}
SPACES = st.sampled_from([b"", b"", b"", b" ", b"\n", b"\r\n", b"\t ", b"\x0b", b"\xa0"])


@st.composite
def messages(draw: Any, fields: tuple[tuple[str, str], ...]) -> bytes:
    """One message. About half of them are right."""
    if draw(st.integers(0, 19)) == 0:
        return bytes(draw(st.sampled_from(WHOLE)))
    care = draw(st.sampled_from([100, 100, 12, 4]))
    drawn = [_member(draw, number, kind, option, care) for number, (kind, option) in enumerate(fields)]
    members = [member for member in drawn if member is not None]
    if draw(st.integers(0, 4)) == 0:
        members.append((b"unknown", draw(st.sampled_from(RAW if care < 100 else [b'{"deep":[1,"a"]}']))))
    if members and draw(st.integers(0, care)) == 0:
        members.append(draw(st.sampled_from(members)))
    gap = draw(SPACES) if care < 100 else b" "
    text = b",".join(
        b'%s"%s"%s:%s%s' % (gap, key, draw(SPACES) if care == 4 else b"", gap, value) for key, value in members
    )
    whole = (b"{" + text + gap + b"}") if care < 100 else b"{" + text.lstrip() + b"}"
    return _mutated(draw, whole) if draw(st.integers(0, care)) == 0 else whole


def _member(draw: Any, number: int, kind: str, option: str, care: int) -> tuple[bytes, bytes] | None:
    if option != "required" and draw(st.integers(0, 3)) == 0:
        if draw(st.booleans()):
            return None
        return _key(number), b"null"
    if draw(st.integers(0, care)) == 0:
        return (_key(number), draw(st.sampled_from(RAW))) if draw(st.integers(0, 3)) else None
    return _key(number), draw(FITTING[kind])


def _key(number: int) -> bytes:
    return b"%s%d" % (b"F" if number % 2 else b"f", number)


def _mutated(draw: Any, text: bytes) -> bytes:
    at = draw(st.integers(0, max(len(text) - 1, 0)))
    filling: bytes = draw(st.sampled_from([b"", b"\x00", b"\n", b"}", b"{", b'"', b",", b"\\", b"\xc3", b"9"]))
    return text[:at] + filling + text[at + draw(st.integers(0, 1)) :]
