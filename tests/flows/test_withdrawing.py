"""A patient, a row, a study, or what no row wants any more is taken away from everywhere it can be."""

import hashlib
import json
from contextlib import contextmanager

import pytest

from pacsflow.cli.withdraw import withdraw as command
from pacsflow.errors import BusyError, ProjectError, WorkLeftError
from pacsflow.ledger import summary
from pacsflow.run.excluding import exclude_rows
from pacsflow.run.opening import open_session
from pacsflow.run.people.decisions import ledger_of
from pacsflow.run.reporting.left_behind import left_behind
from pacsflow.run.reporting.plan import write_plan
from pacsflow.run.reporting.report import write_report
from pacsflow.run.withdrawing import WithdrawRequest, withdraw, withdraw_excluded
from whole_run import find_only, lying, project, run_once

PARCEL = {"path": "${project.workdir}/parcels", "password": "${env:WITHDRAWN_TEST}"}


@contextmanager
def delivered(tmp_path, monkeypatch, *, asked=None, **more):
    """Two studies of a patient, delivered to every kind of target that is a place of files."""
    monkeypatch.setenv("WITHDRAWN_TEST", "a password")
    targets = [
        {"kind": "folder", "path": "${project.workdir}/out", "nifti": True},
        {"kind": "storage", "url": f"file://{tmp_path}/data/storage"},
        {"kind": "archive", **PARCEL},
        {"kind": "dicomdir", "path": "${project.workdir}/sets"},
    ]
    export = {"targets": targets, "nifti": [{"modality": "*", "converter": "dicom2nifti"}]}
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=asked, export=export, **more)
        run_once(folder, pacs)
        yield folder, pacs


def files(tmp_path):
    """All that is delivered or held, but what targets note of names."""
    places = ("out", "storage", "parcels", "sets", "staging")
    found = (path for place in places for path in (tmp_path / "data" / place).rglob("*"))
    return {path for path in found if path.is_file() and ".pacsflow" not in path.parts}


def people(archive):
    return {uid: study.attributes["PatientID"] for uid, study in archive.studies.items()}


def withdrawn(folder, **wish):
    with open_session(str(folder), action="withdraw") as run:
        done = withdraw(run, WithdrawRequest(**wish), by="somebody")
        write_plan(run)
        write_report(run)
    return done


def certificate(done):
    return json.loads(done.certificate.read_text())


def test_a_patient_is_gone_from_every_place_of_files_and_from_the_vault(tmp_path, monkeypatch):
    with delivered(tmp_path, monkeypatch) as (folder, pacs):
        patient = next(iter(people(pacs.archive).values()))
        delivered_files = [path for path in files(tmp_path) if "staging" not in path.parts]
        sums = {hashlib.sha256(path.read_bytes()).hexdigest() for path in delivered_files}
        done = withdrawn(folder, patient=patient)
        assert not done.stays
        assert files(tmp_path) == set()
        told = certificate(done)
        assert told["complete"]
        assert told["links taken out of the vault"] == 1
        named = {digest for study in told["studies"] for place in study["places"] for digest in place["sha256"]}
        assert sums <= named
        assert {p["place"] for s in told["studies"] for p in s["places"]} == {
            "folder 1", "storage 2", "archive 3", "dicomdir 4", "staging",
        }  # fmt: skip
        with open_session(str(folder), action="run") as run:
            assert run.vault.links() == []


def test_a_certificate_names_nobody(tmp_path, monkeypatch):
    with delivered(tmp_path, monkeypatch) as (folder, pacs):
        with open_session(str(folder), action="plan") as run:
            pseudonyms = {link.pseudonym for link in run.vault.links()}
        known = set(people(pacs.archive).values()) | set(pacs.archive.studies) | pseudonyms
        done = withdrawn(folder, patient=next(iter(people(pacs.archive).values())))
        text = done.certificate.read_text()
        assert not [word for word in known if word in text]
        assert done.certificate.stat().st_mode & 0o777 == 0o600


def test_what_was_withdrawn_is_not_fetched_again_by_any_row(tmp_path, monkeypatch):
    with delivered(tmp_path, monkeypatch) as (folder, pacs):
        patient = next(iter(people(pacs.archive).values()))
        withdrawn(folder, patient=patient)
        before = pacs.counts.copy()
        assert {status for status, _ in run_once(folder, pacs).rows} == {"excluded"}
        asked = [{"id": "later", "PatientID": patient}, {"id": "by date", "StudyDate": "19000101-20991231"}]
        query = json.loads((folder / "query.yaml").read_text())
        (folder / "query.yaml").write_text(json.dumps({**query, "rows": asked}))
        with open_session(str(folder), action="run") as run:
            assert exclude_rows(run) == {"later"}
        told = run_once(folder, pacs)
        assert told.rows[0][0] == "excluded"
        mine = [uid for uid, who in people(pacs.archive).items() if who == patient]
        with ledger_of(folder) as ledger:
            fetched = {study.attributes["StudyInstanceUID"] for study in summary.studies(ledger).values()
                       if any(s.counts["held"] for s in study.series)}  # fmt: skip
        assert not fetched & set(mine)
        assert pacs.counts["gets"] - before["gets"] == len(pacs.archive.studies) - len(mine)


def test_a_row_takes_its_studies_with_it_and_leaves_those_of_others(tmp_path, monkeypatch):
    with delivered(tmp_path, monkeypatch) as (folder, _):
        before = files(tmp_path)
        done = withdrawn(folder, row="r0")
        assert not done.stays
        after = files(tmp_path)
        assert after
        assert after < before
        with ledger_of(folder) as ledger:
            assert [row.status for row in summary.rows(ledger)] == ["dropped", "found"]
        assert done.links == 0, "the patient has another study"


def test_a_study_that_another_row_wants_stays_and_that_is_told(tmp_path, monkeypatch):
    with lying() as (pacs, _):
        uid = next(iter(pacs.archive.studies))
        asked = [{"id": "a", "StudyInstanceUID": uid}, {"id": "b", "StudyInstanceUID": uid}]
    with delivered(tmp_path, monkeypatch, asked=asked) as (folder, _):
        before = files(tmp_path)
        done = withdrawn(folder, row="a")
        assert [one.why for _, one in done.stays] == ["other rows want it"]
        assert files(tmp_path) == before
        assert not withdrawn(folder, study=studies_of(folder)[0]).stays
        assert files(tmp_path) == set()


def studies_of(folder):
    with ledger_of(folder) as ledger:
        return sorted(summary.studies(ledger))


def test_a_row_that_left_the_query_is_told_of_and_taken_away_by_unwanted(tmp_path, monkeypatch):
    with delivered(tmp_path, monkeypatch) as (folder, pacs):
        query = json.loads((folder / "query.yaml").read_text())
        (folder / "query.yaml").write_text(json.dumps({**query, "rows": query["rows"][1:]}))
        with open_session(str(folder), action="plan") as run:
            told = left_behind(run.ledger)
            plan = write_plan(run)
            write_report(run)
        assert "1 study lies at folder 1, and no row wants them" in told
        assert plan.totals["studies at targets that no row wants"] == 1
        assert "no row wants" in (tmp_path / "data" / "report" / "report.html").read_text()
        assert not withdrawn(folder, unwanted=True).stays
        with ledger_of(folder) as ledger:
            assert left_behind(ledger) == ()
        assert {status for status, _ in run_once(folder, pacs).rows} == {"complete"}


def test_nothing_is_unwanted_as_long_as_rows_are_not_answered(tmp_path, monkeypatch):
    with delivered(tmp_path, monkeypatch) as (folder, _):
        query = json.loads((folder / "query.yaml").read_text())
        rows = [{**query["rows"][0], "Modality": "CT"}]
        (folder / "query.yaml").write_text(json.dumps({**query, "rows": rows}))
        before = files(tmp_path)
        with pytest.raises(ProjectError, match="not answered yet"):
            withdrawn(folder, unwanted=True)
        assert files(tmp_path) == before


@pytest.mark.parametrize("place", ["out", "storage", "parcels", "sets"])
def test_what_somebody_changed_or_put_there_is_never_deleted(tmp_path, monkeypatch, place):
    with delivered(tmp_path, monkeypatch) as (folder, pacs):
        root = tmp_path / "data" / place
        changed = next(p for p in sorted(root.rglob("*")) if p.is_file() and ".pacsflow" not in p.parts)
        changed.unlink()
        changed.write_bytes(b"somebody's own words")
        foreign = changed.with_name("notes of somebody.txt")
        foreign.write_text("mine")
        done = withdrawn(folder, patient=next(iter(people(pacs.archive).values())))
        assert len(done.stays) == 1
        assert "from what was delivered" in done.stays[0][1].why
        assert files(tmp_path) == {changed, foreign}
        assert not certificate(done)["complete"]
        changed.unlink()
        again = withdrawn(folder, patient=next(iter(people(pacs.archive).values())))
        assert not again.stays
        assert files(tmp_path) == {foreign}
        assert again.links == 1, "the vault's link goes when nothing is left"


def test_a_node_takes_nothing_back_and_what_to_do_there_is_said(tmp_path, orthanc):
    target = {
        "kind": "dicom",
        "host": "127.0.0.1",
        "port": orthanc.port,
        "called_aet": orthanc.aet,
        "query_back": False,
    }
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, export={"targets": [target]}, number=1)
        run_once(folder, pacs)
        patient = next(iter(people(pacs.archive).values()))
        done = withdrawn(folder, patient=patient)
        [(_, stays)] = done.stays
        assert "delete the study there" in stays.why
        assert '--gone "dicom 1"' in stays.fix
        with pytest.raises(WorkLeftError):
            command(folder, patient=patient)
        again = withdrawn(folder, patient=patient, gone=("dicom 1",))
        assert not again.stays
        assert "by hand, as a person says" in again.certificate.read_text()


def test_a_target_that_moved_is_still_cleared_where_it_was(tmp_path):
    with lying() as (pacs, node):
        export = {"targets": [{"kind": "folder", "path": "${project.workdir}/out"}]}
        folder = project(tmp_path, pacs, node, export=export, number=1)
        run_once(folder, pacs)
        (folder / "export.yaml").write_text(
            json.dumps({"targets": [{"kind": "folder", "path": "${project.workdir}/storage"}]})
        )
        run_once(folder, pacs)
        with ledger_of(folder) as ledger:
            assert any("sends them no more" in told for told in left_behind(ledger))
        assert not withdrawn(folder, study=studies_of(folder)[0]).stays
        assert files(tmp_path) == set()


def test_a_run_at_work_is_not_disturbed(tmp_path, monkeypatch):
    with (
        delivered(tmp_path, monkeypatch) as (folder, _),
        open_session(str(folder), action="run"),
        pytest.raises(BusyError),
    ):
        withdrawn(folder, row="r0")


@pytest.mark.parametrize("form", ["txt", "csv", "xlsx"])
def test_excluded_patients_are_not_asked_for_and_what_is_there_of_them_goes(tmp_path, monkeypatch, form):
    with delivered(tmp_path, monkeypatch) as (folder, pacs):
        patient = next(iter(people(pacs.archive).values()))
        list_of(tmp_path / f"out.{form}", [patient.lower()])
        rows = [
            {"id": "named", "PatientID": patient},
            {"id": "study", "StudyInstanceUID": next(iter(pacs.archive.studies))},
        ]
        query = json.loads((folder / "query.yaml").read_text())
        query |= {"rows": rows, "exclusions": f"../out.{form}"}
        (folder / "query.yaml").write_text(json.dumps(query))
        before = pacs.counts.copy()
        with open_session(str(folder), action="run") as run:
            done = withdraw_excluded(run)
            assert exclude_rows(run) == {"named"}
        assert not done.stays
        assert files(tmp_path) == set()
        told = run_once(folder, pacs)
        assert [status for status, _ in told.rows] == ["excluded", "excluded"]
        assert all("`exclusions`" in reason for _, reason in told.rows)
        assert pacs.counts["gets"] == before["gets"]
        with open_session(str(folder), action="plan") as run:
            plan = write_plan(run)
            write_report(run)
        assert plan.totals["rows excluded"] == 2
        assert "2 excluded" in plan.sentence
        record = json.loads((tmp_path / "data" / "report" / "run.json").read_text())
        assert record["counts"]["rows"]["excluded"] == 2
        assert (tmp_path / "data" / "report" / "results.csv").read_text().count("excluded") >= 2


def test_what_a_row_found_of_a_patient_before_the_exclusion_is_not_fetched(tmp_path):
    with lying() as (pacs, node):
        everyone = [{"id": "by date", "StudyDate": "19000101-20991231"}]
        query = {"rows": everyone, "guards": {"several_patients_per_row": "accept"}}
        folder = project(tmp_path, pacs, node, query=query)
        assert [one.status for one in find_only(folder)] == ["found"]
        patient = next(iter(people(pacs.archive).values()))
        list_of(tmp_path / "out.txt", [patient])
        (folder / "query.yaml").write_text(json.dumps({**query, "exclusions": "../out.txt"}))
        with open_session(str(folder), action="run") as run:
            assert withdraw_excluded(run) is None
        told = run_once(folder, pacs)
        assert told.studies
        assert len(told.studies) == sum(who != patient for who in people(pacs.archive).values())


def list_of(path, ids):
    if path.suffix == ".xlsx":
        from openpyxl import Workbook

        book = Workbook()
        for line in [["PatientID", "Since"], *([one, "2026"] for one in ids)]:
            book.active.append(line)
        book.save(path)
    else:
        lines = ids if path.suffix == ".txt" else ["PatientID", *ids]
        path.write_text("\n".join(lines) + "\n")


def test_a_patient_who_is_excluded_no_more_is_asked_for_again(tmp_path):
    with lying() as (pacs, node):
        patient = next(iter(people(pacs.archive).values()))
        asked = [{"id": "named", "PatientID": patient}]
        list_of(tmp_path / "out.txt", [patient])
        folder = project(tmp_path, pacs, node, asked=asked, query={"exclusions": "../out.txt", "rows": asked})
        with open_session(str(folder), action="run") as run:
            exclude_rows(run)
        list_of(tmp_path / "out.txt", ["somebody else"])
        with open_session(str(folder), action="run") as run:
            exclude_rows(run)
        assert run_once(folder, pacs).rows[0][0] == "complete"


def test_files_of_exclusions_that_cannot_be_read_stop_everything(tmp_path):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, query={"exclusions": "../none.txt", "rows": [{"PatientID": "1"}]})
        with pytest.raises(ProjectError, match="exclusions"), open_session(str(folder), action="run"):
            pass
        (tmp_path / "none.txt").write_text("# nobody\n")
        with pytest.raises(ProjectError, match="names no patient"), open_session(str(folder), action="run"):
            pass
