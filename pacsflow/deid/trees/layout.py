"""What the header of a cleaned file says that a layout may be made of."""

from collections.abc import Callable, Mapping
from typing import Final

from pacsflow.deid.contract import Cleaned
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.part10 import read_part10
from pacsflow.deid.encoding.walked import walked

Facts = Mapping[str, str]
"""Keyword -> value, of the cleaned header."""
Folder = Callable[[str, Facts], str]
"""A layout and what a cleaned header says -> a folder, part by part with `/` between."""

_TAGS: Final = {
    "PatientID": 0x00100020,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "StudyDate": 0x00080020,
    "StudyTime": 0x00080030,
    "Modality": 0x00080060,
    "SeriesNumber": 0x00200011,
    "SeriesDescription": 0x0008103E,
}


def no_layout(_layout: str, _facts: Facts) -> str:
    """No folder."""
    return ""


def facts_of_header(header: Header) -> Facts:
    """What a header says."""
    return {keyword: header.text(tag) for keyword, tag in _TAGS.items()}


def facts_of_cleaned(cleaned: Cleaned) -> Facts:
    """What the header of a cleaned instance says; the patient is its pseudonym, whatever a rule keeps."""
    _, _, header = walked(read_part10(bytes(cleaned.parts[0])))
    return {**facts_of_header(header), "PatientID": cleaned.person.pseudonym}
