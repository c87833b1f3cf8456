"""Names of attributes as a project may write them: the keywords of the DICOM dictionary (PS3.6)."""

from typing import Final

from pacsflow.attributes import KEYWORDS, tag_for_keyword
from pacsflow.projects.source import Document, FieldPath
from pacsflow.projects.validation import nearest

DICOM_KEYWORDS: Final = frozenset(filter(None, KEYWORDS))
"""All keywords of the DICOM dictionary (PS3.6)."""


def check_keyword(document: Document, path: FieldPath, keyword: str) -> bool:
    """Whether `keyword` is one of DICOM's (PS3.6); else a problem that offers the nearest."""
    if tag_for_keyword(keyword) is not None:
        return True
    near = nearest(keyword, DICOM_KEYWORDS)
    document.problem(path, "is no DICOM keyword", f"write `{near}`" if near else "see PS3.6 for the keywords")
    return False
