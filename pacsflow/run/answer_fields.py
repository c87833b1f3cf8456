"""What stands in an answer to a C-FIND or a search, as text."""

from pydicom import Dataset
from pydicom.multival import MultiValue

from pacsflow.errors import PacsPermanentError

_NAMES = {
    "StudyInstanceUID": "Study Instance UID",
    "SeriesInstanceUID": "Series Instance UID",
    "SOPInstanceUID": "SOP Instance UID",
}


def identified(answers: list[Dataset], keyword: str) -> None:
    """Raise PacsPermanentError where an answer lacks a UID: no answer is left out unreported."""
    if any(not answer.get(keyword) for answer in answers):
        raise PacsPermanentError(
            f"the node answered without a {_NAMES[keyword]}",
            fix="ask the PACS administrator about the node's C-FIND answers",
        )


def attributes(answer: Dataset) -> dict[str, str]:
    """Keyword -> text of all that was answered; several values joined by a backslash."""
    return {element.keyword: text(answer, element.keyword) for element in answer if element.keyword}


def text(answer: Dataset, keyword: str) -> str:
    """An attribute as text, '' where it is absent or empty."""
    value = answer.get(keyword)
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)
