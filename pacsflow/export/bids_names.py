"""Names of a session's files in a BIDS dataset: entities in their order, runs counted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import SeriesFiles
from pacsflow.projects.patterns import alike
from schemas.bids import ENTITIES, Name

_DIFFUSION = (".bval", ".bvec")


@dataclass(frozen=True)
class Image:
    """One image of a session: below the session's folder `place`, all but the ending; its files by ending."""

    series: SeriesFiles
    name: Name
    place: str
    files: Mapping[str, Path]


def images_of(series: Sequence[SeriesFiles], session: str) -> list[Image]:
    """All images of a session that have a name; `session` begins it (`sub-A_ses-1`).

    Runs are counted, by SeriesNumber and time, where several series would have one name. Raises TargetError where a
    rule gives the run itself and two series have it.
    """
    alike_ones: dict[str, list[tuple[SeriesFiles, str, Name]]] = defaultdict(list)
    for one in sorted(series, key=lambda s: (s.series_number, s.series_time, s.series_uid)):
        for stem, name in sorted(one.bids.items()):
            alike_ones[_place(name, session)].append((one, stem, name))
    images = [image for place, ones in sorted(alike_ones.items()) for image in _counted(place, ones, session)]
    if len({image.place for image in images}) < len(images):
        raise _same_run()
    return images


def _counted(place: str, ones: list[tuple[SeriesFiles, str, Name]], session: str) -> list[Image]:
    if len(ones) == 1:
        series, stem, name = ones[0]
        return [Image(series, name, place, _files(series, stem, name))]
    if any("run" in name.entities for _, _, name in ones):
        raise _same_run()
    images = []
    for number, (series, stem, name) in enumerate(ones, 1):
        run = name.model_copy(update={"entities": {**name.entities, "run": str(number)}})
        images.append(Image(series, run, _place(run, session), _files(series, stem, run)))
    return images


def _same_run() -> TargetError:
    return TargetError("bids: two series have the same run", remedy="take `run` out of the rules: runs are counted")


def _place(name: Name, session: str) -> str:
    entities = [f"{entity}-{name.entities[entity]}" for entity in ENTITIES if entity in name.entities]
    return f"{name.datatype}/{'_'.join((session, *entities, name.suffix))}"


def _files(series: SeriesFiles, stem: str, name: Name) -> dict[str, Path]:
    wanted = (".nii.gz", ".json", *(_DIFFUSION if name.datatype == "dwi" else ()))
    return {ending: path for ending in wanted for path in series.converted if path.name == f"{stem}{ending}"}


def intended(image: Image, images: Sequence[Image], below: str) -> list[str]:
    """BIDS URIs of the images that a field map is for; `below` is the session's folder in the dataset."""
    return [
        f"bids::{below}/{other.place}.nii.gz"
        for other in images
        if any(alike(wish, f"{other.name.datatype}/{other.name.suffix}") for wish in image.name.intended_for)
    ]
