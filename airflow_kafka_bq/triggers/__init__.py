"""Triggers: what runs in the triggerer."""
