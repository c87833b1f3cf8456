"""A cell's text with what it was in its workbook, so that a table comes back with its numbers and dates."""

from typing import Any, Self


class Typed(str):
    """A text that was a number or a date: `value`, and `form`, its number format ('' for the usual)."""

    __slots__ = ("form", "value")
    value: Any
    form: str

    @classmethod
    def of(cls, text: str, value: Any, form: str = "") -> Self:
        """The text of a cell that held `value`."""
        made = cls(text)
        made.value, made.form = value, form
        return made
