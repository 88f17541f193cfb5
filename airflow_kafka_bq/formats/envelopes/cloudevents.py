"""CloudEvents: attributes in headers and the data as the value (binary), or all of it in one JSON text (structured).

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa

from airflow_kafka_bq.config.envelopes import EnvelopeField
from airflow_kafka_bq.formats.envelopes.event_headers import CONTENT_TYPE, event_headers
from airflow_kafka_bq.formats.envelopes.fields import beside_schema, beside_table, value_of
from airflow_kafka_bq.formats.envelopes.unwrapped import Unwrapped, malformed, text_inside
from airflow_kafka_bq.formats.opened import Opened
from airflow_kafka_bq.formats.parser import Rejected, ValueParser

_REQUIRED = ("specversion", "id", "source", "type")
_VERSION = "1.0"
_STRUCTURED = "application/cloudevents"
_JSON = f"{_STRUCTURED}+json"
_NOTHING = msgspec.Raw(b"")


@dataclass(frozen=True, slots=True)
class CloudEvents:
    """Opens events and leaves their data to ``parser``.

    :param whole: whether a row can be made without data: its payload is NULL then.
    :param as_json: whether the parser takes JSON text; else text in JSON is the data itself.
    """

    parser: ValueParser
    fields: Sequence[EnvelopeField]
    whole: bool
    as_json: bool
    _decoder: Any = field(init=False)

    def __post_init__(self) -> None:
        attributes = dict.fromkeys((*_REQUIRED, "datacontenttype", *(one.path for one in self.fields)))
        members: list[tuple[str, Any, Any]] = [(name, Any, None) for name in attributes]
        members += [("data", msgspec.Raw, _NOTHING), ("data_base64", str | None, None)]
        object.__setattr__(self, "_decoder", msgspec.json.Decoder(msgspec.defstruct("Event", members)))

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self.parser.schema

    @property
    def beside(self) -> pa.Schema:
        """Of the chosen attributes."""
        return beside_schema(self.fields)

    def open(self, messages: pa.RecordBatch) -> Opened:
        """Data of all events; a message that has no value at all says that the row is gone."""
        headers = event_headers(messages.column("headers"))
        values = messages.column("value").to_pylist()
        found = [self._unwrapped(value, headers.get(at, {})) for at, value in enumerate(values)]
        return Unwrapped.opened(found, self.parser, lambda rows: beside_table(self.fields, rows))

    def _unwrapped(self, value: bytes | None, headers: Mapping[str, bytes | Rejected | None]) -> Unwrapped | Rejected:
        try:
            media = _text(CONTENT_TYPE, headers.get(CONTENT_TYPE)) or ""
            if media.strip().lower().startswith(_STRUCTURED):
                return self._structured(value, media)
            if "specversion" in headers:
                return self._binary(value, headers)
            return Unwrapped(gone=True) if value is None else self._structured(value, _JSON)
        except Rejected as why:
            return why

    def _binary(self, value: bytes | None, headers: Mapping[str, bytes | Rejected | None]) -> Unwrapped:
        names = (*_REQUIRED, *(one.path for one in self.fields))
        event = {name: _text(name, headers.get(name)) for name in names}
        if any(one.path == "datacontenttype" for one in self.fields):
            event["datacontenttype"] = _text(CONTENT_TYPE, headers.get(CONTENT_TYPE))
        return Unwrapped(value, gone=value is None, fields=self._attributes(event))

    def _structured(self, value: bytes | None, media: str) -> Unwrapped:
        if value is None:
            return Unwrapped(gone=True)
        if _kind(media) != _JSON:
            raise Rejected(
                "decode", "other_event_format", "an event in a format that is not application/cloudevents+json"
            )
        try:
            event = self._decoder.decode(value)
        except msgspec.ValidationError as error:
            raise _no_event(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(error) from error
        own = self._attributes({name: getattr(event, name) for name in event.__struct_fields__})
        data = self._data(event)
        if data is None and not self.whole:
            raise Rejected("decode", "no_data", "the event has no data, and so no fields")
        return Unwrapped(data, gone=data is None, fields=own)

    def _attributes(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The chosen ones. :raises Rejected: a required one is missing, or of another version."""
        missing = next((name for name in _REQUIRED if not event[name]), None)
        if missing is not None:
            raise _no_event(f"the attribute {missing} is missing")
        if event["specversion"] != _VERSION:
            raise _no_event(f"specversion is not {_VERSION}")
        return {one.path: value_of(one, event[one.path]) for one in self.fields}

    def _data(self, event: Any) -> bytes | None:
        """https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#31-handling-of-data"""
        raw = bytes(event.data)
        if event.data_base64 is not None:
            if raw:
                raise Rejected("decode", "two_data", "the event has both data and data_base64")
            return _of_base64(event.data_base64)
        if not raw:
            return None
        if raw[:1] != b'"' or (self.as_json and _is_json(event.datacontenttype)):
            return raw
        return text_inside(raw)


def _no_event(why: str) -> Rejected:
    return Rejected("decode", "no_event", f"no CloudEvent: {why}")


def _is_json(media: Any) -> bool:
    """Data is JSON unless the event says otherwise."""
    return not isinstance(media, str) or _kind(media).endswith(("/json", "+json"))


def _kind(media: str) -> str:
    """A media type without its parameters."""
    return media.partition(";")[0].strip().lower()


def _of_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected("decode", "invalid_base64", "data_base64 is no base64") from error


def _text(name: str, found: bytes | Rejected | None) -> str | None:
    if isinstance(found, Rejected):
        raise found
    try:
        return None if found is None else found.decode()
    except UnicodeDecodeError as error:
        raise Rejected("decode", "invalid_utf8", f"the header of {name} is not UTF-8 at byte {error.start}") from error
