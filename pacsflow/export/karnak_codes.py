"""What Karnak needs of a patient: code and day shift, as PACSMAN's `new_ids` and `day_shift` files hold them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pacsflow.export.names import alphanumeric
from pacsflow.pseudonyms.table import checked, read_shifts, read_table

_PREFIX = "sub-"


@dataclass(frozen=True)
class Codes:
    """Code and day shift by patient; a patient is known by Patient ID, or by PACSMAN's name of its folder."""

    codes: dict[str, str]
    shifts: dict[str, str] | None

    def of(self, names: Iterable[str]) -> tuple[str, str] | None:
        """Code and day shift of the patient with one of these names; None where none, or more than one, is known."""
        known = {name.removeprefix(_PREFIX) for name in names if name}
        found = {
            (code, "0" if self.shifts is None else _find(self.shifts, name))
            for name in known
            if (code := _find(self.codes, name))
        }
        answer = found.pop() if len(found) == 1 else None
        return answer if answer and answer[1] else None


def read_codes(new_ids: Path, day_shift: Path | None) -> Codes:
    """The codes of two files; without the second, shifts are 0. Raises ProjectError, which holds nothing of them."""
    shifts = checked(read_shifts(day_shift)) if day_shift else None
    days = None if shifts is None else {patient: str(shift) for patient, shift in shifts.items()}
    return Codes(checked(read_table(new_ids)), days)


def _find(table: dict[str, str], name: str) -> str:
    """What a table says of a patient; PACSMAN writes `_` for what is neither a letter nor a digit."""
    return table.get(name) or table.get(alphanumeric(name), "")
