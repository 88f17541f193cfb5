"""The only room that imports the BigQuery client."""
