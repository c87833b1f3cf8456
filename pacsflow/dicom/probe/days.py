"""Dates as nodes answer them (DA, PS3.5 6.2)."""

from datetime import date, datetime


def day(text: str) -> date | None:
    """The date that an answer tells; None where it tells none."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date without a place
    except ValueError:
        return None
