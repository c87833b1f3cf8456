"""deid: results in folders by a layout, as a folder target of export has them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pacsflow.errors import ProjectError
from schemas.layout import check_layout

PACSMAN: Final = "sub-{patient}/ses-{session}/{series_number:05d}-{series_description}"
"""The names of PACSMAN's tree."""
_SERIES: Final = re.compile(r"\d{4,5}-.*")


def checked_layout(layout: str) -> str:
    """The layout. Raises ProjectError where it is none, or asks for what a tree does not have."""
    if "{row" in layout:
        raise ProjectError.at("--layout", "{row} is of projects", "take it out")
    if layout and (message := check_layout(layout)):
        raise ProjectError.at("--layout", message, f"write it as {PACSMAN}")
    return layout


def is_pacsmans(folder: Path) -> bool:
    """Whether a tree has PACSMAN's names: sub-…/ses-…/00002-…, in the first patient that has a session."""
    sessions = (session for patient in folder.glob("sub-*") for session in patient.glob("ses-*"))
    session = next(sessions, None)
    return session is not None and any(_SERIES.fullmatch(each.name) for each in session.iterdir() if each.is_dir())


def laid_out(layout: str, facts: Mapping[str, str]) -> str:
    """The folder of a file by what its cleaned header says."""
    from pacsflow.export.contract import SeriesFiles
    from pacsflow.export.layout import folder_of
    from pacsflow.export.names import alphanumeric

    number = facts["SeriesNumber"].strip()
    series = SeriesFiles(
        patient=facts["PatientID"],
        study_uid=facts["StudyInstanceUID"],
        series_uid=facts["SeriesInstanceUID"],
        study_date=facts["StudyDate"],
        study_time=facts["StudyTime"],
        modality=facts["Modality"],
        series_number=int(number) if re.fullmatch(r"\d{1,9}", number) else 0,
        series_description=facts["SeriesDescription"],
        dicom=(),
    )
    return "/".join(folder_of(layout, series, patient=alphanumeric(facts["PatientID"]), rows=()))
