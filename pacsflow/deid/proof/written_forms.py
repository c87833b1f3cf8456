"""What stands behind the escapes of text files: JSON, XML and HTML, addresses, mails, RTF, base64 and hexadecimal.

Nobody means to hide a name there: a library writes letters as escapes, and a search of bytes does not find them.
"""

import html
import re
from base64 import b64decode
from binascii import Error as EncodingError
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

_UNICODE: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_BYTES: Final = re.compile(r"(?:\\x[0-9a-fA-F]{2})+|(?:\\'[0-9a-fA-F]{2})+|(?:=[0-9A-F]{2})+")
_ADDED: Final = re.compile("\x1b\\[[0-9;]*[A-Za-z]|=\r?\n")
"""Colours of a terminal, and where a mail breaks a line: nothing of the text."""
_MARKUP: Final = re.compile(r"<[^<>]*>")
_HEX: Final = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){4,}(?![0-9A-Fa-f])")
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{8,}={0,2}(?![A-Za-z0-9+/=])")
_PRINTED: Final = re.compile(rb"[\x20-\x7e\x80-\xff]{4,}")
_NEEDS: Final = re.compile(r"[\\&%=<\x1b]")


def other_readings(text: str) -> Iterator[str]:
    """The text without its escapes, without its markup, and what its encoded words say; nothing where it has none."""
    if _NEEDS.search(text):
        plain = _unescaped(text)
        if plain != text:
            yield plain
        if "<" in plain:
            yield _MARKUP.sub("", plain)
    words = [word for word in _encoded_words(text) if word]
    if words:
        yield "\n".join(words)


def _unescaped(text: str) -> str:
    text = _ADDED.sub("", text)
    text = _UNICODE.sub(_of_unicode, text).replace("\\/", "/")
    text = _BYTES.sub(_of_bytes, text)
    return unquote(html.unescape(text), errors="replace") if "&" in text or "%" in text else text


def _of_unicode(match: re.Match[str]) -> str:
    units = bytes.fromhex(match[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def _of_bytes(match: re.Match[str]) -> str:
    raw = bytes.fromhex(re.sub(r"\\x|\\'|=", "", match[0]))
    try:
        return raw.decode("utf-8")
    except UnicodeError:
        return raw.decode("latin-1")


def _encoded_words(text: str) -> Iterator[str]:
    """What is printed of words in base64 or hexadecimal digits, as of DICOM JSON's InlineBinary (PS3.18 F.2.7)."""
    for match in _HEX.finditer(text):
        yield _printed(bytes.fromhex(match[0]))
    for match in _BASE64.finditer(text):
        word = match[0].rstrip("=")
        try:
            yield _printed(b64decode(word + "=" * (-len(word) % 4)))
        except EncodingError:
            continue


def _printed(raw: bytes) -> str:
    return b" ".join(_PRINTED.findall(raw)).decode("utf-8", "replace")
