from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pytest

from airflow_kafka_bq.exceptions import ConfigError
from airflow_kafka_bq.schema.columns import Column
from airflow_kafka_bq.schema.hashing import Hashing, salted

SALT = "a-salt-of-16-or-more-bytes"
HASHED = Column("mail", "STRING", hashed=Hashing("pii", "STRING"))


@pytest.mark.parametrize(
    ("value", "text"), [("ä@b.c", b"\xc3\xa4@b.c"), (b"\xff", b"\xff"), (-5, b"-5"), (date(2026, 1, 31), b"2026-01-31")]
)
def test_it_is_hmac_of_the_text(value: Any, text: bytes) -> None:
    (column,) = salted([HASHED], {"pii": SALT}.__getitem__)
    assert column.hashed is not None
    assert column.hashed.digest(value) == hmac.new(SALT.encode(), text, hashlib.sha256).hexdigest()


def test_salts_reach_nested_columns_and_leave_the_others_alone() -> None:
    plain = Column("n", "INT64")
    found = salted([plain, Column("s", "STRUCT", fields=(plain, HASHED))], lambda _: SALT)
    inner = found[1].fields[1].hashed
    assert inner is not None
    assert (found[0], found[1].fields[0], inner.key) == (plain, plain, SALT.encode())


def test_a_column_without_its_salt_hashes_nothing() -> None:
    with pytest.raises(ConfigError, match="salt 'pii' is not known"):
        Hashing("pii", "STRING").digest("a")


def test_a_short_salt_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="salt 'pii' of column 'mail' is 6 bytes long") as caught:
        salted([HASHED], lambda _: "pepper")
    assert "pepper" not in str(caught.value)


def test_the_salt_is_in_no_text() -> None:
    (column,) = salted([HASHED], lambda _: SALT)
    assert SALT not in repr(column)
    assert SALT not in repr(replace(column, fields=(column,)))
    assert asdict(column) != asdict(HASHED)  # a batch that was hashed with another salt is another batch
