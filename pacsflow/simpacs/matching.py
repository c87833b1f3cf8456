"""Does a stored value fit a key of a query? (PS3.4 C.2.2.2)."""

import re
from functools import lru_cache

from pydicom.datadict import dictionary_VR

RANGED = {"DA", "TM", "DT"}
NO_WILDCARD = {"DA", "TM", "DT", "UI", "AS", "AT", "DS", "FL", "FD", "IS", "SL", "SS", "UL", "US"}


def fits(keyword: str, asked: str, held: str) -> bool:
    """True where `held` fits the key `asked`; an empty key fits everything (universal matching)."""
    if asked.strip() in {"", "*"}:
        return True
    vr = vr_of(keyword)
    if keyword == "ModalitiesInStudy" or "\\" in asked:
        return any(_one(vr, each, value) for each in asked.split("\\") for value in held.split("\\"))
    return any(_one(vr, asked, value) for value in held.split("\\"))


@lru_cache(maxsize=4096)
def vr_of(keyword: str) -> str:
    """VR of `keyword`, of alternatives the first; `UN` outside the dictionary."""
    try:
        return dictionary_VR(keyword)[:2]
    except KeyError:
        return "UN"


def _one(vr: str, asked: str, held: str) -> bool:
    asked, held = asked.strip(" \0"), held.strip(" \0")
    if vr in RANGED:
        return _in_range(vr, asked, held)
    if vr == "PN":
        return any(_pattern(asked, ignore_case=True).fullmatch(group.strip()) for group in [held, *held.split("=")])
    if vr in NO_WILDCARD:
        return asked == held
    return _pattern(asked, ignore_case=False).fullmatch(held) is not None


def _in_range(vr: str, asked: str, held: str) -> bool:
    if "-" not in asked:
        return bool(held) and _padded(vr, held, "0") == _padded(vr, asked, "0")
    first, _, last = asked.partition("-")
    return (
        bool(held)
        and (not first or _padded(vr, first, "0") <= _padded(vr, held, "0"))
        and (not last or _padded(vr, held, "0") <= _padded(vr, last, "9"))
    )


def _padded(vr: str, value: str, fill: str) -> str:
    """A date or time as digits of one length, comparable as text: 1200 begins at 12:00:00 and ends at 12:99."""
    whole, _, fraction = value.replace(":", "").partition(".")
    return whole.ljust({"DA": 8, "TM": 6, "DT": 14}[vr], fill) + fraction.ljust(6, fill)


@lru_cache(maxsize=4096)
def _pattern(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    parts = ({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in text)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
