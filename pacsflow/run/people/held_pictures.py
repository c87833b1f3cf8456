"""Pictures that wait for a person, encrypted under the project's key: none is ever on disk as it is."""

import hashlib
import hmac
import json
import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.burned.geometry import Kind
from pacsflow.errors import KeyMismatchError
from pacsflow.projects.project import Project
from pacsflow.staging import whole_file

_FOLDER: Final = "review"
SAMPLES: Final = 6
"""Pictures that are kept of one group."""
_NONCE: Final = 12
_LENGTH: Final = struct.Struct("<I")
_NAME: Final = re.compile(r"([0-9a-f]{16})-\d+\.held")
_LARGEST: Final = 1600
"""Pixels of a side of a kept picture."""


@dataclass(frozen=True)
class HeldPicture:
    """One image as it waits: why, what was found, the picture as PNG. Identifying."""

    kind: Kind
    why: str
    boxes: tuple[Box, ...]
    png: bytes


@dataclass(frozen=True)
class HeldGroup:
    """Images of one kind that wait for one decision: how many, and the first of them."""

    key: str
    kind: Kind
    images: int
    samples: tuple[HeldPicture, ...]

    @property
    def boxes(self) -> list[Box]:
        """All boxes that were found in its pictures."""
        return sorted({box for sample in self.samples for box in sample.boxes})


class HeldPictures:
    """The pictures of a project that wait; as `Held` of deid. Threads and processes may share the folder."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._secret = HKDF(SHA256(), 32, salt=None, info=b"pacsflow review").derive(key)
        self._cipher = AESGCM(self._secret)

    def keep(self, kind: Kind, why: str, picture: Any, boxes: Sequence[Box], *, study: str = "") -> None:
        """One more image of this kind waits; of the first ones the picture is kept. `study`: its original UID."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        group = self._name(kind)
        number = self._counted(self._folder / f"{group}.count")
        if number > SAMPLES:
            return
        facts = {"kind": asdict(kind), "why": why, "boxes": boxes, "study": self._keyed(study)}
        head = json.dumps(facts).encode()
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, _LENGTH.pack(len(head)) + head + _png(picture), group.encode())
        with whole_file(self._folder / f"{group}-{number}.held", 0o600) as half:
            half.write_bytes(nonce + sealed)

    def groups(self) -> list[HeldGroup]:
        """What waits. Raises KeyMismatchError where it was kept under another key."""
        found: dict[str, HeldGroup] = {}
        for file in sorted(self._folder.glob("*.held")):
            match = _NAME.fullmatch(file.name)
            if not match:
                continue
            name = match[1]
            sample = self._opened(name, file.read_bytes())
            before = found.get(name) or HeldGroup(name, sample.kind, self._count(name), ())
            found[name] = replace(before, samples=(*before.samples, sample))
        return list(found.values())

    def drop(self, key: str) -> None:
        """Forget the pictures of a group, as it is decided."""
        for file in (*self._folder.glob(f"{key}-*.held"), self._folder / f"{key}.count"):
            file.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()

    def forget(self, study: str) -> int:
        """Delete the pictures of a study, by its original UID, and those that do not say of which they are; how many.

        A group of which no picture is left begins again with the next image that waits.
        """
        gone = 0
        for file in self._folder.glob("*.held"):
            if self._whose(file) in ("", self._keyed(study)):
                file.unlink(missing_ok=True)
                gone += 1
                group = file.name.partition("-")[0]
                if not any(self._folder.glob(f"{group}-*.held")):
                    self.drop(group)
        return gone

    def _whose(self, file: Path) -> str:
        """The keyed study of a picture; '' where it does not say, or cannot be read."""
        try:
            return str(self._facts(file.name.partition("-")[0], file.read_bytes())[0].get("study", ""))
        except KeyMismatchError:
            return ""

    def _name(self, kind: Kind) -> str:
        return self._keyed(json.dumps(asdict(replace(kind, series="")), sort_keys=True))

    def _keyed(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:16] if text else ""

    def _counted(self, file: Path) -> int:
        """The count of a group, one more than before; a byte stands for an image."""
        handle = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            os.write(handle, b".")
            return os.fstat(handle).st_size
        finally:
            os.close(handle)

    def _count(self, name: str) -> int:
        file = self._folder / f"{name}.count"
        return file.stat().st_size if file.exists() else 0

    def _opened(self, name: str, data: bytes) -> HeldPicture:
        facts, png = self._facts(name, data)
        boxes = tuple(Box(*box) for box in facts["boxes"])
        return HeldPicture(Kind(**facts["kind"]), facts["why"], boxes, png)

    def _facts(self, name: str, data: bytes) -> tuple[dict[str, Any], bytes]:
        """What is told of a picture, and the picture. Raises KeyMismatchError."""
        try:
            plain = self._cipher.decrypt(data[:_NONCE], data[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            raise KeyMismatchError("pictures that wait for a look were kept under another key") from None
        (size,) = _LENGTH.unpack_from(plain)
        facts: dict[str, Any] = json.loads(plain[_LENGTH.size : _LENGTH.size + size])
        return facts, plain[_LENGTH.size + size :]


def held_pictures(project: Project, key: bytes | None) -> HeldPictures | None:
    """Where the pictures of a project wait; None where none may."""
    if project.deid.pixels.burned_in != "mask":
        return None
    return kept_pictures(project, key)


def kept_pictures(project: Project, key: bytes | None) -> HeldPictures | None:
    """Where pictures of a project may lie, of an earlier profile too; None where it has no key to keep them under."""
    return HeldPictures(project.workdir / "private" / _FOLDER, key) if key else None


def _png(picture: Any) -> bytes:
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((_LARGEST, _LARGEST))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def drawn(sample: HeldPicture) -> bytes:
    """The picture with its boxes drawn, as PNG; in memory only."""
    from PIL import Image, ImageDraw

    image = Image.open(BytesIO(sample.png)).convert("RGB")
    scale = image.width / max(1, sample.kind.columns)
    draw = ImageDraw.Draw(image)
    for box in sample.boxes:
        edges = tuple(edge * scale for edge in (box.left, box.top, box.right, box.bottom))
        draw.rectangle(edges, outline=(255, 80, 0), width=2)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def texts(kind: Kind) -> Iterator[tuple[str, str]]:
    """What images of a kind have in common, for a person."""
    yield "device", " ".join(filter(None, (kind.manufacturer, kind.model))) or "not named"
    yield "modality", kind.modality or "not named"
    yield "matrix", f"{kind.rows} x {kind.columns}"
    yield "image type", kind.image_type or "not named"
    yield "series", kind.series or "not named"
