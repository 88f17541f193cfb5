"""The strict front: an HTTP server before the emulator that plays BigQuery's documented rules."""
