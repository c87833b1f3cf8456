"""PACSIFIER's files of new ids: `new_ids_<project>.json`, `day_shift_<project>.json` and its log. IDENTIFYING.

Each patient stands there under the id alone and under `sub-` and the id, so that every reader finds it.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pacsflow.errors import ProjectError
from pacsflow.pseudonyms.legal import folded
from pacsflow.pseudonyms.table import read_shifts, read_table
from pacsflow.staging import PRIVATE, whole_file, write_text

LOG = "log_get_pseudonyms.csv"


@dataclass(frozen=True)
class KeyFiles:
    """The files of one project in one folder."""

    folder: Path
    project: str

    @property
    def new_ids(self) -> Path:
        """Patient id -> pseudonym."""
        return self.folder / f"new_ids_{self.project}.json"

    @property
    def day_shifts(self) -> Path:
        """Patient id -> days."""
        return self.folder / f"day_shift_{self.project}.json"

    def known(self) -> dict[str, tuple[str, int]]:
        """What earlier calls gave each patient. Raises ProjectError for files that are not right.

        Days without a pseudonym may be left by a killed call: nobody has used them.
        """
        if not self.new_ids.exists():
            return {}
        (ids, wrong), (days, more) = read_table(self.new_ids), read_shifts(self.day_shifts)
        if wrong or more:
            raise ProjectError([*wrong, *more])
        if lacking := len(ids.keys() - days.keys()):
            message = f"patients without a day shift in {self.day_shifts.name}: {lacking}"
            raise ProjectError.at(self.new_ids.name, message, "add them there, or put both files elsewhere")
        return {patient: (pseudonym, days[patient]) for patient, pseudonym in ids.items()}

    def write(self, given: Mapping[str, tuple[str, int]]) -> None:
        """Write both files, each whole or not at all; none where nobody was given anything.

        Raises ProjectError where two patients share a pseudonym.
        """
        if len({folded(pseudonym) for pseudonym, _ in given.values()}) < len(given):
            problem = "two patients would share one"
            raise ProjectError.at(self.new_ids.name, problem, "give each an own one", field="pseudonym")
        if given:
            write_text(self.day_shifts, _json({patient: days for patient, (_, days) in given.items()}), PRIVATE)
            write_text(self.new_ids, _json({patient: pseudonym for patient, (pseudonym, _) in given.items()}), PRIVATE)

    def log(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """The query's rows with what their patients were given."""
        with whole_file(self.folder / LOG, PRIVATE) as half, half.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow([*headings, "NewPseudonym", "DayShift"])
            writer.writerows(rows)


def _json(values: Mapping[str, object]) -> str:
    keyed = {key: value for patient, value in values.items() for key in (patient, f"sub-{patient}")}
    return json.dumps(keyed, indent=1, ensure_ascii=False) + "\n"
