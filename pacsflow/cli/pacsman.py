"""Options of PACSMAN's anonymize_Dicoms as settings of a profile; its key files."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pacsflow.staging import PRIVATE, whole_file
from pacsflow.vault import Link
from schemas.deid import DeidProfile

KEEPS_DATES, MOVES_DATES = "retain-longitudinal-full-dates", "retain-longitudinal-modified-dates"
DROP: list[dict[str, Any]] = [
    {"ImageType": "SCREEN SAVE"},
    {"ImageType": "SECONDARY", "Modality": "CT"},
    {"Modality": "SR"},
]
DAYS = (-30, 30)


@dataclass(frozen=True)
class PacsmanOptions:
    """The options as they were given."""

    new_ids: Path | None = None
    delete_identifiable: bool = False
    remove_private_tags: bool = False
    fuzz_acq_dates: bool = False
    shared_new_ids: bool = False

    def on(self, profile: DeidProfile) -> DeidProfile:
        """The profile with what the options say in place of what it says. Raises pydantic's ValidationError."""
        said: dict[str, Any] = profile.model_dump()
        if self.new_ids:
            said["patient"] = {"source": "table", "file": str(self.new_ids.absolute()), "shared": self.shared_new_ids}
        if self.delete_identifiable:
            said["drop"] = [*said["drop"], *(each for each in DROP if each not in said["drop"])]
        if self.remove_private_tags:
            said["private"] = {"keep": []}
            said["options"] = [each for each in said["options"] if each != "retain-safe-private"]
        if self.fuzz_acq_dates and MOVES_DATES not in said["options"]:
            said["options"] = [*(each for each in said["options"] if each != KEEPS_DATES), MOVES_DATES]
            said["dates"] = {"method": "shift", "days": DAYS}
        return DeidProfile.model_validate(said)


def write_key_files(links: list[Link], folder: Path) -> list[Path]:
    """`mapper.json` (new id -> old) and `date_offsets.csv` (new id, days). IDENTIFYING: for their owner only."""
    files = [folder / "mapper.json", folder / "date_offsets.csv"]
    old: dict[str, Any] = {}
    for link in links:  # of a patient with several ids, all of them
        before = old.get(link.pseudonym)
        old[link.pseudonym] = (
            link.patient_id if before is None else [*([before] if isinstance(before, str) else before), link.patient_id]
        )
    with whole_file(files[0], PRIVATE) as half, half.open("w", encoding="utf-8") as file:
        json.dump(old, file, indent=1, ensure_ascii=False)
    with whole_file(files[1], PRIVATE) as half, half.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["new_id", "days"])
        writer.writerows([link.pseudonym, link.shift_days] for link in links)
    return files
