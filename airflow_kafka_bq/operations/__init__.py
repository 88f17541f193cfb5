"""Procedures for people on call, each one readable."""
