"""Runs of a session: images that were acquired together have one run number.

What belongs together has the same entities but for those that tell its members apart (`echo`, `part`, `inv`, …), and a
suffix of one family (`bold` and `sbref`, `magnitude1` and `phasediff`, `MP2RAGE` and `UNIT1`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pacsflow.export.contract import SeriesFiles
from schemas.bids import Name

_FAMILIES = (
    ("MP2RAGE", "UNIT1"),
    ("magnitude1", "magnitude2", "phasediff", "phase1", "phase2"),
    ("magnitude", "fieldmap"),
)
_WHOLE = frozenset({"func", "dwi", "perf"})
"""Datatypes all suffixes of which are one family."""
_MEMBERS = ("echo", "part", "inv", "flip", "mt", "chunk")
"""Entities that tell apart what was acquired together, beside the suffix."""
_PARTS = ("", "mag", "phase", "real", "imag")
_REFERENCE = "sbref"
_SECONDS = 60.0
"""Within which the images of one acquisition begin, where they tell their times."""
ALONE = "left out, a reference image (sbref) whose series is not there"
"""Why a reference image has no name."""
Role = tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """A converted image and its name.

    `bundle`: what it may belong together with; `run`: its number there, from 1; `order`: its place in the session.
    """

    series: SeriesFiles
    stem: str
    name: Name
    bundle: tuple[str, ...] = ()
    run: int = 1
    order: int = 0

    @property
    def role(self) -> Role:
        """What a run has one of."""
        entities = self.name.entities
        way = entities.get("dir", "") if _is_pair(self.name) else ""
        return (self.name.suffix, way, *(entities.get(one, "") for one in _MEMBERS))  # type: ignore[call-overload]


def numbered(series: Sequence[SeriesFiles]) -> tuple[list[Named], list[tuple[Named, str]]]:
    """The named images of a session with their runs, and those that are left out, each with the reason.

    The order is that of SeriesNumber, then time. A number that a rule gives itself stays.
    """
    bundles: dict[tuple[str, ...], list[Named]] = defaultdict(list)
    for order, one in enumerate(sorted(series, key=lambda s: (s.series_number, _begin(s), s.series_uid))):
        for stem, name in sorted(one.bids.items()):
            bundle = _bundle(name)
            bundles[bundle].append(Named(one, stem, name, bundle, order=order))
    images: list[Named] = []
    lonely: list[tuple[Named, str]] = []
    for bundle in sorted(bundles):
        kept, orphans = _runs(bundles[bundle])
        images += kept
        lonely += [(one, ALONE) for one in orphans]
    return images, lonely


def _begin(series: SeriesFiles) -> str:
    return series.acquired or series.series_time


def _is_pair(name: Name) -> bool:
    """Whether images of two phase encoding directions make one field map."""
    return (name.datatype, name.suffix) == ("fmap", "epi")


def _bundle(name: Name) -> tuple[str, ...]:
    suffix = next((family[0] for family in _FAMILIES if name.suffix in family), name.suffix)
    apart = {*_MEMBERS, "run", *(["dir"] if _is_pair(name) else [])}
    entities = sorted(f"{entity}-{value}" for entity, value in name.entities.items() if entity not in apart)
    return (name.datatype, name.datatype if name.datatype in _WHOLE else suffix, *entities)


def _runs(ones: list[Named]) -> tuple[list[Named], list[Named]]:
    """The images of one bundle with their runs, and the reference images that belong to none."""
    given = [one for one in ones if "run" in one.name.entities]
    counted = [one for one in ones if "run" not in one.name.entities]
    groups = _by_rank(counted) if _in_ranks(counted) else _acquired_together(counted)
    lonely = [group for group in groups if all(one.name.suffix == _REFERENCE for one in group)]
    if len(lonely) == len(groups) and not given:
        lonely = []
    groups = [group for group in groups if group not in lonely]
    kept = [replace(one, run=int(one.name.entities["run"])) for one in given]
    for number, group in enumerate(groups, 1):
        kept += [_with_run(one, number, told=len(groups) > 1) for one in group]
    return kept, [one for group in lonely for one in group]


def _with_run(one: Named, number: int, *, told: bool) -> Named:
    if not told:
        return one
    name = one.name.model_copy(update={"entities": {**one.name.entities, "run": str(number)}})
    return replace(one, name=name, run=number)


def _in_ranks(ones: list[Named]) -> bool:
    """Whether there is as much of one role as of any other, of a field map in several directions."""
    return bool(ones) and _is_pair(ones[0].name) and len({*Counter(one.role for one in ones).values()}) == 1


def _by_rank(ones: list[Named]) -> list[list[Named]]:
    """The first of each role, the second of each, and so on."""
    seen: Counter[Role] = Counter()
    groups: dict[int, list[Named]] = defaultdict(list)
    for one in ones:
        groups[seen[one.role]].append(one)
        seen[one.role] += 1
    return [groups[rank] for rank in sorted(groups)]


def _acquired_together(ones: list[Named]) -> list[list[Named]]:
    """Groups of images of one acquisition, in their order; the images of one series are in one group."""
    timed = _tells_runs(ones)
    groups: list[list[Named]] = []
    for unit in _units(ones):
        same = next((g for g in groups if timed and _same_time(g, unit) and _is_free(g, unit)), None)
        if same is None and groups and _follows(groups[-1], unit):
            same = groups[-1]
        if same is None:
            groups.append(unit)
        else:
            same += unit
    return groups


def _units(ones: Iterable[Named]) -> list[list[Named]]:
    units: dict[str, list[Named]] = defaultdict(list)
    for one in ones:
        units[one.series.series_uid].append(one)
    return list(units.values())


def _tells_runs(ones: list[Named]) -> bool:
    """Whether times are such that two runs never have one: not where a profile emptied or rounded them."""
    begun = Counter((one.role, one.series.acquired) for one in ones)
    return all(one.series.acquired for one in ones) and max(begun.values(), default=0) == 1


def _same_time(group: list[Named], unit: list[Named]) -> bool:
    return unit[0].series.acquired in {one.series.acquired for one in group}


def _is_free(group: list[Named], unit: list[Named]) -> bool:
    return not {one.role for one in group} & {one.role for one in unit}


def _follows(group: list[Named], unit: list[Named]) -> bool:
    """Whether images may be of the acquisition of those before.

    A reference image begins one, echoes ascend, and phases come after their magnitudes.
    """
    if not _is_free(group, unit) or not _near(group, unit):
        return False
    references, images = _halves(group)
    new_references, new_images = _halves(unit)
    if images and new_references:
        return False
    if references and new_images and not images and new_images[0].order > references[-1].order + 1:
        return False  # something else was acquired between the reference image and this one
    return _ascends(references, new_references) and _ascends(images, new_images)


def _halves(ones: list[Named]) -> tuple[list[Named], list[Named]]:
    return (
        [one for one in ones if one.name.suffix == _REFERENCE],
        [one for one in ones if one.name.suffix != _REFERENCE],
    )


def _ascends(before: list[Named], after: list[Named]) -> bool:
    for new in after:
        for old in (one for one in before if one.name.suffix == new.name.suffix):
            if _part(new) == _part(old) and _echo(new) < _echo(old):
                return False
            if _echo(new) == _echo(old) and _part(new) < _part(old):
                return False
    return True


def _part(one: Named) -> int:
    return _PARTS.index(part) if (part := one.name.entities.get("part", "")) in _PARTS else len(_PARTS)


def _echo(one: Named) -> int:
    return int(one.name.entities.get("echo", "0"))


def _near(group: list[Named], unit: list[Named]) -> bool:
    """Whether the images began within a minute of each other, as far as they tell; parts of maps need not have."""
    scanned_at_once = unit[0].name.datatype in ("func", "dwi") or unit[0].bundle[1] in ("magnitude1", "magnitude")
    if not scanned_at_once or not all(one.series.acquired for one in (*group, *unit)):
        return True
    return min(apart(one.series.acquired, unit[0].series.acquired) for one in group) <= _SECONDS


def apart(one: str, other: str) -> float:
    """Seconds between two times as `SeriesFiles.acquired` has them."""
    try:
        return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds())
    except ValueError:
        return 0.0
