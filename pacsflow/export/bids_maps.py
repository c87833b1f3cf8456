"""Field maps and what they are for: of several that a rule names alike, the nearest in time with the same shim."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pacsflow.export.bids_runs import Named, apart
from pacsflow.projects.patterns import alike

_IDENTIFIER, _SOURCE, _RUN = "B0FieldIdentifier", "B0FieldSource", "{run}"
_SHIM = "ShimSetting"
Maps = dict[int, list[Named]]
"""Run -> the images of one field map."""


def intended_for(image: Named, images: Sequence[Named]) -> list[Named]:
    """The images of the session that a field map is for."""
    rivals = _runs(one for one in images if one.bundle == image.bundle and one.name.intended_for)
    return [
        other
        for other in images
        if any(alike(wish, f"{other.name.datatype}/{other.name.suffix}") for wish in image.name.intended_for)
        and (len(rivals) < 2 or _nearest(other, rivals) == image.run)  # noqa: PLR2004
    ]


def linked_sidecar(image: Named, images: Sequence[Named]) -> dict[str, Any]:
    """What a rule puts into the sidecar, with `{run}` filled and each field map called by a name of its own."""
    return {key: _linked(key, value, image, images) for key, value in image.name.sidecar.items()}


def _linked(key: str, value: Any, image: Named, images: Sequence[Named]) -> Any:
    if isinstance(value, list):
        return [_linked(key, each, image, images) for each in value]
    if not isinstance(value, str):
        return value
    if key not in (_IDENTIFIER, _SOURCE):
        return value.replace(_RUN, str(image.run))
    maps = _runs(one for one in images if one.name.datatype == "fmap" and value in _texts(one.name.sidecar))
    mine = image.run if image.name.datatype == "fmap" and key == _IDENTIFIER else _nearest(image, maps)
    if _RUN in value:
        return value.replace(_RUN, str(mine))
    return f"{value}_run{mine}" if len(maps) > 1 else value


def _texts(sidecar: dict[str, Any]) -> list[Any]:
    said = sidecar.get(_IDENTIFIER)
    return said if isinstance(said, list) else [said]


def _runs(ones: Iterable[Named]) -> Maps:
    found: Maps = {}
    for one in ones:
        found.setdefault(one.run, []).append(one)
    return found


def _nearest(image: Named, maps: Maps) -> int:
    """The run of the field map that is nearest to an image: of those with its shim, where there are such."""
    shim = _shim(image)
    same = {run: ones for run, ones in maps.items() if shim and shim in map(_shim, ones)}
    among = same or maps
    return min(among, key=lambda run: (_distance(image, among[run]), run), default=image.run)


def _distance(image: Named, ones: list[Named]) -> tuple[float, int]:
    known = [one.series.acquired for one in ones if one.series.acquired and image.series.acquired]
    seconds = min((apart(image.series.acquired, begun) for begun in known), default=0.0)
    return seconds, min(abs(one.order - image.order) for one in ones)


def _shim(image: Named) -> tuple[float, ...]:
    """The currents of the shim coils, as the converter found them; empty where it did not."""
    for path in image.series.converted:
        if path.name == f"{image.stem}.json":
            try:
                return tuple(float(each) for each in json.loads(path.read_text("utf-8")).get(_SHIM) or ())
            except (AttributeError, TypeError, ValueError):
                return ()
    return ()
