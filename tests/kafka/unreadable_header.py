"""A message whose header's key is not UTF-8: librdkafka's own producer takes it, the Python client would not."""

from __future__ import annotations

import ctypes

from airflow_kafka_bq.testing.kafka.mock_cluster import librdkafka_path

_END, _TOPIC, _PARTITION, _VALUE, _FLAGS, _HEADERS = 0, 1, 3, 4, 7, 10
_COPY = 2
_PRODUCER = 0


def produce_unreadable_header(bootstrap: str, topic: str) -> None:
    """One message into partition 0."""
    library = ctypes.CDLL(str(librdkafka_path()))
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, name).restype = pointer
    error = ctypes.create_string_buffer(512)
    settings = pointer(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(settings, b"bootstrap.servers", bootstrap.encode(), error, size(512))
    producer = pointer(library.rd_kafka_new(number(_PRODUCER), settings, error, size(512)))
    headers = pointer(library.rd_kafka_headers_new(size(1)))
    library.rd_kafka_header_add(headers, b"\xff\xfe", ctypes.c_ssize_t(2), b"v", ctypes.c_ssize_t(1))
    fields = [number(_TOPIC), ctypes.c_char_p(topic.encode()), number(_PARTITION), number(0)]
    fields += [number(_VALUE), ctypes.c_char_p(b"value"), size(5), number(_FLAGS), number(_COPY)]
    failed = library.rd_kafka_producev(producer, *fields, number(_HEADERS), headers, number(_END))
    failed = failed or library.rd_kafka_flush(producer, number(5000))
    library.rd_kafka_destroy(producer)
    if failed:
        raise RuntimeError(f"not produced: {failed}")
