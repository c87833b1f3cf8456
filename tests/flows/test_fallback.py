"""A node that lacks something, and the nodes that are asked for it then."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from csv_lines import lines
from pacsflow.ledger import open_ledger, studies
from pacsflow.projects import read_project
from pacsflow.run.stores import open_ledger_of
from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from project_folder import KEY
from whole_run import IMAGES, by_uid, fault, lying, project, run_once, write_node

WHOLE = phantom_archive(4, matrix=16, images=IMAGES)
STUDIES = list(WHOLE.studies.values())


def part(*numbers):
    return StudyArchive([STUDIES[number] for number in numbers])


@contextmanager
def two_nodes(tmp_path, first, second, *, faults=(), others=(), **wishes):
    """Two PACS and a project that asks the second for what the first lacks: (first, second, folder)."""
    with (
        lying(*faults, archive=part(*first)) as (pacs, node),
        lying(*others, archive=part(*second)) as (other, further),
    ):
        asked = by_uid(WHOLE, 4)
        folder = project(tmp_path, pacs, {**node, "name": "main", "fallback": ["second.yaml"]}, asked=asked, **wishes)
        write_node(folder / "second.yaml", further, name="second")
        yield pacs, other, folder


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """What the four studies come to when one PACS has them all."""
    with lying(archive=WHOLE) as (pacs, node):
        return run_once(project(tmp_path_factory.mktemp("honest"), pacs, node, number=4), pacs).out


def homes(folder):
    ledger = open_ledger_of(read_project(folder))
    try:
        return sorted(plan.node for plan in studies.planned(ledger))
    finally:
        ledger.close()


def test_rows_that_the_first_node_has_nothing_for_are_asked_of_the_second(tmp_path, honest):
    with two_nodes(tmp_path, [0, 1], [1, 2, 3]) as (pacs, other, folder):
        told = run_once(folder, pacs)
        assert told.rows == [("complete", "")] * 4
        assert told.out == honest
        assert homes(folder) == ["", "", "second", "second"]
        assert (told.counts["finds STUDY"], other.counts["finds STUDY"]) == (4, 2)
        assert (told.retrievals, other.counts["gets"]) == (2, 2)
        asked = other.counts.copy()
        again = run_once(folder, pacs)
        assert again.counts == other.counts - asked == {}


def test_a_row_that_no_node_has_says_so_of_each(tmp_path):
    with two_nodes(tmp_path, [0], [1, 2]) as (pacs, _, folder):
        told = run_once(folder, pacs)
    assert [status for status, _ in told.rows] == ["complete"] * 3 + ["unmatched"]
    assert told.rows[3][1] == "no study fits; second: no study fits"


@pytest.mark.parametrize("lasting", [fault("drop-images"), fault("offline"), fault("abort"), fault("busy")])
def test_what_the_first_node_does_not_give_comes_from_the_second(tmp_path, honest, lasting):
    with two_nodes(tmp_path, [0, 1], [0, 1, 2, 3], faults=[lasting], attempts=2) as (pacs, other, folder):
        told = run_once(folder, pacs)
        assert told.rows == [("complete", "completed from second")] * 2 + [("complete", "")] * 2
        assert told.out == honest
        assert homes(folder) == ["", "", "second", "second"]
        came = told.counts["images sent"]
        assert other.counts["images sent"] == 4 * IMAGES - came, "only what was missing is asked for"


def test_what_neither_node_gives_is_reported_of_both_and_asked_for_again(tmp_path):
    dropped = fault("drop-images")
    with two_nodes(tmp_path, [0], [0], faults=[dropped], others=[dropped], attempts=2) as (pacs, other, folder):
        told = run_once(folder, pacs)
        again = run_once(folder, pacs)
    status, reason = told.rows[0]
    first, second = reason.split("; second: ")
    assert status == "incomplete"
    assert first == "2 of 6 instances did not come; the node ended with 0x0000 (success), 2 sent, 0 failed"
    assert second.startswith("2 of 6 instances did not come")
    assert again.rows[0] == told.rows[0]
    assert other.counts["images sent"] == 0


def test_a_second_node_that_has_none_of_what_is_missing_is_not_asked_for_it(tmp_path):
    with two_nodes(tmp_path, [0], [1], faults=[fault("drop-images")], attempts=2) as (pacs, other, folder):
        told = run_once(folder, pacs)
        assert told.rows[0][0] == "incomplete"
        assert told.rows[0][1].endswith("; second: has none of what is missing")
        assert other.counts["gets"] == 1, "the study of its own"


def test_a_ledger_of_before_learns_where_studies_come_from(tmp_path):
    place = tmp_path / "ledger.sqlite"
    ledger = open_ledger(place, project="p", key=KEY.encode())
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE studies DROP COLUMN node")
        connection.exec_driver_sql(
            "INSERT INTO studies (key, uid, patient_id, attributes, status, reason, proof, listed, wanted, content,"
            " fetch_seconds) VALUES ('k', '1.2', '', '{}', 'found', '', '', 0, '', '', 0)"
        )
    ledger.close()
    ledger = open_ledger(place, project="p", key=KEY.encode())
    assert studies.study(ledger, "k").node == ""
    ledger.close()


def test_a_study_that_rows_find_at_both_nodes_is_fetched_once(tmp_path):
    unnumbered = replace(STUDIES[1], attributes={**STUDIES[1].attributes, "AccessionNumber": "ELSEWHERE"})
    with two_nodes(tmp_path, [0], [1]) as (pacs, other, folder):
        pacs.archive.add(unnumbered)
        number = STUDIES[1].attributes["AccessionNumber"]
        asked = [*by_uid(WHOLE, 2), {"id": "by number", "AccessionNumber": number}]
        (folder / "query.yaml").write_text(json.dumps({"rows": asked}))
        told = run_once(folder, pacs)
        assert told.rows == [("complete", "")] * 3
        assert homes(folder) == ["", ""]
        assert (told.retrievals, other.counts["finds STUDY"], other.counts["gets"]) == (2, 1, 0)


def test_the_flow_asks_one_node_after_the_other_and_its_reports_name_them(prefect, tmp_path):
    with two_nodes(tmp_path, [0, 1], [1, 2], faults=[fault("drop-images", every=6)], attempts=1) as (_, other, folder):
        output = prefect.pacsflow_here("run", str(folder), expect=1)
        assert "1 unmatched" in output
        table = lines(tmp_path / "data" / "report" / "results.csv")
        assert [line["node"] for line in table] == ["main", "main", "second", ""]
        assert [line["status"] for line in table] == ["incomplete", "complete", "complete", "unmatched"]
        assert "second" in prefect.pacsflow_here("status", str(folder))
        other.stop()
        prefect.pacsflow_here("run", str(folder), expect=1)
        table = lines(tmp_path / "data" / "report" / "results.csv")
        assert [line["status"] for line in table] == ["incomplete", "complete", "complete", "failed"]
        for line in (table[0], table[3]):
            assert "second: node second cannot be reached" in line["reason"]
