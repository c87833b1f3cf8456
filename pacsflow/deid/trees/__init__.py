"""Folders of files: claimed, spread over processes, put in place."""
