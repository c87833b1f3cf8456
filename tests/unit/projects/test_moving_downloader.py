"""Projects made of the files of Medical-Imaging-Downloader."""

import json
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from pacsflow.cli.app import app
from pacsflow.deid import compile_profile
from pacsflow.errors import ProjectError
from pacsflow.pseudonyms import empty_source
from pacsflow.query import load
from unit.projects.old_systems import HEADINGS, IDENTIFIERS, PEERS, moved, refused, written

pytestmark = pytest.mark.usefixtures("new_user")
ANON_TAGS = {
    "DS": ["PatientSize"],
    "SH": ["AccessionNumber", "ImplementationVersionName", "StationName"],
    "LO": ["InstitutionName", "PatientID"],
    "DA": ["StudyDate"],
    "UI": ["SOPClassUID"],
    "SQ": ["ReferedPatientSequence"],
}


@pytest.fixture
def downloader() -> tuple[str, str]:
    written("mid/config.json", {"config_peers": "./configs/peers.json", "config_anon_vrs": "./configs/anon_vrs.json"})
    written("mid/configs/peers.json", PEERS)
    written("mid/configs/user_defaults.json", {"default_src": "EXAMPLE PACS", "default_dest": "<SELF>"})
    written("mid/configs/anon_vrs.json", {"DA": "Date", "UI": "Unique Identifier UID", "PN": "Person Name"})
    written("mid/configs/anon_tags.json", ANON_TAGS)
    written("mid/configs/anon_imgs.json", {"Modality": ["SR"], "SeriesDescription": ["Summary", "Report"]})
    written("mid/configs/excel_headings.json", HEADINGS)
    written("mid/configs/query_identifiers.json", IDENTIFIERS)
    book = Workbook()
    for row in (
        ["Index", "Hospital no", "Date of Study", "Series Description", "Radiologist says"],
        [3, 45322, "5/12/2015", "lung", "nothing"],
        [4, 123421, "20180102", "", ""],
    ):
        book.active.append(row)
    book.save("cases.xlsx")
    return "mid", "cases.xlsx"


def test_downloader_example(downloader):
    said = moved("mid", *downloader)
    project, rows = load(Path("cases"))
    assert (project.pacs.host, project.pacs.called_aet, project.pacs.calling_aet) == (
        "2.2.2.2",
        "PACSQR",
        "EXAMPLE_SELF",
    )
    assert [row.id for row in rows] == ["3", "4"]
    assert dict(rows[0].keys) == {"PatientID": "0045322", "StudyDate": "20150512", "SeriesDescription": "*lung*"}
    assert dict(rows[1].keys) == {"PatientID": "0123421", "StudyDate": "20180102"}
    assert project.deid.vrs == dict.fromkeys(["DT", "DA", "TM", "PN"], "empty"), "what its files lack it added"
    profile = compile_profile(project.deid, bytes(32), pseudonyms=empty_source("sequential")).describe()
    assert any("over 89 years cut to 90" in line for line in profile), "it kept ages, and said so"
    assert "ages above 89" in said
    assert "descriptions are cleaned" in said
    assert {rule.tag for rule in project.deid.elements} == {
        "PatientSize",
        "AccessionNumber",
        "StationName",
        "InstitutionName",
        "AcquisitionNumber",
    }
    assert {"SeriesDescription": ["Summary", "Report"]} in project.deid.drop
    assert "ReferedPatientSequence" in said
    assert "a project asks one node; left out: JVS" in said
    assert "peer_ip of <SELF>" in said
    for named in ("default_download_dir", "default_suffix", "query.json", "tags.json", "synonyms.json"):
        assert named in said


def test_the_downloaders_own_wishes_of_what_to_wipe_are_kept_or_named(downloader):
    written("mid/configs/anon_vrs.json", {"LO": "Long String", "CS": "Code String"})
    said = moved("mid", *downloader)
    deid = load(Path("cases"))[0].deid
    assert deid.vrs == dict.fromkeys(["DT", "DA", "TM", "PN", "LO"], "empty")
    assert "InstitutionName" not in {rule.tag for rule in deid.elements}, "it goes with all long strings"
    assert "cannot be read without CS" in said


def test_downloader_without_a_source_names_its_peers(downloader):
    written("mid/configs/user_defaults.json", {"default_src": "BMC PACS"})
    result = CliRunner().invoke(app, ["import", "mid", *downloader])
    assert isinstance(result.exception, ProjectError)
    assert "EXAMPLE PACS, JVS" in str(result.exception)
    assert not Path("cases").exists()
    moved("mid", *downloader, "--peer", "JVS")
    assert load(Path("cases"))[0].pacs.called_aet == "TESTSERVER"


def test_a_peer_that_is_not_named_is_never_taken_for_another(downloader):
    assert "say --peer with one of: EXAMPLE PACS, JVS" in refused("mid", *downloader, "--peer", "Example")
    written("mid/configs/peers.json", {name: peer for name, peer in PEERS.items() if name != "JVS"})
    assert "say --peer with one of: EXAMPLE PACS" in refused("mid", *downloader, "--peer", "Example")
    written("mid/configs/user_defaults.json", {"default_src": "BMC PACS"})
    said = moved("mid", *downloader)
    assert "default_src names no peer there is: EXAMPLE PACS, the only other one, is asked" in said
    written("mid/configs/user_defaults.json", {"default_src": "EXAMPLE PACS", "default_dest": "Conquest"})
    assert "user_defaults.json: default_dest: names no peer" in refused("mid", *downloader)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", []),
        ("config.json", {"config_peers": 5}),
        ("configs/peers.json", []),
        ("configs/peers.json", {"EXAMPLE PACS": {**PEERS["JVS"], "peer_port": "many"}}),
        ("configs/user_defaults.json", [1]),
        ("configs/anon_vrs.json", ["DA"]),
        ("configs/anon_tags.json", {"LO": "PatientID"}),
        ("configs/anon_imgs.json", {"Modality": "SR"}),
        ("configs/excel_headings.json", {"PatientID": "MRN"}),
        ("configs/query_identifiers.json", ["PatientID"]),
    ],
)
def test_a_file_of_the_downloader_in_another_shape_is_one_mistake(downloader, name, content):
    Path("mid", name).write_text(json.dumps(content))
    said = refused("mid", *downloader)
    assert said.startswith(f"{Path(name).name}: ")
    assert "\n" not in said


def test_names_that_are_no_keywords_are_named_and_make_no_faulty_profile(downloader):
    written("mid/configs/anon_imgs.json", {"Modality": ["SR"], "Modalitty": ["PR"], "SeriesNumber": [999]})
    said = moved("mid", *downloader)
    assert "anon_imgs.json are no DICOM keywords and never did anything: Modalitty" in said
    assert {"SeriesNumber": [999]} in load(Path("cases"))[0].deid.drop
    validated = CliRunner().invoke(app, ["validate", "cases"])
    assert validated.exit_code == 0, validated.output


def test_a_downloader_that_was_never_configured_has_its_own_defaults(downloader):
    for name in ("anon_vrs", "anon_tags", "anon_imgs", "excel_headings", "query_identifiers"):
        Path(f"mid/configs/{name}.json").unlink()
    book = Workbook()
    for row in (["ID", "MRN", "Time", "PatientName", "Mod"], [3, 45322, "10:30", "x", "MR"]):
        book.active.append(row)
    book.create_sheet("others").append(["no", "headings"])
    book.save("cases.xlsx")
    said = moved("mid", *downloader)
    project, [row] = load(Path("cases"))
    assert dict(row.keys) == {"PatientID": "0045322", "Modality": "MR"}, "neither times nor names were ever asked"
    assert {"SeriesDescription": ["Summary", "Report", "Outside", "Text"]} in project.deid.drop
    assert project.deid.vrs == {"DT": "empty", "DA": "empty", "TM": "empty", "PN": "empty"}
    assert "PatientWeight" in {rule.tag for rule in project.deid.elements}
    assert "the first is read" in said


def test_the_downloaders_query_numbers_are_the_rows_ids_by_whatever_name(downloader):
    written("mid/configs/excel_headings.json", {"PatientID": ["MRN"], "QueryNumber": ["Case", "Index"]})
    for headings in (["Case", "MRN"], ["Index", "MRN"], ["CASE", "MRN", "Index"]):
        book = Workbook()
        for row in (headings, [31, 45322, 7], [32, 45323, 8]):
            book.active.append(row[: len(headings)])
        book.save(f"{headings[0]}{len(headings)}.xlsx")
        moved("mid", "mid", f"{headings[0]}{len(headings)}.xlsx")
        _, rows = load(Path(f"{headings[0]}{len(headings)}".lower()))
        assert [row.id for row in rows] == ["31", "32"]


def test_the_downloader_may_ask_by_what_its_file_lists(downloader):
    written("mid/configs/query_identifiers.json", {"QUERY_IDENTIFIERS": ["PatientID"]})
    moved("mid", *downloader)
    assert [dict(row.keys) for row in load(Path("cases"))[1]] == [{"PatientID": "0045322"}, {"PatientID": "0123421"}]
