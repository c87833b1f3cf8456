"""The user's own table back, and the record without names."""

import csv
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

from openpyxl import load_workbook

from pacsflow.ledger.outcomes import Delivery
from pacsflow.report.record import write_record
from pacsflow.report.records import RunSummary
from pacsflow.report.table import write_table
from reported import row as reported_row
from reported import series, study

START, END = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 5, 6, tzinfo=UTC)
FILES = (("sub-P1/ses-1/00001-T1/1.2.dcm", "aa", 10), ("sub-P1/ses-1/00002-T2/1.3.dcm", "bb", 20))
STUDY = study(
    "0123456789abcdef",
    "P1",
    "complete",
    series("1", converted=("done", "")),
    series("2", converted=("refused", "gantry-tilt"), refused={"burned-in": 1}),
    proof="uid",
    deliveries=(Delivery("folder 1", "done", "", "", FILES),),
    node="main",
)


def run(*rows, studies=(STUDY,), **facts) -> RunSummary:
    return RunSummary("lung-ct", "partly", START, END, rows, studies, **facts)


def row(number: int, cells: dict[str, str], *studies, status="complete", reason=""):
    return reported_row(number, "", status, reason, *studies, cells=cells)


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def read_sheet(path: Path, name: str) -> list[list[str]]:
    return [
        ["" if cell.value is None else str(cell.value) for cell in line]
        for line in load_workbook(path)[name].iter_rows()
    ]


def test_rows_columns_and_order_are_the_user_s(tmp_path) -> None:
    rows = (
        row(
            1,
            {"MRN": "0012", "Remarks": 'first, "quoted"\nline'},
            STUDY,
        ),
        row(2, {"MRN": "0007", "Remarks": "=1+1"}, status="unmatched", reason="no study"),
    )
    for table in (read_csv(write_table(run(*rows), tmp_path)[0]), read_sheet(tmp_path / "results.xlsx", "results")):
        assert table == [
            [
                "MRN",
                "Remarks",
                "status",
                "reason",
                "studies",
                "series",
                "images expected",
                "images received",
                "proof",
                "pseudonym",
                "node",
                "output",
            ],
            [
                "0012",
                'first, "quoted"\nline',
                "complete",
                "",
                "1",
                "2",
                "3",
                "2",
                "uid",
                "P1",
                "main",
                "folder 1: sub-P1/ses-1",
            ],
            ["0007", "=1+1", "unmatched", "no study", "0", "0", "0", "0", "", "", "", ""],
        ]


def test_cells_of_the_workbook_are_texts_and_never_formulas(tmp_path) -> None:
    cells = {"a": '=HYPERLINK("x")', "b": "+1", "c": "-1", "d": "@x", "e": "007", "f": "bell\x07"}
    sheet = load_workbook(write_table(run(row(1, cells)), tmp_path)[1])["results"]
    assert [(c.value, c.data_type) for c in sheet[2][:5]] == [(v, "s") for v in list(cells.values())[:5]]
    assert sheet[2][5].value == "bell\N{REPLACEMENT CHARACTER}"
    assert {c.number_format for c in sheet[2][:6]} == {"@"}


def test_a_heading_that_is_ours_too_keeps_both(tmp_path) -> None:
    table = read_csv(write_table(run(row(1, {"Status": "mine"})), tmp_path)[0])
    assert table[0][:3] == ["Status", "pacsflow status", "reason"]
    assert table[1][:2] == ["mine", "complete"]


def test_rows_of_several_tables_leave_cells_blank_that_they_do_not_have(tmp_path) -> None:
    table = read_csv(write_table(run(row(1, {"a": "1"}), row(2, {"b": "2"})), tmp_path)[0])
    assert [line[:2] for line in table] == [["a", "b"], ["1", ""], ["", "2"]]


def test_tables_are_for_their_owner_only(tmp_path) -> None:
    for path in write_table(run(row(1, {"a": "1"})), tmp_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".*"))


def test_the_record_has_numbers_and_hashes_and_no_names(tmp_path) -> None:
    rows = (row(1, {"PatientName": "Telling^Tessa"}, STUDY), row(2, {}, status="held", reason="two"))
    path = write_record(
        run(*rows, versions={"pacsflow": "1"}, fingerprints={"configuration": "ff"}), tmp_path / "run.json"
    )
    text = path.read_text()
    assert "Tessa" not in text
    assert "sub-" not in text
    record = json.loads(text)
    assert record["counts"]["rows"] == {"all": 2, "complete": 1, "held": 1}
    assert record["counts"]["images"] == {"expected": 3, "received": 2, "refused": 1}
    assert record["counts"]["series"] == {"all": 2, "converted": 1, "not converted": 1}
    assert record["studies"][0]["deliveries"] == [
        {
            "target": "folder 1",
            "status": "done",
            "files": 2,
            "bytes": 30,
            "sha256": "329d670e59ead1543a2d36865895972560bc434204c5f4a0c8219005dd312719",
        }
    ]


def test_the_record_of_the_same_content_has_the_same_hash_whatever_the_names() -> None:
    from pacsflow.report.record import content_digest

    assert content_digest(["b", "a"]) == content_digest(["a", "b"]) != content_digest(["a", "a"])
