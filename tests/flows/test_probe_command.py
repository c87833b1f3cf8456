"""`pacsflow probe`: what it prints, remembers and exits with; and what a run does with what is known."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from factory import make_study, write_files
from pacsflow.cli.app import app
from pacsflow.dicom import retrieve_methods
from pacsflow.dicom.probe import recall
from pacsflow.dicom.retrieve_methods import RetrieveMethod
from pacsflow.ledger import summary, traffic
from pacsflow.projects import read_project
from pacsflow.refs import RowRef
from pacsflow.run.node_remarks import remarks
from pacsflow.run.opening import open_session
from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from peers.ports import free_port
from peers.web import Front
from project_folder import write_project
from schemas.pacs import Fetch
from tasks.steps import find_row, greet_node


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def pacs():
    with SimPacs(phantom_archive(3, matrix=16, images=2)) as simulator:
        yield simulator


def project(tmp_path, pacs, **node):
    rows = [{"id": "r1", "StudyInstanceUID": next(iter(pacs.archive.studies))}]
    return write_project(tmp_path / "p", pacs={"port": pacs.port, "called_aet": pacs.aet, **node}, rows=rows)


def call(*words):
    return CliRunner().invoke(app, ["probe", *map(str, words)])


def identifiers(pacs):
    keywords = ("StudyInstanceUID", "PatientID", "PatientName", "AccessionNumber")
    return {study.attributes[keyword] for study in pacs.archive.studies.values() for keyword in keywords}


def test_what_is_found_is_reported_in_plain_words_and_remembered(tmp_path, state, pacs):
    folder = project(tmp_path, pacs)
    first = call(folder)
    assert first.exit_code == 0, first.output
    for words in ("C-GET", "✓ ok", "What pacsflow will do", "Fetch images by C-GET", "thrown away"):
        assert words in first.output
    asked = pacs.counts.copy()
    again = call(folder)
    assert again.exit_code == 0
    assert "remembered from" in again.output
    assert pacs.counts == asked, "nothing is asked twice"
    assert "thrown away" in call(folder, "--again").output
    assert pacs.counts["gets"] == 2
    (kept,) = [path for path in state.rglob("*") if path.is_file()]
    assert kept.stat().st_mode & 0o077 == 0 or os.name != "posix"
    for text in (first.output, kept.read_text()):
        assert not [value for value in identifiers(pacs) if value in text]
    assert not list(Path(folder.parent / "data").rglob("*.dcm"))


def test_one_way_that_works_is_enough_nothing_is_left_to_fix(tmp_path, state, pacs):
    said = call(project(tmp_path, pacs))
    assert "accepted; not tried" in said.output
    assert "What you can do" not in said.output


def test_a_fallback_node_is_probed_too_and_hours_are_reported_not_waited_for(tmp_path, state, pacs):
    day = f"{datetime.now(UTC) + timedelta(days=3):%a}".lower()
    shut = {"timezone": "UTC", "allow": [{"days": day, "from": "00:00", "to": "00:01"}]}
    folder = project(tmp_path, pacs, fallback=["second.yaml"], hours=shut)
    node = {"name": "second", "host": "127.0.0.1", "port": free_port(), "called_aet": "B", "calling_aet": "PACSFLOW"}
    (folder / "second.yaml").write_text(json.dumps(node))
    said = call(folder)
    assert said.exit_code == 0, "the first node decides"
    assert "second: B at 127.0.0.1" in said.output
    assert "cannot be reached" in " ".join(said.output.split())
    assert f"asked outside its hours, {day} 00:00-00:01 (UTC)" in said.output
    told = json.loads(call(folder, "--json", "--again").stdout)
    assert (told["works"], told["outside hours"]) == (True, True)
    assert [(each["node"], each["works"]) for each in told["fallback"]] == [("second", False)]


def test_for_scripts_there_is_json(tmp_path, state, pacs):
    said = json.loads(call(project(tmp_path, pacs), "--json").stdout)
    assert said["project"] == read_project(tmp_path / "p").settings.name
    assert (said["works"], said["method"], said["proven"], said["remembered"]) == (True, "c-get", True, False)
    assert {one["name"] for one in said["findings"]} >= {"connection", "queries", "keys", "C-GET", "associations"}
    assert said["requests"]["retrievals"] == 1


def test_where_a_run_cannot_work_it_exits_6_shows_what_to_ask_for_and_remembers_nothing(tmp_path, state):
    told = Faults.model_validate({"faults": [{"kind": "no-service", "services": ["c-get"]}]})
    with SimPacs(phantom_archive(3, matrix=16, images=2), told) as pacs:
        port = free_port()
        folder = project(tmp_path, pacs, fetch={"move_to": {"aet": "PACSFLOW", "port": port, "host": "127.0.0.1"}})
        said = call(folder)
    assert said.exit_code == 6
    assert "Ask your PACS administrator" in said.output
    assert f"declare a C-MOVE destination: AE title PACSFLOW, host 127.0.0.1, port {port}" in said.output
    assert not list(state.rglob("*.json"))


def test_a_pacs_that_does_not_answer_exits_6_with_what_to_fix(tmp_path, state, pacs):
    said = call(project(tmp_path, pacs, port=free_port()))
    assert said.exit_code == 6
    assert "What you can do" in said.output
    assert "firewall" in said.output


def test_a_mistake_in_the_project_exits_2_before_anything_is_asked(tmp_path, state, pacs):
    folder = project(tmp_path, pacs, calld_aet="X")
    assert call(folder).exception.exit_code == 2
    assert not pacs.counts


def test_the_first_contact_of_a_run_costs_one_association_more_than_any_other(tmp_path, state, pacs):
    folder = project(tmp_path, pacs)
    node = read_project(folder).pacs
    for associations in (2, 3):
        with open_session(str(folder), action="run"):
            greet_node.fn(str(folder))
        assert pacs.counts["associations"] == associations
    assert not recall(node).whole
    assert retrieve_methods.remembered(node) is None, "accepted is not proven"


def test_a_run_goes_by_what_the_probe_found_to_work(tmp_path, state, pacs):
    folder = project(tmp_path, pacs)
    node = read_project(folder).pacs
    assert call(folder).exit_code == 0
    with open_session(str(folder), action="run") as run:
        greet_node.fn(str(folder))
        assert retrieve_methods.remembered(node) == RetrieveMethod("c-get")
        assert remarks(run) == ()
    retrieve_methods.forget(node)


def test_a_run_knows_the_result_limit_that_the_probe_found(tmp_path, state):
    told = Faults.model_validate({"faults": [{"kind": "result-limit", "answers": 7}]})
    with SimPacs(phantom_archive(12, matrix=16, images=2), told) as pacs:
        folder = project(tmp_path, pacs)
        assert call(folder).exit_code == 0
        with open_session(str(folder), action="run") as run:
            assert not run.lanes.ceiling.known("SERIES", 7)
            greet_node.fn(str(folder))
            assert run.lanes.ceiling.known("SERIES", 7)
        retrieve_methods.forget(read_project(folder).pacs)


def test_what_a_run_found_out_is_reported_and_known_to_the_next_one(tmp_path, state, pacs):
    port = free_port()
    folder = project(tmp_path, pacs, fetch={"move_to": {"aet": "PACSFLOW", "port": port, "host": "127.0.0.1"}})
    node = read_project(folder).pacs
    with open_session(str(folder), action="run") as run:
        greet_node.fn(str(folder))
        retrieve_methods.remember(node, RetrieveMethod("c-move", "C-GET brought nothing"))
        assert remarks(run) == ("C-GET brought nothing",)
    retrieve_methods.forget(node)
    with open_session(str(folder), action="run") as run:
        greet_node.fn(str(folder))
        assert retrieve_methods.remembered(node) == RetrieveMethod("c-move")
        assert remarks(run) == ()
    retrieve_methods.forget(node)


WEB_IDENTIFIERS = ("PROBED", "P-7")


@pytest.fixture
def front(orthanc, tmp_path):
    """Orthanc by DICOMweb, behind a door that cuts queries after four answers and does not turn the page."""
    orthanc.load(
        path
        for n in range(6)
        for path in write_files(
            make_study(series=1, PatientID=f"PROBED{n}", AccessionNumber=f"P-7{n}", StudyDate=f"2018010{n + 1}"),
            tmp_path / f"study{n}",
        )
    )
    with Front(orthanc.url) as service:
        service.bend = lambda path: path.replace("limit=1000", "limit=4").partition("&offset")[0]
        yield service


def web_project(tmp_path, front, **node):
    rows = [{"id": "r1", "AccessionNumber": "P-70", "PatientID": "PROBED0"}]
    fields = {"protocol": "dicomweb", "url": f"{front.url}/dicom-web", **node}
    return write_project(tmp_path / "w", pacs=fields, rows=rows)


def test_a_node_of_the_web_is_probed_by_its_own_protocol_and_remembered(tmp_path, state, front):
    folder = web_project(tmp_path, front)
    first = call(folder)
    assert first.exit_code == 0, first.output
    for words in ("QIDO-RS", "WADO-RS", "What pacsflow will do", "Ask in pieces where 4 answers come", "it is 4"):
        assert words in first.output
    asked = len(front.asked)
    assert "remembered from" in call(folder).output
    assert len(front.asked) == asked, "nothing is asked twice"
    (kept,) = [path for path in state.rglob("*") if path.is_file()]
    for text in (first.output, kept.read_text()):
        assert not [value for value in WEB_IDENTIFIERS if value in text]
    told = json.loads(call(folder, "--json").stdout)
    assert (told["works"], told["method"], told["proven"], told["remembered"]) == (True, "wado-rs", True, True)


def test_other_settings_of_the_web_are_another_node(tmp_path, front):
    node = read_project(web_project(tmp_path, front)).pacs
    others = [{"url": f"{front.url}/dicom-web/2"}, {"ca": "ours.pem"}, {"fetch": Fetch(method="wado-uri")}]
    seen = {retrieve_methods.fingerprint(node.model_copy(update=other)) for other in ({}, *others)}
    assert len(seen) == 1 + len(others)


@pytest.mark.parametrize("probed", [False, True])
def test_a_run_finds_behind_the_limit_of_a_web_service_probed_or_not(tmp_path, state, front, probed):
    folder = web_project(tmp_path, front)
    accepting = {"several_patients_per_row": "accept", "cut_answers": "accept"}
    row = {"id": "all", "PatientID": "PROBED*", "StudyDate": "20180101-20180106"}
    (folder / "query.yaml").write_text(json.dumps({"rows": [row], "guards": accepting}))
    if probed:
        assert call(folder).exit_code == 0
    with open_session(str(folder), action="run") as run:
        greet_node.fn(str(folder))
        run.lanes.allow(1)
        find_row.fn(RowRef(str(folder), 1))
        (found,) = summary.rows(run.ledger)
    assert len(found.hits) == 6


def asked_by(folder):
    with open_session(str(folder), action="plan") as run:
        return traffic.total(run.ledger)


def test_what_a_first_contact_asks_is_counted_in_the_traffic_of_the_project(tmp_path, state, front):
    folder = web_project(tmp_path, front)
    for greetings in (2, 3):
        with open_session(str(folder), action="run"):
            greet_node.fn(str(folder))
        assert len(front.asked) == asked_by(folder)["find"] == greetings


def test_what_a_probe_asks_is_counted_where_the_project_has_a_ledger(tmp_path, state, pacs):
    folder = project(tmp_path, pacs)
    assert call(folder).exit_code == 0
    assert not (tmp_path / "data").exists(), "a probe begins no ledger"
    assert asked_by(folder) == {}
    before = pacs.counts.copy()
    assert call(folder, "--again").exit_code == 0
    counted, asked = asked_by(folder), pacs.counts - before
    assert (counted["find"], counted["retrievals"]) == (asked["finds"], asked["gets"] + asked["moves"])
    assert (counted["images"], counted["echo"]) == (asked["images sent"], asked["echoes"])
    assert counted["bytes"] > 0
    call(folder)
    assert asked_by(folder) == counted, "what is remembered asks nothing"


def test_a_probe_runs_although_the_ledger_cannot_be_opened(tmp_path, state, pacs):
    folder = project(tmp_path, pacs)
    assert asked_by(folder) == {}
    (tmp_path / "key").write_text("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")
    said = call(folder)
    assert said.exit_code == 0
    assert "not in the project's traffic" in said.output
