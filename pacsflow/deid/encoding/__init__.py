"""Bytes of datasets and files (PS3.5, PS3.10): read, walked, written."""
