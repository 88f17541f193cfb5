"""Kafka topics into BigQuery tables, in batches, without loss and without duplicates."""

__version__ = "0.1.0"
