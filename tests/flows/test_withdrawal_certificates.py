"""A certificate says `complete` only where nothing of the patient is left, however the places are found."""

import hashlib
import json
import shutil

import pytest

from pacsflow.errors import ProjectError
from pacsflow.ledger import outcomes
from pacsflow.run import delivering, removal, withdrawing
from pacsflow.run.opening import open_session
from pacsflow.run.withdrawing import WithdrawRequest, withdraw
from whole_run import lying, project, run_once

KINDS = {
    "folder": {"kind": "folder", "path": "${project.workdir}/out"},
    "storage": {"kind": "storage", "url": "file://${project.workdir}/out"},
    "dicomdir": {"kind": "dicomdir", "path": "${project.workdir}/out"},
}


class Killed(BaseException):
    """Stands for a process that is killed: nothing after it is done."""


def withdrawn(folder, **wish):
    with open_session(str(folder), action="withdraw") as run:
        done = withdraw(run, WithdrawRequest(**wish), by="somebody")
    return done, json.loads(done.certificate.read_text())


def images(place):
    return {path for path in place.rglob("*") if path.is_file() and ".pacsflow" not in path.parts}


def moved(place):
    shutil.move(place, place.with_name("elsewhere"))


def moved_and_empty(place):
    moved(place)
    place.mkdir()


def behind_a_link(place):
    study = next(path for path in place.iterdir() if path.is_dir() and path.name != ".pacsflow")
    shutil.move(study, place.with_name("elsewhere"))
    study.symlink_to(place.with_name("elsewhere"))


@pytest.mark.parametrize("spoil", [moved, moved_and_empty, behind_a_link])
@pytest.mark.parametrize("kind", KINDS)
def test_a_place_that_is_not_the_one_that_was_delivered_to_proves_nothing(tmp_path, kind, spoil):
    with lying() as (pacs, node):
        target = json.loads(json.dumps(KINDS[kind]).replace("${project.workdir}", str(tmp_path / "data")))
        folder = project(tmp_path, pacs, node, number=1, export={"targets": [target]})
        run_once(folder, pacs)
        patient = next(iter(pacs.archive.studies.values())).attributes["PatientID"]
        spoil(tmp_path / "data" / "out")
        done, told = withdrawn(folder, patient=patient)
        left = images(tmp_path / "data" / "elsewhere")
        assert told["complete"] == (not left)
        if left:
            assert (done.stays, done.links) == ([(done.stays[0][0], done.stays[0][1])], 0)
            assert f'--gone "{kind} 1"' in done.stays[0][1].fix or "look at them" in done.stays[0][1].fix


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", ["killed before it is noted", "broken off in the middle"])
def test_what_a_delivery_that_did_not_end_left_is_taken_away_too(tmp_path, monkeypatch, kind, when):
    with lying() as (pacs, node):
        target = json.loads(json.dumps(KINDS[kind]).replace("${project.workdir}", str(tmp_path / "data")))
        folder = project(tmp_path, pacs, node, number=1, export={"targets": [target]})
        with monkeypatch.context() as patched:
            if when == "killed before it is noted":
                patched.setattr(delivering.outcomes, "note_delivery", killed_at_the_end(outcomes.note_delivery))
            else:
                patched.setattr(delivering, "_delivered", broken_off(delivering._delivered))
            try:
                run_once(folder, pacs)
            except Killed:
                assert when.startswith("killed")
        assert images(tmp_path / "data" / "out")
        patient = next(iter(pacs.archive.studies.values())).attributes["PatientID"]
        _, told = withdrawn(folder, patient=patient)
        assert told["complete"]
        assert not images(tmp_path / "data" / "out") | images(tmp_path / "data" / "staging")


def killed_at_the_end(note):
    def noted(ledger, key, delivery):
        if delivery.status == "done":
            raise Killed
        note(ledger, key, delivery)

    return noted


def broken_off(deliver):
    def delivered(*given):
        deliver(*given)
        raise OSError(5, "broken off")

    return delivered


def test_what_broke_off_and_cannot_be_brought_to_its_end_is_not_called_gone(tmp_path, monkeypatch):
    with lying() as (pacs, node):
        export = {"targets": [KINDS["folder"]]}
        folder = project(tmp_path, pacs, node, number=1, export=export)
        monkeypatch.setattr(delivering, "_delivered", broken_off(delivering._delivered))
        run_once(folder, pacs)
        patient = next(iter(pacs.archive.studies.values())).attributes["PatientID"]
        done, told = withdrawn(folder, patient=patient)
        assert not told["complete"]
        assert "broke off" in done.stays[0][1].why
        assert done.links == 0
        shutil.rmtree(tmp_path / "data" / "out")
        _, told = withdrawn(folder, patient=patient, gone=("folder 1",))
        assert told["complete"]


def test_what_a_killed_run_left_in_staging_goes_and_what_somebody_put_there_stays(tmp_path):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        run_once(folder, pacs)
        staged = next((tmp_path / "data" / "staging").rglob("*.dcm"))
        unnoted = staged.with_name("2.25.1.dcm")
        half = staged.with_name(f".{'0' * 32}-1.part")
        foreign = staged.with_name("notes of somebody.txt")
        for path in (unnoted, half, foreign):
            path.write_bytes(b"content")
        patient = next(iter(pacs.archive.studies.values())).attributes["PatientID"]
        _, told = withdrawn(folder, patient=patient)
        assert images(tmp_path / "data" / "staging") == {foreign}
        assert not told["complete"]
        foreign.unlink()
        assert withdrawn(folder, patient=patient)[1]["complete"]


def test_a_persons_word_does_not_stand_against_what_a_target_shows(tmp_path):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, export={"targets": [KINDS["folder"]]})
        run_once(folder, pacs)
        changed = min(images(tmp_path / "data" / "out"))
        changed.unlink()
        changed.write_bytes(b"changed since")
        patient = next(iter(pacs.archive.studies.values())).attributes["PatientID"]
        _, told = withdrawn(folder, patient=patient, gone=("folder 1",))
        assert images(tmp_path / "data" / "out") == {changed}
        assert not told["complete"]


def test_an_id_that_nothing_here_has_withdraws_nobody(tmp_path):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1)
        run_once(folder, pacs)
        patient = next(iter(pacs.archive.studies.values())).attributes["PatientID"]
        for wrong in (f"00{patient}", f"{patient} II", "   ", "nobody"):
            with pytest.raises(ProjectError, match="nothing here is of a patient of that ID") as told:
                withdrawn(folder, patient=wrong)
            assert wrong.strip() not in str(told.value) or not wrong.strip()
        done, _ = withdrawn(folder, patient=f" {patient.lower()} ")
        assert len(done.studies) == 1


@pytest.mark.parametrize(
    ("where", "step"),
    [
        (removal.withdrawals, "forget_delivery"),
        (removal.withdrawals, "forget_held"),
        (withdrawing, "_forget_people"),
        (withdrawing.acts, "note"),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_the_certificates_of_a_killed_and_a_repeated_withdrawal_name_every_file(
    tmp_path, monkeypatch, where, step, after
):
    with lying() as (pacs, node):
        targets = [KINDS["folder"], {"kind": "folder", "path": "${project.workdir}/second"}]
        folder = project(tmp_path, pacs, node, number=1, export={"targets": targets})
        run_once(folder, pacs)
        places = [tmp_path / "data" / name for name in ("out", "second", "staging")]
        sums = {hashlib.sha256(path.read_bytes()).hexdigest() for place in places for path in images(place)}
        patient = next(iter(pacs.archive.studies.values())).attributes["PatientID"]
        done = getattr(where, step)

        def killed(*given):
            if after:
                done(*given)
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(where, step, killed)
            with pytest.raises(Killed):
                withdrawn(folder, patient=patient)
        _, told = withdrawn(folder, patient=patient)
        assert told["complete"]
        every = [json.loads(path.read_text()) for path in (tmp_path / "data" / "report").glob("withdrawn-*.json")]
        assert sums <= {
            one for each in every for study in each["studies"] for p in study["places"] for one in p["sha256"]
        }
        assert not any(map(images, places))
        with open_session(str(folder), action="run") as run:
            assert run.vault.links() == []
