"""What a node offers, and to how many at once: services, roots, associations, TLS."""

import socket
from contextlib import ExitStack

import pytest

from pacsflow.errors import PacsTransientError
from pacsflow.run.greeting import moves
from pacsflow.run.opening import open_session
from peers.certificates import Authority
from tasks.steps import listen
from whole_run import IMAGES, METHODS, fault, lying, project, run_once


def test_c_move_is_taken_where_there_is_no_c_get(tmp_path, honest):
    with lying(fault("no-service", services=["c-get"]), method="auto") as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert (told.counts["gets"], told.counts["moves"]) == (0, 2)
    assert told.out == honest


def test_the_patient_root_is_taken_where_there_is_no_study_root(tmp_path, honest):
    with lying(fault("no-service", services=["study-root"])) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


@METHODS
def test_a_node_that_takes_one_association_serves_two_workers_all_the_same(tmp_path, method):
    faults = [fault("reject-associations", above=1), fault("slow", image=0.01)]
    with lying(*faults, method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=4, attempts=50), pacs, lanes=2)
    assert told.rows == [("complete", "")] * 4
    assert told.instances == {("held", ""): 4 * IMAGES}
    assert (told.retrievals, told.counts["images sent"]) == (4, 4 * IMAGES)


def test_an_open_lane_is_taken_before_one_that_must_be_opened(tmp_path):
    keys = {"StudyInstanceUID": ""}
    with lying(fault("reject-associations", above=1)) as (pacs, node), ExitStack() as stack:
        run = stack.enter_context(open_session(str(project(tmp_path, pacs, node)), action="run"))
        run.lanes.allow(2)
        with run.lanes.borrow() as first, ExitStack() as inner:
            assert first.find("STUDY", keys)
            second = ExitStack()
            other = second.enter_context(run.lanes.borrow())
            inner.callback(second.close)
            with pytest.raises(PacsTransientError):
                other.find("STUDY", keys)
        with run.lanes.borrow() as lane:
            assert lane.find("STUDY", keys)


def test_tls_is_used_where_pacs_yaml_says_so_and_a_missing_one_is_reported(tmp_path, honest):
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("pacs")
    with lying(fault("tls", certificate=str(certificate), key=str(key))) as (pacs, node):
        plain = run_once(project(tmp_path / "plain", pacs, node, attempts=1), pacs)
        told = run_once(project(tmp_path / "tls", pacs, {**node, "tls": {"ca": str(authority.ca)}}), pacs)
    assert [status for status, _ in plain.rows] == ["failed"] * 2
    assert all(error.transient and "TLS" in error.fix for error in plain.errors)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


def test_images_come_by_c_move_over_mutual_tls(tmp_path, honest):
    authority = Authority(tmp_path / "authority")
    (theirs, their_key), (ours, our_key) = authority.issue("pacs"), authority.issue("us")
    serving = fault("tls", certificate=str(theirs), key=str(their_key), ca=str(authority.ca))
    tls = {"ca": str(authority.ca), "certificate": str(ours), "key": str(our_key)}
    with lying(serving, method="c-move") as (pacs, node):
        told = run_once(project(tmp_path, pacs, {**node, "tls": tls}), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest
    assert (told.counts["moves"], told.counts["images sent"]) == (2, 2 * IMAGES)


@pytest.mark.parametrize(
    ("named", "gets"), [("1.2.840.10008.5.1.4.1.1.88.67", 4), ("CT Image Storage", 2), ("1.2.840.1\\", 2)]
)
def test_images_come_whose_class_the_node_does_not_name_in_their_study(tmp_path, honest, named, gets):
    with lying(method="c-get") as (pacs, node):
        for study in pacs.archive.studies.values():
            study.attributes["SOPClassesInStudy"] = named
        told = run_once(project(tmp_path, pacs, node), pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest
    assert (told.counts["gets"], told.counts["images sent"]) == (gets, 2 * IMAGES)


def test_a_port_of_ours_that_another_program_holds_is_reported_once_before_any_study_is_asked_for(tmp_path):
    with lying(method="c-move") as (pacs, node), socket.socket() as held:
        held.bind(("127.0.0.1", node["fetch"]["move_to"]["port"]))
        held.listen()
        folder = str(project(tmp_path, pacs, node))
        with open_session(folder, action="run") as run:
            assert moves(run.project.pacs)
            with pytest.raises(PacsTransientError, match="cannot listen on port") as told:
                listen.fn(folder)
            assert "another program or run holds" in told.value.fix
            held.close()
            listen.fn(folder)
    assert pacs.counts["moves"] == 0


def test_a_receiver_listens_only_where_images_are_moved_to_us(tmp_path):
    with lying() as (pacs, node), open_session(str(project(tmp_path, pacs, node)), action="run") as run:
        assert not moves(run.project.pacs)
