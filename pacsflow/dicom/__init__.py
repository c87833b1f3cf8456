"""Speaking to a PACS: associations, queries, retrieval, storage."""
