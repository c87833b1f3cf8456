"""The flows: each reads as a list of named steps."""
