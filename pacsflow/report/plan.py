"""The plan as a workbook and as CSV files. They hold identifiers: the user's own, mode 0600."""

from collections.abc import Sequence
from pathlib import Path

from pacsflow.report.records import HeldStudy, PlanRow, PlanSummary
from pacsflow.report.sheets import Sheet, write_csv, write_workbook
from pacsflow.report.table import own_columns

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
HELD = "held"
HELD_COLUMNS = ("row", "id", "decision", "reason", "study", *_STUDY, "series", "images")
DECISIONS = ("take", "drop")
SERIES = "series"
WANT = ("yes", "no")


def write_plan(plan: PlanSummary, folder: Path) -> tuple[Path, ...]:
    """`plan.xlsx` and `plan-<sheet>.csv` in `folder`; a person decides in its sheets `held` and `series`."""
    sheets = plan_sheets(plan)
    written = [write_workbook(folder / "plan.xlsx", sheets)]
    written += [write_csv(folder / f"plan-{sheet.name}.csv", sheet) for sheet in sheets[1:]]
    return tuple(written)


def plan_sheets(plan: PlanSummary) -> list[Sheet]:
    """The sheets: summary, rows, studies, series, held, unmatched."""
    return [_summary(plan), _rows(plan), _studies(plan), _series(plan), _held(plan.held), _unmatched(plan)]


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _summary(plan: PlanSummary) -> Sheet:
    wanted = [s for s in plan.series if s.wanted]
    images = [s.images for s in wanted if s.images is not None]
    facts = [
        ("project", plan.project),
        ("title", plan.title),
        ("made", plan.made.isoformat(sep=" ", timespec="seconds")),
        ("rows", str(len(plan.rows))),
        ("rows held", str(len({h.row for h in plan.held}))),
        ("rows unmatched", str(sum(r.status == "unmatched" for r in plan.rows))),
        ("studies to fetch", str(len(plan.studies))),
        ("series to fetch", str(len(wanted))),
        ("images to fetch", str(sum(images)) + ("" if len(images) == len(wanted) else " or more")),
        ("gigabytes, estimated", _number(plan.gigabytes, 2)),
        ("hours, estimated", _number(plan.hours, 2)),
        *(("de-identification" if n == 0 else "", sentence) for n, sentence in enumerate(plan.profile)),
        ("take care", "this workbook names patients"),
    ]
    return Sheet("summary", ("what", "value"), [fact for fact in facts if fact[1]])


def _own(rows: Sequence[PlanRow]) -> list[str]:
    """The user's own columns, but for one that says the same as our `id`."""
    same = all(row.cells.get("id", row.label) == row.label for row in rows)
    return [name for name in own_columns([row.cells for row in rows]) if not (same and name == "id")]


def _rows(plan: PlanSummary) -> Sheet:
    own = _own(plan.rows)
    added = [f"plan {name}" for name in ("status", "reason", "studies", "series", "images")]
    rows = [
        [
            str(row.number),
            row.label,
            *(row.cells.get(name, "") for name in own),
            row.status,
            "; ".join(filter(None, (row.reason, *row.warnings))),
            str(row.studies),
            str(row.series),
            _number(row.images),
        ]
        for row in plan.rows
    ]
    return Sheet("rows", ["row", "id", *own, *added], rows)


def _studies(plan: PlanSummary) -> Sheet:
    rows = [
        [
            study.key,
            "; ".join(study.rows),
            *(study.attributes.get(name, "") for name in _STUDY),
            str(study.series),
            _number(study.images),
            _number(study.gigabytes, 3),
            study.node,
        ]
        for study in plan.studies
    ]
    return Sheet("studies", ["study", "rows", *_STUDY, "series", "images", "gigabytes", "node"], rows)


def _series(plan: PlanSummary) -> Sheet:
    rows = [
        [
            *(series.attributes.get(name, "") for name in INFO),
            _number(series.images),
            WANT[not series.wanted],
            series.reason,
            series.study,
            series.key,
            "; ".join(series.rows),
        ]
        for series in plan.series
    ]
    headings = [*INFO, "images", "want", "reason", "study", "series", "rows"]
    return Sheet(SERIES, headings, rows, {"want": WANT} if rows else None)


def _held(held: Sequence[HeldStudy]) -> Sheet:
    rows = [
        [
            str(one.row),
            one.label,
            "",
            one.reason,
            one.study,
            *(one.attributes.get(name, "") for name in _STUDY),
            str(one.series),
            _number(one.images),
        ]
        for one in held
    ]
    return Sheet(HELD, HELD_COLUMNS, rows, {"decision": DECISIONS} if rows else None)


def _unmatched(plan: PlanSummary) -> Sheet:
    lost = [row for row in plan.rows if row.status == "unmatched"]
    own = _own(lost)
    rows = [[str(row.number), row.label, row.reason, *(row.cells.get(name, "") for name in own)] for row in lost]
    return Sheet("unmatched", ["row", "id", "reason", *own], rows)
