"""The faces of a study: found in the volumes of its series, taken out of each of its images.

A series in which no head can be found by itself, as a PET, a localizer or a slab, takes the face that was found in
another one of the same frame of reference (PS3.3 C.7.4.1).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pacsflow.deid.faces import stored
from pacsflow.deid.faces.face_region import NoHeadError, Region
from pacsflow.deid.faces.planes import Plane, planes_of, volume_of
from pacsflow.deid.rules.face_guard import LIKELY
from pacsflow.errors import RefusalError

if TYPE_CHECKING:
    import SimpleITK

MOST_BRAIN_LOST: Final = 0.03
"""By an estimate that takes up to 1 % of meninges and bone for brain."""
FIX: Final = (
    "look at the series on the PACS; if it shows no face, name it in `pixels: {faces: {no_face: …}}` of deid.yaml"
)


@dataclass(frozen=True)
class FaceSeries:
    """A series that may show a face: `load` gives the n-th of its `number` cleaned files. `face`: of Cleaned."""

    number: int
    load: Callable[[int], bytes]
    face: str


@dataclass
class _Looked:
    """What was seen in a series: its modality, frame of reference and planes; `region` or why there is none."""

    modality: str = ""
    frame_of_reference: str = ""
    planes: list[Plane] = field(default_factory=list)
    region: Region | None = None
    why: str = ""


class StudyFaces:
    """The faces of one study's series. `keep_brain`: whether a series that would lose brain is held.

    `alive` is called before each series is looked at.
    """

    def __init__(
        self, series: Sequence[FaceSeries], *, keep_brain: bool = True, alive: Callable[[], None] = lambda: None
    ) -> None:
        self._series = series
        self._keep_brain = keep_brain
        self._looked: list[_Looked] = []
        for one in series:
            alive()
            self._looked.append(self._look(one))
        known: dict[str, Region] = {}
        for looked in self._looked:
            if looked.region is not None and looked.frame_of_reference:
                known.setdefault(looked.frame_of_reference, looked.region)
        self._known = known

    def check(self, place: int) -> None:
        """Raise RefusalError `face: …` where a face may be left in a series, before any of its images is given."""
        self._region_for(place)

    def _region_for(self, place: int) -> Region | None:
        looked, series = self._looked[place], self._series[place]
        region = looked.region or self._known.get(looked.frame_of_reference)
        if not looked.planes or (region is None and series.face == LIKELY):
            raise RefusalError(f"face: held for review: {looked.why}", fix=FIX)
        return region

    def cleared(self, place: int, number: int) -> bytes:
        """The n-th file of a series without the face; as it is where no face was found and none had to be expected.

        Raises RefusalError `face: …` where a face may be left: the series is to be looked at.
        """
        looked, series = self._looked[place], self._series[place]
        region = self._region_for(place)
        if region is None:
            return series.load(number)
        masks = {plane.frame: plane.inside(region) for plane in looked.planes if plane.image == number}
        try:
            return stored.cleared(series.load(number), masks, looked.modality)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns one series
            raise RefusalError(f"face: held for review: {_told(error)}", fix=FIX) from None

    def _look(self, series: FaceSeries) -> _Looked:
        looked = _Looked()
        try:
            for number in range(series.number):
                header = stored.read(series.load(number), header=True)
                stored.refuse_colour(header)
                looked.modality = str(header.get("Modality") or "")
                looked.frame_of_reference = str(header.get("FrameOfReferenceUID") or "")
                looked.planes += planes_of(number, header)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns one series
            return _Looked(looked.modality, looked.frame_of_reference, why=_told(error))
        if looked.modality == "PT":
            looked.why = "PET without a CT or MR of the same frame of reference in which a head was found"
            return looked
        try:
            image = volume_of(looked.planes, lambda number: stored.read(series.load(number)))
            looked.region = self._region(image, looked.modality)
        except Exception as error:  # noqa: BLE001 - as above; a registration raises RuntimeError
            looked.why = _told(error)
        return looked

    def _region(self, image: "SimpleITK.Image", modality: str) -> Region:
        from pacsflow.deid.faces.head_atlas import on_grid, region_of
        from pacsflow.deid.faces.head_ct import GRID, region_of_ct

        _one_thread()
        if modality == "CT":
            return region_of_ct(on_grid(image, GRID))
        region, fit = region_of(image)
        if self._keep_brain and fit.brain_lost > MOST_BRAIN_LOST:
            raise NoHeadError(f"{fit.brain_lost:.1%} of the brain would be lost")
        return region


def _told(error: Exception) -> str:
    """What went wrong; of what a library says only the kind, as it may repeat values of the header."""
    return str(error) if isinstance(error, NoHeadError) else f"the search for a face failed ({type(error).__name__})"


def _one_thread() -> None:
    """SimpleITK with one thread, as the machine has other work, and results are to be the same each time."""
    import SimpleITK

    if not os.environ.get("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
