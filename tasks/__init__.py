"""The tasks: one engine call each, with its policy."""
