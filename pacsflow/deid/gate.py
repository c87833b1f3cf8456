"""The release gate: files of any kind against what a project knows of its patients, and against its own rules."""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final, NamedTuple

from pacsflow.deid import iod_types
from pacsflow.deid.actions import Remove
from pacsflow.deid.cleaner import PATIENT_ID, walked
from pacsflow.deid.contract import Source
from pacsflow.deid.dictionary import PrivateTag, parse_private, parse_tag, tag_text
from pacsflow.deid.header import Header
from pacsflow.deid.known import BIRTH_DATE, Facts, Known
from pacsflow.deid.needles import Needle
from pacsflow.deid.part10 import PREAMBLE, STREAMED_FROM, read_part10
from pacsflow.deid.profile import SUBJECT, Compiler
from pacsflow.deid.rules import BEHIND, PIXELS
from pacsflow.deid.structure import Leaf, check_structure, leaves
from pacsflow.deid.verify import bounded, telling
from pacsflow.errors import RefusalError
from schemas.deid import DeidProfile

_REMOVED: Final = 0x00120062
_META: Final = 0x00020000
_UID: Final = re.compile(rb"[0-9]+(?:\.[0-9]+){3,}")
_NUMBER: Final = re.compile(rb"[0-9]+")
_DOTTED: Final = re.compile(rb"[0-9]+(?:\.[0-9]+){2,}")
_TAG: Final = re.compile(r"\([0-9a-f]{4},[0-9a-f]{4}\)")
_NIFTI_HEAD: Final = 1 << 16
_NIFTI: Final = frozenset({b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0"})


@dataclass(frozen=True, order=True)
class Finding:
    """Something in a file that must not leave: where, and what it is; never its value."""

    file: str
    where: str
    kind: str


class _Piece(NamedTuple):
    """Bytes of a file, and the elements in them."""

    data: bytes
    leaves: list[Leaf]


class Gate:
    """Checks files below `folder`."""

    def __init__(self, folder: Path, profile: DeidProfile, facts: Facts) -> None:
        self._folder = folder
        self.known = Known(facts)
        self._allowed = _allowed(profile)
        self._uids_go = "retain-uids" not in profile.options
        self._named = not any(_is_subject(rule.tag) for rule in profile.elements)

    def __call__(self, names: Sequence[str]) -> list[list[Finding]]:
        """The findings of each file, sorted, each once."""
        return [sorted(set(self._findings(name))) for name in names]

    def _findings(self, name: str) -> Iterator[Finding]:
        shown, hits = self._masked(name)
        yield from (Finding(shown, "name of the file", kind) for kind in hits)
        try:
            for where, kind in self._content(self._folder / name):
                yield Finding(shown, where, kind)
        except OSError as error:
            yield Finding(shown, "", f"cannot be checked: {error.strerror}")

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
        return shown, kinds

    def _content(self, path: Path) -> Iterator[tuple[str, str]]:
        """Where and what, in one file of any kind."""
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
        pieces = [_Piece(part, leaves(part, explicit=walk.explicit)) for part in parts]
        yield from self._leftovers(_Piece(meta, [Leaf(_META, b"LO", 0, len(meta))]), pseudonym, dotted=True)
        for piece in pieces:
            yield from self._leftovers(piece, pseudonym)

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
        old = self._old_uids(piece.data)
        for leaf in piece.leaves if old else ():
            if self._old_uids(piece.data[leaf.start : leaf.stop]):
                yield tag_text(leaf.tag), "original UID"

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
        data, vr = content
        whole = _Piece(data, [Leaf(0, vr, 0, len(data))])
        yield from ((where and "content", kind) for where, kind in self._leftovers(whole, "", dotted=True))


def _readable(path: Path) -> tuple[bytes, bytes] | None:
    """What can be searched of a file, and the VR it is read like; None: nothing."""
    raw = path.read_bytes() if path.suffix != ".gz" else _unpacked(path)
    if raw[344:348] in _NIFTI or raw[4:8] in _NIFTI:
        return raw[:_NIFTI_HEAD], b"OB"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return (raw, b"LT") if b"\0" not in raw else None


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
