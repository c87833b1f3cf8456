"""Names of a session's files in a BIDS dataset: entities in their order, runs counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.bids_maps import intended_for, linked_sidecar
from pacsflow.export.bids_runs import Named, numbered
from pacsflow.export.contract import SeriesFiles
from schemas.bids import ENTITIES, Name

_DIFFUSION = (".bval", ".bvec")


@dataclass(frozen=True)
class Image:
    """One image of a session: below the session's folder `place`, all but the ending; its files by ending.

    `intended`: places of the images that it is a field map for.
    """

    series: SeriesFiles
    name: Name
    place: str
    files: Mapping[str, Path]
    intended: tuple[str, ...] = ()
    session: str = ""


def images_of(series: Sequence[SeriesFiles], session: str) -> list[Image]:
    """All images of a session that have a name; `session` begins it (`sub-A_ses-1`).

    Runs are counted where several acquisitions would have one name: see `bids_runs`. Raises TargetError where a rule
    gives the run itself and two series have it.
    """
    named, _ = numbered(series)
    images = [_image(one, named, session) for one in named]
    if len({image.place for image in images}) < len(images):
        raise TargetError("bids: two series have the same run", fix="take `run` out of the rules: runs are counted")
    return sorted(images, key=lambda image: image.place)


def left_out(series: Sequence[SeriesFiles]) -> dict[tuple[str, str], str]:
    """(series UID, stem of the file) -> why an image that a rule names is not part of its session."""
    return {(one.series.series_uid, one.stem): why for one, why in numbered(series)[1]}


def _image(one: Named, named: Sequence[Named], session: str) -> Image:
    name = one.name.model_copy(update={"sidecar": linked_sidecar(one, named)})
    intended = tuple(sorted(place_of(other.name, session) for other in intended_for(one, named)))
    return Image(one.series, name, place_of(name, session), _files(one.series, one.stem, name), intended, session)


def place_of(name: Name, session: str) -> str:
    """A file's path below the folder of its session, all but the ending; `session` begins its name."""
    entities = [f"{entity}-{name.entities[entity]}" for entity in ENTITIES if entity in name.entities]
    return f"{name.datatype}/{'_'.join((session, *entities, name.suffix))}"


def _files(series: SeriesFiles, stem: str, name: Name) -> dict[str, Path]:
    wanted = (".nii.gz", ".json", *(_DIFFUSION if name.datatype == "dwi" and name.suffix == "dwi" else ()))
    return {ending: path for ending in wanted for path in series.converted if path.name == f"{stem}{ending}"}
