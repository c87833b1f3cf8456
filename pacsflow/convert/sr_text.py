"""Structured reports as text: the content tree (PS3.3 C.17.3), indented, codes by their meanings."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

_SR = "1.2.840.10008.5.1.4.1.1.88."
"""Beginning of the UIDs of all SR storage SOP classes, Key Object Selection too (PS3.6 A)."""
_HEAD = ("StudyDate", "ContentDate", "CompletionFlag", "VerificationFlag")
_PLAIN = {
    "TEXT": "TextValue",
    "PNAME": "PersonName",
    "UIDREF": "UID",
    "DATETIME": "DateTime",
    "DATE": "Date",
    "TIME": "Time",
}
"""Value Type -> the element with its value (PS3.3 C.17.3.2)."""
_DEEPEST = 60


def is_report(header: Dataset) -> bool:
    """Whether an instance is a structured report."""
    return str(header.get("SOPClassUID") or "").startswith(_SR)


def report_text(report: Dataset) -> str:
    """A report as lines: title, date and flags, then each content item under the one it belongs to.

    Identifiable where the report is: names, dates and UIDs stand in it as they do in the report.
    """
    lines = [_code(report, "ConceptNameCodeSequence") or "Report"]
    lines += [f"{word}: {value}" for word in _HEAD if (value := str(report.get(word) or ""))]
    return "\n".join([*lines, "", *_items(report, 0)]) + "\n"


def _items(place: Dataset, depth: int) -> Iterator[str]:
    for item in place.get("ContentSequence") or ():
        said = " ".join(filter(None, [_named(item), _value(item)]))
        yield from (f"{'  ' * depth}{line}" for line in (said or "-").splitlines())
        if depth < _DEEPEST:
            yield from _items(item, depth + 1)


def _named(item: Dataset) -> str:
    name = _code(item, "ConceptNameCodeSequence")
    if item.get("ValueType") == "CONTAINER":
        return f"[{name or 'Section'}]"
    return f"{name}:" if name else ""


def _value(item: Dataset) -> str:
    kind = str(item.get("ValueType") or "")
    if "ReferencedContentItemIdentifier" in item:
        return f"-> item {'.'.join(map(str, _several(item.ReferencedContentItemIdentifier)))}"
    if kind in _PLAIN:
        return str(item.get(_PLAIN[kind]) or "")
    if kind == "CODE":
        return _code(item, "ConceptCodeSequence")
    if kind == "NUM":
        return _number(item)
    return "" if kind == "CONTAINER" else _reference(item, kind)


def _number(item: Dataset) -> str:
    measured = _first(item.get("MeasuredValueSequence"))
    if measured is None:
        return _code(item, "NumericValueQualifierCodeSequence") or "no value"
    symbol = _code(measured, "MeasurementUnitsCodeSequence", "CodeValue")
    if "{" in symbol:  # no unit of UCUM's but a remark, as {SUVbw}g/ml
        symbol = _code(measured, "MeasurementUnitsCodeSequence")
    return f"{measured.get('NumericValue', '')} {'' if symbol == '1' else symbol}".strip()


def _reference(item: Dataset, kind: str) -> str:
    """IMAGE, WAVEFORM, COMPOSITE: the instance; coordinates: their form and values."""
    if "GraphicData" in item:
        return f"{item.get('GraphicType', kind)} {' '.join(f'{v:g}' for v in _several(item.GraphicData))}"
    instance = _first(item.get("ReferencedSOPSequence"))
    if instance is None:
        return str(item.get("TemporalRangeType") or kind)
    frames = instance.get("ReferencedFrameNumber")
    return f"{kind.lower()} {instance.get('ReferencedSOPInstanceUID', '')}" + (f", frame {frames}" if frames else "")


def _several(value: Any) -> Iterable[Any]:
    """The values of an element that may hold one or more."""
    return value if isinstance(value, MultiValue | list) else [value]


def _code(place: Dataset, keyword: str, part: str = "CodeMeaning") -> str:
    code = _first(place.get(keyword))
    return str(code.get(part) or code.get("CodeMeaning") or code.get("CodeValue") or "") if code else ""


def _first(sequence: Sequence | None) -> Dataset | None:
    return sequence[0] if sequence else None
