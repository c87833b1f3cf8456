"""What the originals of a tree answered to the rules for names, kept beside their cleaned files; none of the values."""

import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydicom import dcmread

from pacsflow.convert.bids_facts import Answers, answers, conditions
from pacsflow.staging import write_text
from schemas.bids import Bids

_PLACE = (".pacsflow", "bids-answers.json")
_LAST = 2**62


class AskedOriginals:
    """Originals that are asked before they are cleaned; the one of the lowest Instance Number speaks for its series."""

    def __init__(self, source: Path, names: Iterable[str | Path], rules: Bids) -> None:
        self._series: dict[str, str] = {}
        self._said: dict[str, tuple[int, Answers]] = {}
        tags: list[Any] = ["SpecificCharacterSet", "SeriesInstanceUID", "InstanceNumber"]
        tags += [keyword for keyword, _ in conditions(rules)]
        for name in names:
            self._ask(source / name, str(name), rules, tags)

    def _ask(self, path: Path, name: str, rules: Bids, tags: list[Any]) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # values in them may be anybody's
                header = dcmread(path, stop_before_pixels=True, specific_tags=tags)
                series, text = str(header.SeriesInstanceUID), str(header.get("InstanceNumber") or "")
                number = int(text) if text.isdecimal() else _LAST
                self._series[name] = series
                if series not in self._said or number < self._said[series][0]:
                    self._said[series] = number, answers(rules, header)
        except Exception:  # noqa: BLE001 what is spoilt, or no DICOM, answers nothing, and is refused later
            return

    def keep(self, target: Path, cleaned: Iterable[tuple[str, Path]]) -> None:
        """Write the answers below `target` by the new Series Instance UIDs; `cleaned`: original's name, new file."""
        found = _read(target)
        for name, path in {self._series[name]: (name, path) for name, path in cleaned if name in self._series}.values():
            header = dcmread(path, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
            found[str(header.SeriesInstanceUID)] = self._said[self._series[name]][1]
        place = target.joinpath(*_PLACE)
        write_text(place, json.dumps(found), 0o600)


def answers_below(tree: Path) -> dict[str, Answers]:
    """Series Instance UID -> what its originals answered, of a tree that was cleaned with rules for names."""
    return _read(tree) if tree.is_dir() else {}


def _read(tree: Path) -> dict[str, Answers]:
    try:
        return dict(json.loads(tree.joinpath(*_PLACE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
