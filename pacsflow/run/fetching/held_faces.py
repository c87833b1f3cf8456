"""Images that may show a face wait for the rest of their study, encrypted, until the face is removed.

A face is found in a whole volume, and no pixel of it may be on disk. So cleaned images are set aside under a key that
this process alone holds (sealed.py), until the retrieval has ended; then whole series are defaced and written.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Self

from pacsflow.deid.contract import Cleaned
from pacsflow.errors import RefusalError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance, Study
from pacsflow.run.session import Session
from pacsflow.sealed import Sealed
from pacsflow.staging import Stager

MOST_BYTES = 512 << 20
"""Of one image that may show a face: it is taken into memory."""
Note = Callable[[int, str], Instance]


@dataclass(frozen=True)
class HeldImage:
    """An image that waits: original UID, path below staging, `face` of Cleaned; `note` is called once it is written."""

    uid: str
    path: str
    face: str
    note: Note
    series: str = ""
    number: int = 0


class HeldFaces:
    """The images of one retrieval that may show a face; a context that leaves nothing behind."""

    def __init__(self, run: Session, stager: Stager[Instance]) -> None:
        self._run, self._stager = run, stager
        self._images: dict[tuple[str, str], HeldImage] = {}
        self._sealed: Sealed | None = None

    def hold(self, series: str, image: HeldImage, cleaned: Cleaned) -> None:
        """Set an image aside; one that comes twice, once. Raises OSError, RefusalError for a very large one."""
        if (image.uid, series) in self._images:
            return
        data = bytearray()
        for part in chain(cleaned.parts, cleaned.rest):
            data += part
            if len(data) > MOST_BYTES:
                raise RefusalError(f"face: held for review: more than {MOST_BYTES >> 20} MB")
        self._sealed = self._sealed or Sealed()
        self._images[image.uid, series] = replace(image, series=series, number=self._sealed.put(bytes(data)))

    def __contains__(self, image: object) -> bool:
        return image in self._images

    def settled(
        self, unfinished: Collection[str], alive: Callable[[], None]
    ) -> Iterator[tuple[HeldImage, RefusalError]]:
        """Write all series but the `unfinished` ones, their faces removed; each image that is refused, and why.

        A series is written as a whole or refused as a whole. `alive` is called as often as a lease needs.
        """
        series: dict[str, list[HeldImage]] = {}
        for image in self._images.values():
            if image.series not in unfinished:
                series.setdefault(image.series, []).append(image)
        if not series or self._sealed is None:
            return
        from pacsflow.deid.faces.defacing import FaceSeries, StudyFaces

        held = [sorted(images, key=lambda one: one.path) for images in series.values()]
        faces = StudyFaces(
            [FaceSeries(len(one), partial(self._load, one), _strictest(one)) for one in held],
            keep_brain=self._run.project.deid.pixels.faces.keep_brain,
            alive=alive,
        )
        for place, images in enumerate(held):
            try:
                faces.check(place)
                for number, image in enumerate(images):
                    alive()
                    self._stager.put(self._run.staging / image.path, [faces.cleared(place, number)], image.note)
            except RefusalError as refusal:
                if not unfinished:  # else the series that is still missing may bring the face of this one
                    yield from ((image, refusal) for image in images)

    def _load(self, images: list[HeldImage], number: int) -> bytes:
        return self._sealed.get(images[number].number) if self._sealed else b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._sealed is not None:
            self._sealed.close()
        self._images.clear()


def _strictest(images: list[HeldImage]) -> str:
    return "likely" if any(image.face == "likely" for image in images) else images[0].face


def ask_whole(run: Session, study: Study) -> None:
    """Have series asked for again as wholes of which a part is held: a face is removed from all images or from none.

    Concerns the modalities of `pixels: {faces: {remove: …}}`; where a series does not say its modality, too.
    """
    remove = run.project.deid.pixels.faces.remove
    if not remove:
        return
    for series in study.wanted:
        if series.attributes.get("Modality", "").strip() not in ("", *remove):
            continue
        known = [one for one in studies.instances(run.ledger, study.key) if one.series_key == series.key]
        if any(one.status == "expected" for one in known):
            again = [replace(one, status="expected", reason="") for one in known if one.status == "held"]
            studies.note(run.ledger, study, again)
