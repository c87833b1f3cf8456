"""Verification of what is finished, by other code than the code that cleans."""
