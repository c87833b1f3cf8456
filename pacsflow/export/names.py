"""Names that are safe on any file system and hold nothing identifying."""

import hashlib
import re
import unicodedata

from schemas.layout import LONGEST

_FORBIDDEN = re.compile(r"[^0-9A-Za-z._-]+")
_NOT_ALPHANUMERIC = re.compile(r"[^0-9a-zA-Z]+")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def alphanumeric(text: str) -> str:
    """`text` with every run of other characters than ASCII letters and digits as one `_`, as PACSMAN names patients."""
    return _NOT_ALPHANUMERIC.sub("_", unicodedata.normalize("NFC", text))


def in_names(pseudonym: str) -> tuple[str, str]:
    """How a pseudonym is spelled in names of folders, and as a label of BIDS, which has letters and digits only."""
    return alphanumeric(pseudonym), _NOT_ALPHANUMERIC.sub("", unicodedata.normalize("NFC", pseudonym))


def plain(text: str) -> str:
    """`text` with every run of characters outside `0-9A-Za-z._-` as one `_`."""
    return _FORBIDDEN.sub("_", unicodedata.normalize("NFC", text).strip())


def component(text: str) -> str:
    """`text` as the name of a file or folder: not empty, no dot at its ends, nothing Windows reserves, not too long."""
    text = text.strip().rstrip(".").rstrip() or "_"
    if text.startswith("."):
        text = "_" + text.lstrip(".")
    if _RESERVED.match(text):
        text = f"_{text}"
    if len(text.encode()) > LONGEST:
        cut = text.encode()[: LONGEST - 7].decode("utf-8", "ignore")
        text = f"{cut}_{short_digest(text)}"
    return text


def short_digest(text: str, length: int = 6) -> str:
    """The first hexadecimal digits of the SHA-256 of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]
