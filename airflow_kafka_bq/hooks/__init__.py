"""Airflow connections as settings of the two clients."""
