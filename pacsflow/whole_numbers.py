"""Whole numbers in texts of others: a lying node may answer one of any length, or digits of other scripts."""

_DIGITS = 18


def whole_number(text: str) -> int | None:
    """The number of a text of 1 to 18 ASCII digits, spaces around it left out; None for any other."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
