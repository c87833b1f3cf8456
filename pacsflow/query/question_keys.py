"""What the keys of a question say of it, before it is asked."""

from collections.abc import Mapping

from pacsflow.query.ceiling import FEW


def studies_named(keys: Mapping[str, str]) -> set[str]:
    """The studies that a question names; none where it does not."""
    return set(filter(None, map(str.strip, keys.get("StudyInstanceUID", "").split("\\"))))


def without_counts(keys: Mapping[str, str]) -> dict[str, str]:
    """Keys without those that ask for counts."""
    return {keyword: value for keyword, value in keys.items() if not keyword.startswith("NumberOf")}


def never_cut(level: str, keys: Mapping[str, str]) -> int:
    """Answers to a question that no limit cuts: one of a patient or order, few of the series of a study."""
    if level == "SERIES" and keys.get("StudyInstanceUID"):
        return FEW - 1
    named = (keys.get(keyword, "").strip() for keyword in ("PatientID", "AccessionNumber"))
    return int(any(value and not set(value) & set("*?") for value in named))
