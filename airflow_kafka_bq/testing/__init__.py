"""Test kit: embedded Kafka, local BigQuery, in-memory parts."""
