"""Columns: from pydantic models, to Arrow, to BigQuery."""
