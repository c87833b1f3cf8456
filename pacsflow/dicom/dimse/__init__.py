"""DIMSE: associations, queries, retrievals, the storage SCP (PS3.7, PS3.8)."""
