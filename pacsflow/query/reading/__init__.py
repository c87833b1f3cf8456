"""Readers of tables, one module per kind of file."""
