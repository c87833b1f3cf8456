"""A project that was moved over does the old system's job, against the simulator and its like."""

import json
import re
from collections import Counter
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from openpyxl import Workbook
from pydicom import dcmread
from typer.testing import CliRunner

from pacsflow.cli.app import app
from pacsflow.simpacs import SimPacs, demo_archive, phantom_archive
from peers.mint import Mint
from peers.rad69 import Rad69
from unit.projects.old_systems import CHANNELS, HEADINGS, IDENTIFIERS, PACSMAN, PACSNPULL, PEERS, TROLLEY
from whole_run import run_once


@pytest.fixture
def pacs(new_user):
    """The old system's PACS, for somebody who has nothing yet."""
    with SimPacs(demo_archive()) as simulator:
        config = {**PACSMAN, "port": str(simulator.port), "server_AET": simulator.aet, "batch_wait_time": "0.01"}
        Path("config.json").write_text(json.dumps(config))
        yield simulator


def of_mr(archive):
    """A study of MR that only its patient and date tell, and one of its series."""
    study = next(s for s in archive.studies.values() if s.attributes["ModalitiesInStudy"] == "MR")
    return study, archive.series(study.uid)[0]


def imported(system, *files):
    """The project that `pacsflow import` makes of what was written: its folder."""
    out = Path("data/out").absolute()
    result = CliRunner().invoke(app, ["import", system, *files, "--project", "p", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return Path("p").absolute()


def moved(*options):
    return imported("pacsman", "config.json", "query.csv", *options)


def images(told):
    return {path: dcmread(BytesIO(Path("data/out", path).read_bytes())) for path in told.out if path.endswith(".dcm")}


def test_save_leaves_the_series_asked_for_in_the_old_folders_as_the_pacs_sent_them(pacs):
    study, series = of_mr(pacs.archive)
    about = study.attributes
    description = series.attributes["SeriesDescription"]
    Path("query.csv").write_text(
        f"StudyDate,PatientID,SeriesDecription\n{about['StudyDate']},{about['PatientID']},{description[:4]}*\n"
    )
    told = run_once(moved(), pacs)
    assert told.rows == [("complete", "")]
    found = images(told)
    assert {image.SeriesDescription[:4] for image in found.values()} == {description[:4]}
    assert {image.SOPInstanceUID for image in found.values()} >= {i.uid for i in series.instances}
    patient, session, folder, _ = next(path for path in found if str(description).split()[0] in path).split("/")
    assert patient == f"sub-{re.sub('[^0-9a-zA-Z]+', '_', about['PatientID'])}"
    assert session == f"ses-{about['StudyDate']}{about['StudyTime'][:6]}"
    assert re.fullmatch(r"\d{5}-.+", folder)


def test_new_ids_are_the_patients_names_from_the_first_byte_on_disk(pacs):
    study, _ = of_mr(pacs.archive)
    about = study.attributes
    Path("query.csv").write_text(f"StudyInstanceUID\n{study.uid}\n")
    Path("new_ids.json").write_text(json.dumps({f"sub-{about['PatientID']}": "P0001"}))
    told = run_once(moved("--new-ids", "new_ids.json"), pacs)
    assert told.rows == [("complete", "")]
    found = images(told)
    assert {image.PatientID for image in found.values()} == {"P0001"}
    assert {path.split("/")[0] for path in found} == {"sub-P0001"}
    assert study.uid not in {image.StudyInstanceUID for image in found.values()}


def test_the_downloaders_numbers_come_back_with_images_that_hold_no_date_and_no_name(pacs):
    study, series = of_mr(pacs.archive)
    peer = {"peer_name": "PACS", "peer_aet": pacs.aet, "peer_ip": "127.0.0.1", "peer_port": pacs.port}
    written = {"peers": {"<SELF>": PEERS["<SELF>"], "PACS": peer}, "user_defaults": {"default_src": "PACS"}}
    written |= {
        "excel_headings": HEADINGS,
        "query_identifiers": IDENTIFIERS,
        "anon_tags": {"LO": ["SeriesDescription"]},
    }
    for name, content in written.items():
        Path(f"{name}.json").write_text(json.dumps(content))
    about, book = study.attributes, Workbook()
    some = str(series.attributes["SeriesDescription"])[1:-1]
    day = f"{about['StudyDate'][4:6]}/{about['StudyDate'][6:]}/{about['StudyDate'][:4]}"
    for row in (
        ["Query", "Hospital no", "StudyDate", "SeriesDescription", "Radiologist"],
        [31, about["PatientID"], day, some, "nothing"],
        [32, "nobody", day, None, None],
    ):
        book.active.append(row)
    book.save("cases.xlsx")
    told = run_once(imported("mid", ".", "cases.xlsx"), pacs)
    assert [status for status, _ in told.rows] == ["complete", "unmatched"]
    found = images(told)
    assert {(i.PatientID, str(i.PatientName), i.StudyDate, i.SeriesDescription) for i in found.values()} == {
        ("000001", "", "", "")
    }
    assert len({i.SOPInstanceUID for i in found.values()}) == len(series.instances)
    assert {path.split("/")[0] for path in found} == {"000001"}


def test_pacsnpulls_move_brings_the_studies_of_its_list(pacs):
    study, _ = of_mr(pacs.archive)
    asked = [{"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study.uid, "PatientID": "*", "StudyDate": "*"}]
    Path("conf.json").write_text(json.dumps({**PACSNPULL, "host_port": pacs.port}))
    Path("move.json").write_text(json.dumps(asked))
    told = run_once(imported("pacsnpull", "conf.json", "move.json"), pacs)
    assert told.rows == [("complete", "")]
    wanted = {i.uid for series in pacs.archive.series(study.uid) for i in series.instances}
    assert {image.SOPInstanceUID for image in images(told).values()} == wanted
    assert {path.split("/")[0] for path in told.out} == {study.uid}


def test_dicomtrolley_goes_on_by_mint_and_rad69(pacs):
    archive = phantom_archive(2, matrix=16, images=3)
    study = next(iter(archive.studies.values()))
    with Mint(archive) as mint, Rad69(archive) as rad69:
        open_to_all = {"login_url": "", "user": "", "password": "", "realm": ""}
        find = {**CHANNELS["find"], **open_to_all, "mint_url": mint.url}
        get = {**CHANNELS["get"], **open_to_all, "rad69_url": rad69.url}
        Path("settings.yml").write_text(json.dumps(TROLLEY))
        Path("channels.json").write_text(json.dumps({"find": find, "get": get}))
        Path("rows.csv").write_text(f"AccessionNumber\n{study.attributes['AccessionNumber']}\n")
        folder = imported("dicomtrolley", "settings.yml", "rows.csv", "--channels", "channels.json")
        told = run_once(folder, SimpleNamespace(counts=Counter(), archive=archive, listening=True))
    assert told.rows == [("complete", "")]
    wanted = {i.uid for series in study.make_series() for i in series.instances}
    assert {image.SOPInstanceUID for image in images(told).values()} == wanted
