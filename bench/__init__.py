"""Repeatable side-by-side measurements, one file per claim: `python -m bench.NAME [--quick]` from the checkout."""
