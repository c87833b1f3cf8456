"""What the probe says of a PACS that misbehaves: each fault, its exact finding, and how little was asked for it."""

from contextlib import contextmanager

import pytest

from pacsflow.dicom.probe import fixes, probe, requests, strategy
from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from peers.ports import free_port
from schemas.pacs import Fetch, Limits, MoveTo, PacsNode, Timeouts

IMAGES = 4


@contextmanager
def node_with(*faults, archive=None, known=True, **fields):
    """A PACS that misbehaves, and a node that it can send to (`known`: it knows our AE title)."""
    port = free_port()
    told = Faults.model_validate({"faults": list(faults)})
    destinations = {"PACSFLOW": ("127.0.0.1", port)} if known else {}
    source = archive or phantom_archive(6, matrix=16, images=IMAGES)
    with SimPacs(source, told, destinations=destinations) as pacs:
        own = {
            "name": "sim",
            "host": "127.0.0.1",
            "port": pacs.port,
            "called_aet": pacs.aet,
            "fetch": Fetch(move_to=MoveTo(aet="PACSFLOW", port=port, host="127.0.0.1")),
            "timeouts": Timeouts(connect=20, response=30, idle=60),
        }
        yield pacs, PacsNode(**own | fields)


def ask(pacs, node, **keys):
    uid = next(iter(pacs.archive.studies))
    known = probe(node, [{"STUDY": {"StudyInstanceUID": uid}, "SERIES": keys}])
    return {one.name: one for one in known.findings}, strategy(node, known.findings), requests(node, known.findings)


def verdicts(found):
    return {name: one.verdict for name, one in found.items() if one.verdict != "ok" and name != "TLS"}


def test_an_honest_pacs_is_asked_little(capfd):
    with node_with() as (pacs, node):
        found, plan, asks = ask(pacs, node)
    assert verdicts(found) == {}
    assert (plan.method, plan.proven, asks) == ("c-get", True, ())
    assert pacs.counts["gets"] == pacs.counts["moves"] == 1
    assert pacs.counts["images sent"] == 2 * IMAGES
    assert pacs.counts["finds"] <= 17
    assert pacs.counts["associations"] <= 3 + node.limits.associations
    said = " ".join(one.said + one.request + one.fix + str(dict(one.facts)) for one in found.values())
    for study in pacs.archive.studies.values():
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "AccessionNumber"):
            assert study.attributes[keyword] not in said


def test_no_c_get():
    with node_with({"kind": "no-service", "services": ["c-get"]}) as (pacs, node):
        found, plan, asks = ask(pacs, node)
    assert verdicts(found) == {"retrievals": "partly", "C-GET": "no"}
    assert found["C-GET"].facts == {"accepted": False}
    assert (plan.method, plan.proven, asks) == ("c-move", True, ()), "C-MOVE is enough"
    assert pacs.counts["gets"] == 0


def test_neither_c_get_nor_a_declared_destination():
    with node_with({"kind": "no-service", "services": ["c-get"]}, known=False) as (pacs, node):
        found, plan, asks = ask(pacs, node)
    assert found["C-MOVE"].facts["status"] == "A801"
    assert (plan.method, plan.works) == (None, False)
    place = f"AE title PACSFLOW, host 127.0.0.1, port {node.fetch.move_to.port}"
    assert asks == (
        f"We are AE title PACSFLOW at 127.0.0.1, and speak to SIMPACS at 127.0.0.1:{node.port}.",
        "Please permit C-GET to PACSFLOW (Study Root, with SCP role selection), if the PACS can do it.",
        f"Please declare a C-MOVE destination: {place}.",
    )


def test_what_pacs_yaml_wants_does_not_work_and_the_other_way_does():
    fetch = Fetch(method="c-move", move_to=MoveTo(aet="NOBODY", port=free_port(), host="127.0.0.1"))
    with node_with(fetch=fetch) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert plan.method is None
    assert fixes(node, list(found.values())) == ("set `fetch.method: auto`: images come by C-GET",)


def test_a_list_that_is_shorter_than_the_count_is_not_counted_by():
    with node_with({"kind": "result-limit", "answers": 2}) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert found["instance counts"].facts["short"]
    assert any("since it does not list them all" in sentence for sentence in plan.sentences)


def test_neither_c_get_nor_a_place_to_move_to():
    with node_with({"kind": "no-service", "services": ["c-get"]}, fetch=Fetch()) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert found["C-MOVE"].said == "accepted; not tried: `fetch.move_to` is not set"
    assert "fetch.move_to" in found["C-MOVE"].fix
    assert (plan.method, plan.works) == (None, False)


def test_no_retrieval_at_all():
    with node_with({"kind": "no-service", "services": ["c-get", "c-move"]}) as (pacs, node):
        found, plan, asks = ask(pacs, node)
    assert found["retrievals"].verdict == "no"
    assert not plan.works
    assert "C-GET, or C-MOVE to an AE title of this computer" in asks[1]


def test_the_patient_root_alone():
    with node_with({"kind": "no-service", "services": ["study-root"]}) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert found["queries"].facts == {"roots": ["Patient Root"]}
    assert found["queries"].verdict == "partly"
    assert plan.sentences[0] == "Ask by the Patient Root."


def test_no_queries():
    with node_with({"kind": "no-service", "services": ["study-root", "patient-root"]}) as (pacs, node):
        found, plan, asks = ask(pacs, node)
    assert list(found) == ["TLS", "connection", "queries"]
    assert not plan.works
    assert asks[1:]


def test_keys_that_are_ignored_those_of_the_rows_too():
    with node_with({"kind": "ignored-keys", "keys": ["AccessionNumber", "ProtocolName"]}) as (pacs, node):
        found, plan, _ = ask(pacs, node, ProtocolName="x")
    assert verdicts(found) == {"keys": "partly"}
    assert found["keys"].facts["ignored"] == ["AccessionNumber", "ProtocolName"]
    assert any("AccessionNumber, ProtocolName" in sentence for sentence in plan.sentences)
    assert pacs.counts["finds"] <= 18


def test_an_ignored_date_says_nothing_about_a_limit():
    with node_with({"kind": "ignored-keys", "keys": ["StudyDate"]}) as (pacs, node):
        found, _, _ = ask(pacs, node)
    assert verdicts(found) == {"keys": "partly", "result limit": "unknown"}


@pytest.mark.parametrize(
    ("status", "told"), [("success", "the node does not say so"), ("warning", "B001"), ("out-of-resources", "A700")]
)
def test_a_result_limit_is_found_whether_or_not_it_is_owned_up_to(status, told):
    with node_with({"kind": "result-limit", "answers": 4, "status": status}) as (pacs, node):
        found, plan, asks = ask(pacs, node)
    assert verdicts(found) == {"result limit": "partly"}
    assert found["result limit"].facts == {"limit": 4}
    assert told in found["result limit"].said
    assert any("Ask in pieces where 4 answers come" in sentence for sentence in plan.sentences)
    assert "it is 4" in asks[1]


def test_answers_that_change_are_no_limit():
    with node_with({"kind": "changing-answers", "every": 2}) as (pacs, node):
        found, _, _ = ask(pacs, node)
    assert "limit" not in found["result limit"].facts


def test_no_counts():
    with node_with({"kind": "no-counts"}) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert verdicts(found) == {"instance counts": "no"}
    assert found["instance counts"].facts == {"study": False, "series": False, "series of studies": False}
    assert any("Count images itself" in sentence for sentence in plan.sentences)


def test_fewer_associations_than_wanted():
    with node_with({"kind": "reject-associations", "above": 2}, limits=Limits(associations=3)) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert verdicts(found) == {"associations": "partly"}
    assert found["associations"].facts == {"wanted": 3, "taken": 2}
    assert "limits.associations: 2" in found["associations"].fix
    assert plan.sentences[-1] == "Open 2 associations at most."


@pytest.mark.parametrize("kind", ["success-none-sent", "all-failed-but-success"])
def test_success_without_images_is_not_success(kind):
    with node_with({"kind": kind}) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert verdicts(found) == {"C-GET": "no", "C-MOVE": "no"}
    assert found["C-GET"].facts["arrived"] == 0
    assert not plan.works


def test_some_images_are_not_all():
    with node_with({"kind": "drop-images", "every": 2}) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert verdicts(found) == {"C-GET": "partly", "C-MOVE": "partly"}
    assert found["C-GET"].said.startswith("2 of 4 images arrived")
    assert (plan.method, plan.proven) == ("c-get", False)


def test_images_that_are_not_online_are_not_tried():
    with node_with({"kind": "offline"}) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert found["C-GET"].said == "accepted; not tried: the images to try it with are not online"
    assert (plan.method, plan.proven, plan.works) == ("c-get", False, True)
    assert pacs.counts["gets"] == pacs.counts["moves"] == 0


def test_silence_and_a_lost_association_are_findings():
    brief = Timeouts(connect=20, response=3, idle=60)
    with node_with({"kind": "stall", "seconds": 600}, timeouts=brief) as (pacs, node):
        found, plan, _ = ask(pacs, node)
    assert verdicts(found) == {"C-GET": "partly", "C-MOVE": "partly"}
    for way in ("C-GET", "C-MOVE"):
        assert found[way].said == "1 of 4 images arrived, then it failed: the node said nothing for 3 s"
    assert not plan.proven


def test_of_a_large_series_one_image_is_asked_for():
    with node_with(archive=phantom_archive(2, matrix=16, images=60)) as (pacs, node):
        found, _, _ = ask(pacs, node)
    assert found["C-GET"].said == "works: 1 of 1 image arrived"
    assert pacs.counts["images sent"] == 2
