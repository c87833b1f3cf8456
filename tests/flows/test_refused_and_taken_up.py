"""Who a run's images are of: one study is one person, and pseudonyms that were wanting come later. In this process."""

import datetime as dt
import json
import logging
import warnings
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from pydicom import dcmread

from factory import make_study, write_files
from pacsflow.errors import PacsflowError
from pacsflow.ledger import studies
from pacsflow.refs import StudyRef
from pacsflow.run.opening import open_session
from pacsflow.run.remaining import left_to_do
from pacsflow.run.reporting.report import _summary
from pacsflow.run.reporting.row_outcomes import outcomes_of
from pacsflow.simpacs import SimPacs, folder_archive, phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from pacsflow.vault import Vault
from peers.certificates import Authority
from peers.deid_api import Service
from project_folder import KEY, write_project
from tasks.steps import deliver_study, fetch_study
from whole_run import find_rows

IMAGES = 3
RETRIES = {"attempts": 1, "wait": {"first": 0, "max": 0}}


def two_patients():
    """A study of each of two patients."""
    every = phantom_archive(4, matrix=16, images=IMAGES).studies.values()
    return StudyArchive(list({study.attributes["PatientID"]: study for study in every}.values())[:2])


@pytest.fixture
def pacs():
    with SimPacs(two_patients()) as simulator:
        yield simulator


def project(tmp_path, pacs, **files):
    asked = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(pacs.archive.studies)]
    node = {"port": pacs.port, "called_aet": pacs.aet, "retries": RETRIES}
    return write_project(tmp_path / "p", pacs=node, rows=files.pop("asked", asked), **files)


def run(folder, errors=None):
    """The statuses and reasons of the rows after a run, and what the report shows of them."""
    with open_session(str(folder), action="run") as opened:
        find_rows(opened)
        for key in [plan.key for plan in left_to_do(opened.ledger, opened.project)]:
            for task in (fetch_study, deliver_study):
                try:
                    task.fn(StudyRef(str(folder), key))
                except PacsflowError as error:
                    (errors if errors is not None else []).append(error)
        found = outcomes_of(opened)
        held = Counter(
            i.status for p in studies.planned(opened.ledger) for i in studies.instances(opened.ledger, p.key)
        )
        return [(one.status, one.reason) for one in found], held, _summary(opened, found)


def patients(pacs):
    return [study.attributes["PatientID"] for study in pacs.archive.studies.values()]


def out(folder):
    return sorted((folder.parent / "data" / "out").rglob("*.dcm"))


def test_a_patient_who_gets_a_pseudonym_later_is_asked_for_then_and_only_then(tmp_path, pacs):
    first, second = patients(pacs)
    table = tmp_path / "ids.csv"
    table.write_text(f"{first},P1\n")
    folder = project(tmp_path, pacs, deid={"patient": {"source": "table", "file": str(table)}})
    wanting = ("partial", f"{IMAGES} refused (pseudonym: none for this patient)")
    assert run(folder)[0] == [("complete", ""), wanting]
    before = pacs.counts["gets"]
    assert before == 1, "nothing is fetched of a patient without a pseudonym"
    assert run(folder)[0] == [("complete", ""), wanting]
    assert pacs.counts["gets"] == before, "as long as the table is as it was nothing is asked for"
    table.write_text(f"{first},P1\n{second},P2\n")
    told, held, _ = run(folder)
    assert told == [("complete", ""), ("complete", "")]
    assert held == {"held": 2 * IMAGES}
    assert pacs.counts["gets"] == before + 1
    assert {str(dcmread(path).PatientID) for path in out(folder)} == {"P1", "P2"}


@pytest.fixture
def service(tmp_path, monkeypatch):
    authority = Authority(tmp_path / "ca")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    monkeypatch.setenv("DEID_TOKEN", "s3cret")
    with Service(authority) as server:
        yield server


def by_service(service):
    return {
        "patient": {"source": "api", "url": f"{service.url}/deid", "token": "${env:DEID_TOKEN}"},
        "dates": {"source": "api", "direction": "add"},
        "options": ["retain-longitudinal-modified-dates"],
    }


def test_a_service_of_pseudonyms_gives_names_and_shifts_and_its_silence_fails_studies_until_the_next_run(
    tmp_path, pacs, service
):
    ids = patients(pacs)
    folder = project(tmp_path, pacs, deid=by_service(service))
    down = (503, b"{}")
    service.answers = {"/deid": down, "/deid_shift": down}
    errors = []
    told, held, _ = run(folder, errors)
    why = "the service of pseudonyms answers with HTTP 503"
    assert told == [("failed", why)] * 2
    assert {(str(error), error.transient) for error in errors} == {(why, True)}
    assert not held
    assert pacs.counts["gets"] == 0, "nothing is fetched in vain"
    assert not out(folder)
    pseudonyms, shifts = dict(zip(ids, ("P1", "P2"), strict=True)), dict(zip(ids, (-12, 40), strict=True))
    service.answers = {
        "/deid": (200, json.dumps(pseudonyms).encode()),
        "/deid_shift": (200, json.dumps(shifts).encode()),
    }
    told, held, report = run(folder)
    assert told == [("complete", "")] * 2
    assert [study.pseudonym for study in report.studies] == ["P1", "P2"]
    links = Vault(tmp_path / "data" / "private" / "vault", bytes.fromhex(KEY)).links()
    assert {(link.patient_id, link.pseudonym, link.shift_days) for link in links} == {
        (each, pseudonyms[each], shifts[each]) for each in ids
    }
    for study in pacs.archive.studies.values():
        mine = [dcmread(path) for path in out(folder)]
        days = {str(ds.StudyDate) for ds in mine if ds.PatientID == pseudonyms[study.attributes["PatientID"]]}
        assert days == {moved(study.attributes["StudyDate"], shifts[study.attributes["PatientID"]])}


def moved(day, days):
    return f"{dt.date.fromisoformat(day) + dt.timedelta(days=days):%Y%m%d}"


def test_a_patient_whom_the_service_comes_to_know_is_taken_up(tmp_path, pacs, service):
    first, second = patients(pacs)
    folder = project(tmp_path, pacs, deid=by_service(service))
    shifts = (200, json.dumps({first: 1, second: 2}).encode())
    service.answers = {"/deid": (200, json.dumps({first: "P1"}).encode()), "/deid_shift": shifts}
    assert [status for status, _ in run(folder)[0]] == ["complete", "partial"]
    service.answers["/deid"] = (500, b"")
    assert [status for status, _ in run(folder)[0]] == ["complete", "partial"]
    service.answers["/deid"] = (200, json.dumps({first: "P1", second: "P2"}).encode())
    assert [status for status, _ in run(folder)[0]] == ["complete", "complete"]


def test_a_service_whose_certificate_is_not_trusted_receives_no_patient_id(tmp_path, pacs, service, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path / "other", "Another authority").ca))
    folder = project(tmp_path, pacs, deid=by_service(service))
    told, _, _ = run(folder)
    assert told == [("failed", "the service of pseudonyms cannot be asked (ConnectError)")] * 2
    assert service.asked == []


def test_a_rows_id_that_identifies_the_patient_is_in_no_report_and_no_file_name(tmp_path, pacs):
    study, other = pacs.archive.studies.values()
    asked = [
        {"id": f"MRN {study.attributes['PatientID']}", "StudyInstanceUID": study.uid},
        {"id": "r2", "StudyInstanceUID": other.uid},
    ]
    layout = "{row}/{series}"
    export = {"targets": [{"kind": "folder", "path": "${project.workdir}/out", "layout": layout}]}
    _, _, report = run(project(tmp_path, pacs, asked=asked, export=export))
    assert [row.label for row in report.rows] == ["row 1", "r2"]
    names = " ".join(str(path) for path in out(tmp_path / "p"))
    assert names
    assert study.attributes["PatientID"] not in names


def test_what_pydicom_thinks_of_an_answer_is_not_shown(tmp_path, caplog, capfd):
    first, second = two_patients().studies.values()
    strange = "31st of Quistgaard"
    odd = replace(first, attributes={**first.attributes, "PatientBirthDate": strange})
    with SimPacs(StudyArchive([odd, second])) as pacs:
        told, _, _ = run(project(tmp_path, pacs))
    assert len(told) == 2
    logging.getLogger("pydicom").critical(strange)
    warnings.warn(strange, UserWarning, stacklevel=1)
    assert strange not in caplog.text + str(capfd.readouterr())


SHIFTED = {"options": ["retain-longitudinal-modified-dates"]}


def mixed():
    """A study whose images name the issuer in part, and write the id in other cases, with blanks and zeros."""
    images = make_study(series=1, images=4, PatientID="QX4711", AccessionNumber="A", StudyInstanceUID="1.2.3.4")
    forms = [("QX4711", None), ("qx4711", "HOSP"), ("0QX4711", None), ("QX4711", "hosp")]
    for image, (text, issuer) in zip(images, forms, strict=True):
        image.PatientID = text
        if issuer:
            image.IssuerOfPatientID = issuer
    return images


def test_a_study_has_one_pseudonym_and_placeholders_link_no_studies(tmp_path):
    nobody = [
        make_study(series=1, images=2, PatientID="UNKNOWN", AccessionNumber=word, StudyInstanceUID=f"1.2.3.{n}")
        for n, word in enumerate("BC", 5)
    ]
    write_files([*mixed(), *nobody[0], *nobody[1]], tmp_path / "files")
    with SimPacs(folder_archive(tmp_path / "files")) as pacs:
        folder = project(tmp_path, pacs, deid=SHIFTED)
        rows, held, summary = run(folder)
        again = run(folder)[0]
    assert held == {"held": 8}
    said = dict(zip(sorted(pacs.archive.studies), rows, strict=True))
    assert said["1.2.3.4"] == ("complete", "")
    for uid in ("1.2.3.5", "1.2.3.6"):
        assert said[uid][0] == "complete"
        assert "told apart by study" in said[uid][1]
    assert again == rows
    found = defaultdict(set)
    for path in out(folder):
        ds = dcmread(path)
        found[ds.StudyInstanceUID].add((ds.PatientID, ds.StudyDate))
    assert len(found) == 3
    assert all(len(each) == 1 for each in found.values())
    assert len({next(iter(each)) for each in found.values()}) == 3
    assert {study.pseudonym for study in summary.studies} == {next(iter(each))[0] for each in found.values()}
