"""Formats whose bytes mean something only beside a schema: Avro, Protobuf, JSON with a schema id in front.

A schema becomes a shape (``shapes``), a shape becomes columns (``columns``), and bytes become raw values that the shape
of their writer knows how to read (``conversion``).
"""
