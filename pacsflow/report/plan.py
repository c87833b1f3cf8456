"""The plan as a workbook and as CSV files. They hold identifiers: the user's own, mode 0600."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pacsflow.report.filled import DECISIONS, HELD, SERIES
from pacsflow.report.records import PlanSummary, RowOutcome
from pacsflow.report.sheets import WORKBOOK_ROWS, RemadeLines, Sheet, write_csv, write_workbook
from pacsflow.wording import counted

INFO = (
    "StudyDate",
    "StudyTime",
    "SeriesDescription",
    "PatientID",
    "ProtocolName",
    "StudyInstanceUID",
    "PatientName",
    "PatientBirthDate",
    "SeriesInstanceUID",
    "DeviceSerialNumber",
    "Modality",
    "ImageType",
    "SeriesNumber",
    "StudyDescription",
    "AccessionNumber",
    "SequenceName",
    "AcquisitionDate",
)
"""The columns of PACSMAN's --info."""

_STUDY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyDescription",
    "ModalitiesInStudy",
    "StudyInstanceUID",
)
HELD_COLUMNS = ("row", "id", "decision", "reason", "study", *_STUDY, "series", "images", "row key")
WANT = ("yes", "no")


def write_plan(plan: PlanSummary, folder: Path) -> tuple[Path, ...]:
    """`plan.xlsx` and `plan-<sheet>.csv` in `folder`; a person decides in its sheets `held` and `series`.

    Above WORKBOOK_ROWS there is no workbook; one from before is removed.
    """
    sheets, workbook = plan_sheets(plan), folder / "plan.xlsx"
    written = []
    if len(plan.rows) > WORKBOOK_ROWS:
        workbook.unlink(missing_ok=True)
    else:
        written.append(write_workbook(workbook, sheets))
    written += [write_csv(folder / f"plan-{sheet.name}.csv", sheet) for sheet in sheets[1:]]
    return tuple(written)


def plan_sheets(plan: PlanSummary) -> list[Sheet]:
    """The sheets: summary, rows, studies, series, held, unmatched."""
    return [_summary(plan), _rows(plan), _studies(plan), _series(plan), _held(plan), _unmatched(plan)]


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _summary(plan: PlanSummary) -> Sheet:
    images = [one.images for one in plan.wanted]
    told = [number for number in images if number is not None]
    statuses = Counter(one.row.status for one in plan.rows)
    refer = counted(plan.referring, "of these series refers", "of these series refer")
    facts = [
        ("project", plan.project),
        ("title", plan.title),
        ("made", plan.made.isoformat(sep=" ", timespec="seconds")),
        ("rows", str(len(plan.rows))),
        ("rows held", str(sum(1 for _ in _waiting(plan)))),
        ("rows unmatched", str(statuses["unmatched"])),
        ("studies to fetch", str(sum(1 for _ in plan.to_fetch))),
        ("series to fetch", str(len(images))),
        ("images to fetch", str(sum(told)) + ("" if len(told) == len(images) else " or more")),
        (f"what {refer} to", "counted when fetched" if plan.referring else ""),
        ("gigabytes, estimated", _number(plan.gigabytes, 2)),
        ("hours, estimated", _number(plan.hours, 2)),
        *(("de-identification" if n == 0 else "", sentence) for n, sentence in enumerate(plan.profile)),
        ("take care", "this workbook names patients"),
    ]
    return Sheet("summary", ("what", "value"), [fact for fact in facts if fact[1]])


def _own(rows: Iterable[RowOutcome]) -> list[str]:
    """The user's own columns, but for one that says the same as our `id`."""
    names: dict[str, None] = {}
    same = True
    for row in rows:
        names |= dict.fromkeys(row.cells)
        same = same and row.cells.get("id", row.label) == row.label
    return [name for name in names if not (same and name == "id")]


def _rows(plan: PlanSummary) -> Sheet:
    own = _own(plan.rows)
    added = [f"plan {name}" for name in ("status", "reason", "studies", "series", "images")]
    rows = RemadeLines(
        lambda: (
            [
                str(one.number),
                one.label,
                *(one.cells.get(name, "") for name in own),
                one.row.status,
                "; ".join(filter(None, (one.row.reason, *one.warnings))),
                str(len(one.studies)),
                str(len(one.series)),
                str(one.counts["announced"]),
            ]
            for one in plan.rows
        )
    )
    return Sheet("rows", ["row", "id", *own, *added], rows)


def _studies(plan: PlanSummary) -> Sheet:
    rows = RemadeLines(
        lambda: (
            [
                study.key,
                "; ".join(study.rows),
                *(study.state.attributes.get(name, "") for name in _STUDY),
                str(len(study.series)),
                str(study.images),
                _number(study.gigabytes, 3),
                study.node,
            ]
            for study in plan.to_fetch
        )
    )
    return Sheet("studies", ["study", "rows", *_STUDY, "series", "images", "gigabytes", "node"], rows)


def _series(plan: PlanSummary) -> Sheet:
    rows = RemadeLines(
        lambda: (
            [
                *(one.attributes.get(name, study.state.attributes.get(name, "")) for name in INFO),
                _number(one.images),
                WANT[one not in study.series],
                one.reason,
                study.key,
                one.key,
                "; ".join(study.rows),
            ]
            for study in plan.studies
            for one in study.state.series
        )
    )
    headings = [*INFO, "images", "want", "reason", "study", "series", "rows"]
    return Sheet(SERIES, headings, rows, {"want": WANT})


def _waiting(plan: PlanSummary) -> Iterator[RowOutcome]:
    """The rows of which a person must choose the studies."""
    return (one for one in plan.rows if one.row.status == "held" and one.doubtful)


def _lost(plan: PlanSummary) -> Iterator[RowOutcome]:
    """The rows that no node has anything for."""
    return (one for one in plan.rows if one.row.status == "unmatched")


def _held(plan: PlanSummary) -> Sheet:
    rows = RemadeLines(
        lambda: (
            [
                str(one.number),
                one.label,
                "",
                one.row.reason,
                study.key,
                *(study.attributes.get(name, "") for name in _STUDY),
                str(len(study.series)),
                str(sum(series.images or 0 for series in study.series)),
                one.row.key,
            ]
            for one in _waiting(plan)
            for study in one.doubtful
        )
    )
    return Sheet(HELD, HELD_COLUMNS, rows, {"decision": DECISIONS})


def _unmatched(plan: PlanSummary) -> Sheet:
    own = _own(_lost(plan))
    rows = RemadeLines(
        lambda: (
            [
                str(one.number),
                one.label,
                one.row.reason,
                "; ".join(one.warnings),
                *(one.cells.get(name, "") for name in own),
            ]
            for one in _lost(plan)
        )
    )
    return Sheet("unmatched", ["row", "id", "reason", "warnings", *own], rows)
