"""Several projects given to one command: what they both want is retrieved once, and what goes wrong in one stays there."""

import hashlib
import json

import pytest

from commands import pacsflow
from pacsflow.ledger import studies, traffic
from pacsflow.run.beside import beside
from pacsflow.run.local import plan_locally, run_locally
from pacsflow.run.opening import open_session
from project_folder import write_project
from whole_run import IMAGES, by_uid, files_of, lying

KEYS = ("StudyInstanceUID", "PatientID", "PatientName", "AccessionNumber")


def written(tmp_path, name, node, rows, **files):
    project = {"workdir": str(tmp_path / "root" / name)}
    folder = write_project(tmp_path / name / name, pacs=node, rows=rows, project=project, **files)
    (folder.parent / "key").write_text(hashlib.sha256(name.encode()).hexdigest())
    return folder


def together(folders):
    """Each planned, then each run with those after it beside it, as the command does."""
    for folder in folders[1:]:
        with open_session(str(folder), action="run") as run:
            plan_locally(run)
    told = []
    for number, folder in enumerate(folders, 1):
        with open_session(str(folder), action="run") as run, beside(run, [str(one) for one in folders[number:]]):
            told.append((run_locally(run).state, traffic.total(run.ledger)))
    return told


def held(folder):
    with open_session(str(folder), action="plan") as run:
        return sum(len(studies.instances(run.ledger, plan.key, "held")) for plan in studies.planned(run.ledger))


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_images_of_two_projects_are_retrieved_once_and_stay_apart(tmp_path, method):
    with lying(method=method) as (pacs, node):
        first = written(tmp_path, "one", node, by_uid(pacs.archive, 2))
        second = written(tmp_path, "two", node, by_uid(pacs.archive, 3))
        (one, asked_by_one), (two, asked_by_two) = together([first, second])
        assert (one, two) == ("done", "done")
        assert pacs.counts["gets"] + pacs.counts["moves"] == 3, "each study once"
        assert (asked_by_one["retrievals"], asked_by_two["retrievals"]) == (2, 1)
        known = [study.attributes[key] for study in pacs.archive.studies.values() for key in KEYS]
    outs = [files_of(tmp_path / "root" / name / "out") for name in ("one", "two")]
    assert [len(out) for out in outs] == [2 * IMAGES, 3 * IMAGES]
    assert not set(outs[0]) & set(outs[1]), "no path, and so no pseudonym, of one project is in the other"
    assert not set(outs[0].values()) & set(outs[1].values())
    written_files = [path for path in (tmp_path / "root").rglob("*.dcm") if path.is_file()]
    assert len(written_files) >= 5 * IMAGES
    for path in written_files:
        content = path.read_bytes()
        assert not [text for text in known if text and text.encode() in content]


def test_a_project_that_fails_leaves_the_other_alone(tmp_path):
    with lying() as (pacs, node):
        rows = by_uid(pacs.archive, 2)
        broken = written(tmp_path, "one", node, rows)
        whole = written(tmp_path, "two", node, rows)
        beyond = written(tmp_path, "three", node, rows)
        with open_session(str(beyond), action="run") as run:
            plan_locally(run)
        staging = tmp_path / "root" / "three" / "staging"
        staging.rmdir()
        staging.write_text("no folder")  # whatever arrives there cannot be written
        with open_session(str(whole), action="run") as run:
            plan_locally(run)
        with (
            open_session(str(broken), action="run") as run,
            beside(run, [str(beyond), str(whole), str(tmp_path / "no")]),
        ):
            assert run_locally(run).state == "done"
        staging.unlink()
        assert (held(broken), held(beyond), held(whole)) == (2 * IMAGES, 0, 2 * IMAGES)
        for folder, retrievals in ((whole, 0), (beyond, 2)):
            with open_session(str(folder), action="run") as run:
                assert run_locally(run).state == "done"
                assert traffic.total(run.ledger)["retrievals"] == retrievals


def test_a_project_that_waits_for_a_person_gets_no_image(tmp_path):
    with lying() as (pacs, node):
        first, second = (written(tmp_path, name, node, by_uid(pacs.archive, 1)) for name in ("one", "two"))
        settings = json.loads((second / "project.yaml").read_text())
        (second / "project.yaml").write_text(json.dumps({**settings, "approval": "required"}))
        assert [state for state, _ in together([first, second])] == ["done", "waiting for approval"]
    assert held(second) == 0


def test_one_command_runs_several_projects(tmp_path, prefect):
    with lying() as (pacs, node):
        first, second = (written(tmp_path, name, node, by_uid(pacs.archive, 2)) for name in ("one", "two"))
        target = tmp_path / "taken"
        target.write_text("a file where the folder of a target should be")
        (first / "export.yaml").write_text(json.dumps({"targets": [{"kind": "folder", "path": str(target / "x")}]}))
        told = prefect.pacsflow_here("run", str(first), str(second), expect=1)
        assert pacs.counts["gets"] == 2
        assert len(files_of(tmp_path / "root" / "two" / "out")) == 2 * IMAGES
        assert "two: complete" in told
        assert "--json: is the answer of one project" in pacsflow("run", first, second, "--json", expect=2)


def test_a_patient_whom_a_project_excludes_since_it_was_planned_is_not_handed_on_to_it(tmp_path):
    with lying() as (pacs, node):
        first, second = (written(tmp_path, name, node, by_uid(pacs.archive, 3)) for name in ("one", "two"))
        with open_session(str(second), action="run") as run:
            plan_locally(run)
        patients = [study.attributes["PatientID"] for study in list(pacs.archive.studies.values())[:3]]
        (second.parent / "out.txt").write_text(f"{patients[0].lower()}\n")
        query = json.loads((second / "query.yaml").read_text())
        (second / "query.yaml").write_text(json.dumps({**query, "exclusions": "../out.txt"}))
        with open_session(str(first), action="run") as run, beside(run, [str(second)]):
            assert run_locally(run).state == "done"
    images = list((tmp_path / "root" / "two" / "staging").rglob("*.dcm"))
    assert len(images) == IMAGES * sum(patient != patients[0] for patient in patients)
