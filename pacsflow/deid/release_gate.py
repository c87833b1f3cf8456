"""The release gate: files of any kind against what a project knows of its patients, and against its own rules."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final, NamedTuple
from unicodedata import normalize
from zipfile import BadZipFile, ZipFile

from pacsflow.deid.compile_rules import SUBJECT, Compiler
from pacsflow.deid.contract import Source
from pacsflow.deid.encoding.dictionary import PrivateTag, parse_private, parse_tag, tag_text
from pacsflow.deid.encoding.header import CHARSET, Header
from pacsflow.deid.encoding.implementation import IMPLEMENTATION
from pacsflow.deid.encoding.part10 import PREAMBLE, STREAMED_FROM, read_part10
from pacsflow.deid.encoding.walked import PATIENT_ID, walked
from pacsflow.deid.pixels import around
from pacsflow.deid.proof.known import BIRTH_DATE, Facts, Known
from pacsflow.deid.proof.search_terms import Needle
from pacsflow.deid.proof.spoken import UID
from pacsflow.deid.proof.spoken import readings_of as text_of
from pacsflow.deid.proof.structure import TEXTS, Leaf, check_structure, leaves
from pacsflow.deid.proof.verify import bounded, ordinary, telling
from pacsflow.deid.proof.written_forms import other_readings
from pacsflow.deid.rules import iod_types
from pacsflow.deid.rules.actions import Remove
from pacsflow.deid.rules.table import BEHIND, PIXELS
from pacsflow.errors import RefusalError
from schemas.deid import DeidProfile

_REMOVED: Final = 0x00120062
_META: Final = 0x00020000
_PIXEL_DATA: Final = 0x7FE00010
_UID: Final = re.compile(rb"[0-9]+(?:\.[0-9]+){3,}")
_NUMBER: Final = re.compile(rb"[0-9]+")
_DOTTED: Final = re.compile(rb"[0-9]+(?:\.[0-9]+){2,}")
_TAG: Final = re.compile(r"\([0-9a-f]{4},[0-9a-f]{4}\)")
_LONG_UID: Final = re.compile(rb"[0-2](?:\.[0-9]+)*\.[0-9]{12,}(?:\.[0-9]+)*")
"""A UID with a component of so many digits that some of them are an identifier by chance."""
_NIFTI_HEAD: Final = 1 << 16
_LARGEST: Final = 256 << 20
"""Bytes that the members of a ZIP file may come to."""
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_UNPRINTED: Final = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_MARKUP: Final = re.compile(rb"<[^<>]*>")
_WORDS: Final = re.compile(rb"[\x20-\x7e\x80-\xff]{2,}")
_OURS: Final = f"{IMPLEMENTATION} ps3.15 profile".lower().encode()
_GZIP_HEAD, _GZIP_FIXED, _GZIP_SAYS = 1024, 10, 0x18
_NIFTI: Final = frozenset({b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0"})


@dataclass(frozen=True, order=True)
class Leak:
    """Something in a file that must not leave: where, and what it is; never its value."""

    file: str
    where: str
    kind: str


class _Piece(NamedTuple):
    """Bytes of a file, and the elements in them."""

    data: bytes
    leaves: list[Leaf]
    charset: bytes = b"ISO_IR 192"


class Gate:
    """Checks files below `folder`."""

    def __init__(self, folder: Path, profile: DeidProfile, facts: Facts) -> None:
        self._folder = folder
        self.known = Known(facts)
        self._allowed = _allowed(profile)
        self._uids_go = "retain-uids" not in profile.options
        self._named = not any(_is_subject(rule.tag) for rule in profile.elements)

    def __call__(self, names: Sequence[str]) -> list[list[Leak]]:
        """The findings of each file, sorted, each once."""
        return [sorted(set(self._findings(name))) for name in names]

    def _findings(self, name: str) -> Iterator[Leak]:
        shown, hits = self._masked(name)
        yield from (Leak(shown, "name of the file", kind) for kind in hits)
        try:
            for where, kind in self._content(self._folder / name):
                yield Leak(shown, where, kind)
        except OSError as error:
            yield Leak(shown, "", f"cannot be checked: {error.strerror}")

    def _masked(self, name: str) -> tuple[str, set[str]]:
        """The name with what is found in it hidden, and of what kind that is."""
        raw = name.encode("utf-8", "surrogateescape")
        shown, kinds = name, set[str]()
        for needle in self.known.found_in(raw.lower()):
            if self._hits(needle, raw.lower(), [Leaf(0, b"LO", 0, len(raw))], dotted=True):
                shown = re.sub(
                    re.escape(needle.text.decode("utf-8", "surrogateescape")), "…", shown, flags=re.IGNORECASE
                )
                kinds.add(f"original {needle.kind}")
        for uid in self._old_uids(raw):
            shown = shown.replace(uid, "…")
            kinds.add("original UID")
        told = set(self._told_in_name(shown))
        return ("…" if told else shown), kinds | told

    def _told_in_name(self, name: str) -> Iterator[str]:
        """What is left in a file's name when it is read as text: digits of ids, birth dates, letters in other forms."""
        composed = normalize("NFC", name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        for text in (composed, *other_readings(composed)):
            data = text.encode()
            for _, kind in self._leftovers(_Piece(data, [Leaf(0, b"LT", 0, len(data))]), "", dotted=True):
                yield kind

    def _content(self, path: Path) -> Iterator[tuple[str, str]]:
        """Where and what, in one file of any kind."""
        if not path.is_file():  # a pipe would be waited for, a device read for ever
            yield "", "cannot be checked: not a regular file"
            return
        with path.open("rb") as file:
            dicom = file.read(PREAMBLE + 4)[PREAMBLE:] == b"DICM"
        if not dicom:
            yield from self._other(path)
            return
        try:
            yield from self._dicom(_mapped(path))
        except RefusalError as error:
            yield "", f"cannot be checked: {error.reason}"

    def _dicom(self, data: memoryview) -> Iterator[tuple[str, str]]:
        original = read_part10(data)
        source, walk, header = walked(original)
        if source is not original:
            yield "", "structure: tags out of order, or an encoding no cleaned file has"
        elements = header.level.elements
        ends = [
            min((span[1] for tag, span in elements.items() if tag >= first), default=None) for first in (PIXELS, BEHIND)
        ]
        first, behind = (len(source.dataset) if end is None else end for end in ends)
        parts = [bytes(source.dataset[:first]), bytes(source.dataset[behind:])]
        yield from self._structure(source, parts, explicit=walk.explicit)
        pseudonym = header.text(PATIENT_ID)
        yield from self._subject(header, pseudonym)
        meta = bytes(data[: len(data) - len(original.dataset)])
        charset = header.raw(CHARSET) or b"ISO_IR 192"
        pieces = [_Piece(part, leaves(part, explicit=walk.explicit), charset) for part in parts]
        yield from self._leftovers(_Piece(meta, [Leaf(_META, b"LO", 0, len(meta))]), pseudonym, dotted=True)
        for piece in pieces:
            yield from self._leftovers(piece, pseudonym)
        yield from self._pixels(source, header, pseudonym)

    def _pixels(self, source: Source, header: Header, pseudonym: str) -> Iterator[tuple[str, str]]:
        """Bytes in the pixel data that are not a picture."""
        try:
            said, gone = around(header, source)
        except RefusalError as error:
            yield "pixel data", f"cannot be checked: {error.reason}"
            return
        for data, vr in ((said, b"OB"), (gone, b"LT")):
            whole = _Piece(data, [Leaf(_PIXEL_DATA, vr, 0, len(data))])
            yield from self._leftovers(whole, pseudonym, dotted=True)

    def _structure(self, source: Source, parts: Sequence[bytes], *, explicit: bool) -> Iterator[tuple[str, str]]:
        for number, part in enumerate(parts):
            try:
                uid = check_structure(part, explicit=explicit, allowed=self._allowed).strip(b" \0").decode("latin-1")
            except RefusalError as error:
                yield _place(error.reason), error.reason.removeprefix("verification: ").split(" (")[0]
            else:
                if number == 0 and uid != source.sop_instance_uid:
                    yield "(0002,0003)", "file meta information names another instance"

    def _subject(self, header: Header, pseudonym: str) -> Iterator[tuple[str, str]]:
        if header.text(_REMOVED) != "YES":
            yield tag_text(_REMOVED), "not marked as de-identified"
        if self._named and pseudonym not in self.known.pseudonyms:
            yield tag_text(PATIENT_ID), "a patient the vault does not know"
        birth = self.known.pseudonyms.get(pseudonym)
        if birth and header.text(BIRTH_DATE) == birth:
            yield tag_text(BIRTH_DATE), "original birth date"

    def _leftovers(self, piece: _Piece, pseudonym: str, *, dotted: bool = False) -> Iterator[tuple[str, str]]:
        hay = piece.data.lower()
        births = (needle for needle in self.known.births(pseudonym) if needle.text in hay)
        for needle in (*self.known.found_in(hay), *births):
            for tag in self._hits(needle, hay, piece.leaves, dotted=dotted):
                yield tag, f"original {needle.kind}"
        yield from self._told(piece, pseudonym)
        old = self._old_uids(piece.data)
        for leaf in piece.leaves if old else ():
            if self._old_uids(piece.data[leaf.start : leaf.stop]):
                yield tag_text(leaf.tag), "original UID"

    def _told(self, piece: _Piece, pseudonym: str) -> Iterator[tuple[str, str]]:
        """The same in decoded text: short, glued and broken names, days in words."""
        values = [
            (leaf, _LONG_UID.sub(b" ", piece.data[leaf.start : leaf.stop])) for leaf in piece.leaves if leaf.vr in TEXTS
        ]
        together = "\n".join(text for _, value in values for text in text_of(value, piece.charset))
        terms = self.known.terms(together, pseudonym, piece.charset)
        for leaf, value in values:
            if leaf.tag in SUBJECT and value.strip(b" \0").decode("latin-1").lower() in self.known.ours:
                continue
            for term in terms.told_in(value):
                if term.form == UID:
                    if term.text in self.known.uids:
                        yield tag_text(leaf.tag), "original UID"
                elif not ordinary(leaf, term.text, _OURS):
                    yield tag_text(leaf.tag), f"original {term.kind}"

    def _hits(self, needle: Needle, hay: bytes, found: Sequence[Leaf], *, dotted: bool) -> list[str]:
        """The elements that a needle stands in. `dotted`: UIDs may stand there, in which some digits are chance."""
        return [tag_text(leaf.tag) for leaf in found if self._in_leaf(needle, hay, leaf, dotted=dotted)]

    def _in_leaf(self, needle: Needle, hay: bytes, leaf: Leaf, *, dotted: bool) -> bool:
        value = hay[leaf.start : leaf.stop].strip(b" \0").decode("latin-1")
        if leaf.tag in SUBJECT and value in self.known.ours:
            return False
        pos = hay.find(needle.text, leaf.start, leaf.stop)
        while pos >= 0:
            alone = bounded(hay, pos, len(needle.text))
            if telling(needle, leaf, alone=alone) and not (dotted and not alone and _within_uid(needle.text, hay, pos)):
                return True
            pos = hay.find(needle.text, pos + 1, leaf.stop)
        return False

    def _old_uids(self, data: bytes) -> set[str]:
        """The project's original UIDs that stand in bytes; none where the profile keeps UIDs."""
        if not self._uids_go:
            return set()
        return {uid.decode() for uid in _UID.findall(data)} & self.known.uids

    def _other(self, path: Path) -> Iterator[tuple[str, str]]:
        """A file that is not DICOM: text whole, a NIfTI file its header; anything else cannot be checked."""
        content = _readable(path)
        if content is None:
            yield "", "cannot be checked: neither DICOM, NIfTI nor text"
            return
        for data, vr in content:
            whole = _Piece(data, [Leaf(0, vr, 0, len(data))])
            yield from ((where and "content", kind) for where, kind in self._leftovers(whole, "", dotted=True))


def _readable(path: Path) -> list[tuple[bytes, bytes]] | None:
    """What can be searched of a file, and the VR it is read like; None: nothing."""
    raw = path.read_bytes() if path.suffix != ".gz" else _unpacked(path)
    if raw[344:348] in _NIFTI or raw[4:8] in _NIFTI:
        head = raw[:_NIFTI_HEAD]
        said = [(each, b"LT") for each in _packed_name(path)]
        return [(head, b"OB"), (b"\n".join(_WORDS.findall(head)), b"LT"), *said]
    if raw.startswith(b"PK\3\4"):
        return _zipped(raw)
    text = _text(raw)
    return None if text is None else [(each, b"LT") for each in (*_forms(text, raw), *_packed_name(path))]


def _forms(text: bytes, raw: bytes) -> Iterator[bytes]:
    """Text as it is, as old computers would read it, and without its escapes."""
    yield text
    yield from (each.encode("utf-8", "replace") for each in other_readings(text.decode()))
    if text != raw and not raw.isascii():
        yield from (raw.decode(encoding, "replace").encode() for encoding in ("cp437", "cp850", "mac-roman"))


def _packed_name(path: Path) -> Iterator[bytes]:
    """The name and the comment that a gzip file holds of what it was made of (RFC 1952 2.3)."""
    if path.suffix == ".gz":
        with path.open("rb") as file:
            head = file.read(_GZIP_HEAD)
        if len(head) > _GZIP_FIXED and head[3] & _GZIP_SAYS:
            yield b" ".join(_WORDS.findall(head[_GZIP_FIXED:].split(b"\0", 1)[0]))


def _text(raw: bytes) -> bytes | None:
    """Text in UTF-8: of UTF-8, UTF-16, or an encoding of one byte a letter; None: it is not text."""
    wide = "utf-16" if raw[:2] in _MARKS else _wide(raw)
    for encoding in (wide,) if wide else ("utf-8-sig", "cp1252", "latin-1"):
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            continue
        return None if _UNPRINTED.search(text) else text.encode()
    return None


def _wide(raw: bytes) -> str:
    """UTF-16 without its mark: a NUL in every second byte of most letters."""
    half = len(raw) // 2
    if half and raw[1::2].count(0) * 2 > half:
        return "utf-16-le"
    return "utf-16-be" if half and raw[::2].count(0) * 2 > half else ""


def _zipped(raw: bytes) -> list[tuple[bytes, bytes]] | None:
    """The members of a workbook or another ZIP file, all of which must be text; None where one is not."""
    try:
        with ZipFile(BytesIO(raw)) as archive:
            if sum(each.file_size for each in archive.infolist()) > _LARGEST:
                return None
            members = [_text(archive.read(each)) for each in archive.infolist() if not each.is_dir()]
            names = "\n".join([*archive.namelist(), *_remarks(archive)]).encode()
    except (BadZipFile, NotImplementedError, RuntimeError, zlib.error, OSError):
        return None
    found = [text for text in members if text is not None]
    forms = [(_MARKUP.sub(b" ", form), b"LT") for text in found for form in _forms(text, text)]
    return [*forms, (names, b"LT")] if len(found) == len(members) else None


def _remarks(archive: ZipFile) -> Iterator[str]:
    """What a ZIP file says of itself and of its members beside their names."""
    yield archive.comment.decode("utf-8", "replace")
    for each in archive.infolist():
        yield each.comment.decode("utf-8", "replace")


def _unpacked(path: Path) -> bytes:
    """The content; of NIfTI its beginning alone, which may be all that is needed of gigabytes."""
    try:
        with gzip.open(path) as file:
            head = file.read(_NIFTI_HEAD)
            return head if head[344:348] in _NIFTI or head[4:8] in _NIFTI else head + file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return b"\0"


def _within_uid(text: bytes, hay: bytes, pos: int) -> bool:
    """Whether digits at `pos` are a part of a component of a UID: of 38 random ones, any six are there by chance."""
    if not _NUMBER.fullmatch(text):
        return False
    return any(uid.start() <= pos < uid.end() for uid in _DOTTED.finditer(hay, max(0, pos - 64), pos + 64))


def _mapped(path: Path) -> memoryview:
    """The bytes of a file; of a large one, only what is looked at comes into memory."""
    if path.stat().st_size <= STREAMED_FROM:
        return memoryview(path.read_bytes())
    with path.open("rb") as file:
        return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))


def _place(reason: str) -> str:
    found = _TAG.search(reason)
    return found[0] if found else ""


def _is_subject(tag: str) -> bool:
    return parse_private(tag) is None and parse_tag(tag)[0] == PATIENT_ID


def _allowed(profile: DeidProfile) -> frozenset[PrivateTag]:
    """Private elements that the profile keeps."""
    rules = Compiler(profile).rules(iod_types.conservative)
    return frozenset(tag for tag, action in rules.private.items() if not isinstance(action, Remove))
