"""Messages of a known form are read without a parser, and their rows are those of one message after the other."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_kafka_bq.formats import bulk_search, json_columnar, known_forms
from airflow_kafka_bq.formats.bulk_read import read
from airflow_kafka_bq.formats.columnar_plan import plan
from airflow_kafka_bq.formats.json_columnar import JsonColumnar
from airflow_kafka_bq.formats.json_forms import FEWEST
from airflow_kafka_bq.formats.json_rows import JsonRows
from airflow_kafka_bq.formats.known_forms import KnownForms
from airflow_kafka_bq.formats.parser import Parsed
from airflow_kafka_bq.schema.hashing import salted
from airflow_kafka_bq.schema.model import model_columns
from tests.formats.json_fragments import RAW
from tests.formats.json_messages import FIELDS, FITTING, messages, model_of
from tests.formats.test_json_columnar import assert_same
from tests.pipeline.content import digest

Batch = tuple[tuple[tuple[str, str], ...], list[bytes]]
Extra = Literal["ignore", "forbid", "allow"]
STRANGE = [b'{"deep":[1,"a"]}', b'{"deep":{"n":null}}', b'["a"]', b"[]", b"[1,2]", b'"a"', b"5", b"null", b"1e400"]
_WORD = st.sampled_from([b'""', b'"a"', b'"bc, d"', '"é"'.encode(), b'"]}"', b'"null"', b'"12"'])
_WORDS = st.lists(_WORD, max_size=3).map(lambda found: b"[" + b",".join(found) + b"]")
_NUMBERS = st.sampled_from(
    [b"0", b"-1", b"12", b"0.5", b"-0.25", b"1e2", b"007", b".5", b"1.", b"1.2.3", b"1/2", b"0x1"]
)
PLAIN: dict[str, st.SearchStrategy[bytes]] = {
    **dict.fromkeys(["str", "bytes", "hashed"], _WORD),
    "texts": _WORDS,
    "float": FITTING["float"] | _NUMBERS,
    "ints": FITTING["ints"] | st.sampled_from([b"[1, 2]", b"[1,2]", b"[1.0]", b"[null,1]", b"[ 1]"]),
    **dict.fromkeys(["int", "hashed_number"], FITTING["small"] | st.sampled_from([b"-5", b"123456789012345678"])),
    "leaf": st.sampled_from([b'{"x":1,"y":"a"}', b'{"x":2,"y":"b"}', b'{"x":2.0,"y":"b"}']),
}


@st.composite
def shaped(draw: Any, fields: tuple[tuple[str, str], ...]) -> list[bytes]:
    """Messages that one program writes: the same members in the same order, and here and there another value."""
    gap, comma = draw(st.sampled_from([(b"", b","), (b"", b","), (b" ", b", "), (b" ", b", "), (b"", b",\n")]))
    order = list(draw(st.permutations(range(len(fields)))))
    order = [number for number in order if fields[number][1] == "required" or draw(st.integers(0, 3))]
    unknown = draw(st.sampled_from([None, None, *STRANGE, "drawn"]))
    care = draw(st.sampled_from([100, 30, 6]))
    fitting = FITTING | PLAIN if draw(st.integers(0, 3)) else FITTING
    kinds = {number: fitting[fields[number][0]] for number in order}

    def value(number: int) -> bytes:
        if draw(st.integers(0, care)) == 0:
            return bytes(draw(st.sampled_from([*RAW, *STRANGE])))
        is_null = draw(st.integers(0, care)) == 1
        return b"null" if is_null else bytes(draw(kinds[number]))

    def one() -> bytes:
        members = [b'"%s%d":%s%s' % (b"F" if number % 2 else b"f", number, gap, value(number)) for number in order]
        if unknown is not None:
            members.insert(1, b'"unknown":' + gap + (draw(st.sampled_from(RAW)) if unknown == "drawn" else unknown))
        return b"{" + bytes(comma.join(members)) + b"}"

    return [one() for _ in range(draw(st.integers(4, 10)))]


@st.composite
def batches(draw: Any) -> Batch:
    fields = tuple(draw(FIELDS))
    found = [*draw(shaped(fields)), *draw(st.one_of(st.just([]), shaped(fields)))]
    found += draw(st.lists(messages(fields), max_size=2))
    return fields, list(draw(st.permutations(found))) if draw(st.booleans()) else found


def parsers(model: type[BaseModel], *, refuse: bool = False, keep: bool = False) -> tuple[JsonColumnar, JsonRows]:
    columns = salted(model_columns(model), lambda _: "0123456789abcdef")
    rows = JsonRows(model, columns, refuse_unknown=refuse, keep_unknown=keep)
    found = plan(model, columns)
    assert found is not None
    return JsonColumnar(rows, found), rows


def without_forms(parser: JsonColumnar, values: Any) -> Parsed:
    with mock.patch.object(KnownForms, "found", return_value=[]):
        return parser.parse(values)


def agree(batch: Batch, extra: Extra, unknown: str, few: int, block: int) -> None:
    fields, texts = batch
    note(str(fields))
    parser, rows = parsers(model_of(fields, extra), refuse=unknown == "refuse", keep=unknown == "keep")
    values: pa.Array[Any] = pa.array([b"before", *texts, b"behind"], pa.binary()).slice(1, len(texts))
    patches = mock.patch.multiple(known_forms, FEWEST=1, _BLOCK=block)
    with patches, mock.patch.multiple(json_columnar, FEWEST=few, SAMPLE=4), mock.patch.object(bulk_search, "_FEW", 1):
        expected = rows.parse(values)
        before = digest(expected.rows)
        assert digest(without_forms(parser, values).rows) == before
        for _ in range(2):  # the second time with what was learnt
            found = parser.parse(values)
            assert_same(found, expected)
            assert digest(found.rows) == before
            found.rows.validate(full=True)
        known = sum(len(one.positions) for one in parser._forms.found(values))
        event(f"of a known form: {'more than half' if 2 * known > len(values) else 'a few' if known else 'none'}")


class Inner(BaseModel):
    text: str
    words: list[str]


class Outer(BaseModel):
    name: str
    number: int
    real: float | None = None
    yes: bool = True
    inner: Inner | None = None
    numbers: list[int] = []


def ordinary(count: int, first: int = 0) -> list[bytes]:
    return [
        b'{"name":"n%d","number":%d,"real":%d.5,"yes":true,"inner":{"text":"\xc3\xa9","words":[%s]},"numbers":[%s]}'
        % (index, index, index, b",".join([b'"w"'] * (index % 3)), b",".join([b"7"] * (index % 4)))
        for index in range(first, first + count)
    ]


def parsed(values: list[bytes]) -> tuple[Parsed, Parsed, int]:
    """By form and one by one, and how many values went to the parser of JSON at once."""
    parser, rows = parsers(Outer)
    array: pa.Array[Any] = pa.array(values, pa.binary())
    seen = [0]

    def counted(some: Any, *given: Any, **named: Any) -> Any:
        seen.append(len(some))
        return read(some, *given, **named)

    with mock.patch.object(json_columnar, "read", counted):
        return parser.parse(array), rows.parse(array), max(seen)


def test_messages_of_a_form_need_no_parser() -> None:
    found, expected, elsewhere = parsed(ordinary(300))
    assert elsewhere == 0
    assert_same(found, expected)


def test_what_has_another_form_goes_the_other_way() -> None:
    strange = [
        b'{"name": "spaced", "number": 1}',
        b'{"name":"\\n","number":1}',
        b'{"name":"half","number":1',
        b"\xff",
        b"",
    ]
    found, expected, elsewhere = parsed([*ordinary(200), *strange, *ordinary(100), *strange * 20])
    assert 0 < elsewhere <= 105
    assert_same(found, expected)


def test_a_day_that_there_is_not_sends_all_messages_the_other_way() -> None:
    class Dated(BaseModel):
        day: date

    parser, rows = parsers(Dated)
    values: pa.Array[Any] = pa.array([b'{"day":"2024-02-29"}'] * 99 + [b'{"day":"2023-02-29"}'], pa.binary())
    assert_same(parser.parse(values), rows.parse(values))


def test_messages_that_have_no_form_are_not_looked_at_for_long() -> None:
    forms = KnownForms(parsers(Outer)[0]._nodes)
    values: pa.Array[Any] = pa.array([b'{"name":"\\n","number":1}'] * 1000, pa.binary())
    with mock.patch.object(KnownForms, "_block", side_effect=AssertionError):
        assert forms.found(values) == []


def test_where_there_are_no_forms_they_are_sought_ever_more_rarely() -> None:
    forms = KnownForms(parsers(Outer)[0]._nodes)
    values: pa.Array[Any] = pa.array([b'{"name":"\\n","number":1}'] * 100, pa.binary())
    with mock.patch.object(KnownForms, "_learn", side_effect=[False] * 3 + [True, False, False]) as learn:
        seen = []
        for _ in range(11):
            before = learn.call_count
            forms.found(values)
            seen.append(learn.call_count - before)
    assert seen == [1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0]


def test_a_form_that_is_no_more_is_forgotten_and_the_new_one_learnt() -> None:
    forms = KnownForms(parsers(Outer)[0]._nodes)
    old: pa.Array[Any] = pa.array(ordinary(100), pa.binary())
    new: pa.Array[Any] = pa.array(
        [b'{"number":%d,"yes":true,"name":"n","numbers":[]}' % index for index in range(100)], pa.binary()
    )
    assert sum(len(one.positions) for one in forms.found(old)) > 90
    forms.found(new)
    assert sum(len(one.positions) for one in forms.found(new)) > 90
    assert len(forms._forms) == 1


def test_few_messages_are_not_worth_it_and_long_ones_are_cut_into_blocks() -> None:
    forms = KnownForms(parsers(Outer)[0]._nodes)
    assert forms.found(pa.array(ordinary(FEWEST - 1), pa.binary())) == []
    with mock.patch.object(known_forms, "_BLOCK_BYTES", 1000):
        found = forms.found(pa.array(ordinary(100), pa.binary()))
        assert len(found) > 5
    assert sum(len(one.positions) for one in found) == 100


UNKNOWN = st.sampled_from(["ignore", "refuse", "keep"])
ANY = given(
    batches(), st.sampled_from(["ignore", "ignore", "forbid", "allow"]), UNKNOWN, st.sampled_from([1, 64]),
    st.sampled_from([3, 1 << 14]),
)  # fmt: skip


def looked_at(examples: int) -> settings:
    health = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=health)


@looked_at(100)
@ANY
def test_known_forms_and_row_by_row_agree(batch: Batch, extra: Extra, unknown: str, few: int, block: int) -> None:
    agree(batch, extra, unknown, few, block)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@looked_at(2_000)
@ANY
def test_known_forms_and_row_by_row_agree_at_length(
    batch: Batch, extra: Extra, unknown: str, few: int, block: int
) -> None:
    agree(batch, extra, unknown, few, block)
