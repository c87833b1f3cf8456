"""Each fault shows on the wire as documented, by C-GET and by C-MOVE, to a peer that trusts nothing."""

import socket
import ssl
import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from pydicom import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (
    CTImageStorage,
    MRImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from pacsflow.simpacs.encoding import recode
from pacsflow.simpacs.wire import quicken
from peers.certificates import Authority
from peers.ports import wait_until

IMAGES = 6
EXPLICIT = "1.2.840.10008.1.2.1"
STORAGE = [CTImageStorage, MRImageStorage]
METHODS = {"get": StudyRootQueryRetrieveInformationModelGet, "move": StudyRootQueryRetrieveInformationModelMove}


class Taken:
    """What a peer took: (SOP Instance UID, encoded dataset) in order, and the responses it saw."""

    def __init__(self):
        self.images, self.responses = [], []

    def store(self, event):
        self.images.append((str(event.request.AffectedSOPInstanceUID), event.encoded_dataset(include_meta=False)))
        return 0x0000

    @property
    def uids(self):
        return [uid for uid, _ in self.images]

    @property
    def final(self):
        """Status, completed, failed of the last response; None where it never came."""
        last = self.responses[-1]
        if "Status" not in last or last.Status == 0xFF00:
            return None
        return last.Status, last.get("NumberOfCompletedSuboperations"), last.get("NumberOfFailedSuboperations")


@contextmanager
def lying(*faults, studies=4, images=IMAGES):
    told = Faults.model_validate({"faults": [dict(fault) for fault in faults]})
    with SimPacs(phantom_archive(studies, matrix=16, images=images), told) as pacs:
        yield pacs


def associate(pacs, taken, **more):
    entity = AE(ae_title="PEER")
    entity.acse_timeout, entity.dimse_timeout = 60, more.pop("patience", 60)
    for uid in (*METHODS.values(), StudyRootQueryRetrieveInformationModelFind):
        entity.add_requested_context(uid)
    for uid in STORAGE:
        entity.add_requested_context(uid, EXPLICIT)
    roles = [build_role(uid, scp_role=True) for uid in STORAGE]
    handlers = [(evt.EVT_C_STORE, taken.store), (evt.EVT_CONN_OPEN, impatient)]
    return entity.associate("127.0.0.1", pacs.port, ext_neg=roles, evt_handlers=handlers, **more)


def impatient(event):
    """pynetdicom itself waits for ever in the middle of a PDU."""
    event.assoc.dul.socket.socket.settimeout(event.assoc.dimse_timeout)
    quicken(event.assoc)


@contextmanager
def receiver(pacs, taken):
    entity = AE(ae_title="PEER")
    for uid in STORAGE:
        entity.add_supported_context(uid, EXPLICIT)
    handlers = [(evt.EVT_C_STORE, taken.store), (evt.EVT_CONN_OPEN, lambda event: quicken(event.assoc))]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    pacs.destinations["PEER"] = server.server_address[:2]
    try:
        yield
    finally:
        server.shutdown()


def identifier(level, **keys):
    query = Dataset()
    query.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    return query


def retrieve(pacs, method, number=0, **more):
    """What comes of asking for study `number`."""
    taken, after = Taken(), more.pop("after", lambda _: None)
    query = identifier("STUDY", StudyInstanceUID=list(pacs.archive.studies)[number])
    with receiver(pacs, taken):
        association = associate(pacs, taken, **more)
        if method == "get":
            responses = association.send_c_get(query, METHODS["get"])
        else:
            responses = association.send_c_move(query, "PEER", METHODS["move"])
        taken.responses += [status for status, _ in responses]
        after(taken)
        if taken.final is None:
            wait_until(lambda: not association.is_established, what="the association's end")
        elif association.is_established:
            association.release()
    return taken


def find(pacs, level="STUDY", **keys):
    taken = Taken()
    association = associate(pacs, taken)
    answers = list(association.send_c_find(identifier(level, **keys), StudyRootQueryRetrieveInformationModelFind))
    association.release()
    return [answer for _, answer in answers if answer], answers[-1][0].Status


def uids_of(pacs, number=0):
    study = list(pacs.archive.studies)[number]
    return [one.uid for series in pacs.archive.series(study) for one in series.instances]


def bytes_of(pacs, uid):
    every = (one for study in pacs.archive.studies for series in pacs.archive.series(study) for one in series.instances)
    return next(one.encoded() for one in every if one.uid == uid)


both = pytest.mark.parametrize("method", sorted(METHODS))


@both
def test_without_faults_everything_comes_as_it_is_held(method):
    with lying() as pacs:
        taken = retrieve(pacs, method)
        assert taken.images == [(uid, bytes_of(pacs, uid)) for uid in uids_of(pacs)]
    assert taken.final == (0x0000, IMAGES, 0)
    assert len(taken.responses) == IMAGES + 1


@both
@pytest.mark.parametrize(("counted", "final"), [("completed", (0x0000, 6, 0)), ("failed", (0xB000, 4, 2))])
def test_every_third_image_is_dropped(method, counted, final):
    with lying({"kind": "drop-images", "every": 3, "counted": counted}) as pacs:
        taken = retrieve(pacs, method)
        assert taken.uids == [uid for number, uid in enumerate(uids_of(pacs), 1) if number % 3]
    assert taken.final == final


@both
def test_a_fault_that_strikes_once_is_gone_the_second_time(method):
    with lying({"kind": "drop-images", "every": 3, "times": 1}) as pacs:
        assert len(retrieve(pacs, method).uids) == 4
        assert len(retrieve(pacs, method).uids) == 6


@both
def test_success_and_nothing_sent(method):
    with lying({"kind": "success-none-sent"}) as pacs:
        taken = retrieve(pacs, method)
    assert (taken.uids, taken.final) == ([], (0x0000, 0, 0))


@both
def test_success_and_all_failed(method):
    with lying({"kind": "all-failed-but-success"}) as pacs:
        taken = retrieve(pacs, method)
    assert (taken.uids, taken.final) == ([], (0x0000, 0, IMAGES))


@both
@pytest.mark.parametrize("status", ["A700", "A701", "A702"])
def test_a_busy_pacs_refuses_once(method, status):
    with lying({"kind": "busy", "status": status, "times": 1}) as pacs:
        assert retrieve(pacs, method).final == (int(status, 16), 0, IMAGES)
        assert retrieve(pacs, method).final == (0x0000, IMAGES, 0)


@both
def test_a_study_on_tape_comes_after_it_was_asked_for_twice(method):
    with lying({"kind": "offline", "every": 2, "times": 2}) as pacs:
        second = list(pacs.archive.studies)[1]
        [before], _ = find(pacs, StudyInstanceUID=second)
        finals = [retrieve(pacs, method, 1).final[0] for _ in range(3)]
        [after], _ = find(pacs, StudyInstanceUID=second)
        assert retrieve(pacs, method, 0).final == (0x0000, IMAGES, 0)
    assert finals == [0xA702, 0xA702, 0x0000]
    assert (before.InstanceAvailability, after.InstanceAvailability) == ("NEARLINE", "ONLINE")


@both
def test_another_patients_image_comes_last(method):
    with lying({"kind": "wrong-patient"}) as pacs:
        taken = retrieve(pacs, method)
        own, stranger = taken.uids[:-1], recode(taken.images[-1][1], EXPLICIT)
        assert own == uids_of(pacs)
        asked = next(iter(pacs.archive.studies.values())).attributes
    assert stranger.PatientID != asked["PatientID"]
    assert stranger.StudyInstanceUID != asked["StudyInstanceUID"]
    assert taken.final == (0x0000, IMAGES + 1, 0)


@both
def test_every_second_image_comes_twice(method):
    with lying({"kind": "duplicate-images", "every": 2}) as pacs:
        counted = Counter(retrieve(pacs, method).uids)
        assert [counted[uid] for uid in uids_of(pacs)] == [1, 2, 1, 2, 1, 2]


@both
def test_every_second_image_lacks_its_end(method):
    with lying({"kind": "truncated-pixels", "every": 2}) as pacs:
        whole = {uid: bytes_of(pacs, uid) for uid in uids_of(pacs)}
        taken = retrieve(pacs, method)
    assert [len(data) < len(whole[uid]) for uid, data in taken.images] == [False, True] * 3
    assert all(whole[uid].startswith(data) for uid, data in taken.images)


@both
def test_every_second_header_is_corrupt(method):
    with lying({"kind": "corrupt-header", "every": 2}) as pacs:
        whole = {uid: bytes_of(pacs, uid) for uid in uids_of(pacs)}
        taken = retrieve(pacs, method)
    assert [data == whole[uid] for uid, data in taken.images] == [True, False] * 3
    assert all(data[12:24] == b"\xff" * 12 for _, data in taken.images[1::2])


@both
def test_every_second_image_is_encoded_otherwise_than_agreed(method):
    with lying({"kind": "wrong-transfer-syntax", "every": 2}) as pacs:
        taken = retrieve(pacs, method)
    assert [data[4:6] == b"CS" for _, data in taken.images] == [True, False] * 3
    assert all("PatientID" in recode(data, "1.2.840.10008.1.2") for _, data in taken.images[1::2])


@both
@pytest.mark.parametrize("how", ["abort", "close"])
def test_the_association_ends_at_the_third_image(method, how):
    with lying({"kind": "abort", "image": 3, "how": how, "times": 1}) as pacs:
        taken = retrieve(pacs, method)
        assert taken.uids == uids_of(pacs)[:2]
        assert taken.final is None
        assert len(retrieve(pacs, method).uids) == IMAGES


@both
def test_half_an_image_then_nothing(method):
    with lying({"kind": "stall", "image": 2, "seconds": 3600}) as pacs:
        taken = retrieve(pacs, method, patience=3)
        assert len(taken.uids) == 1
        assert taken.final is None


@both
def test_a_stall_that_ends_loses_nothing(method):
    with lying({"kind": "stall", "image": 2, "seconds": 0.2}) as pacs:
        taken = retrieve(pacs, method)
        assert taken.uids == uids_of(pacs)
    assert taken.final == (0x0000, IMAGES, 0)


@both
def test_the_pacs_restarts_at_the_second_image(monkeypatch, method):
    seen, back = threading.Event(), SimPacs._return
    monkeypatch.setattr(SimPacs, "_return", lambda pacs, seconds: seen.wait(60) and back(pacs, seconds))
    with lying({"kind": "restart", "image": 2, "seconds": 0.1, "times": 1}) as pacs:
        taken = retrieve(pacs, method)
        assert len(taken.uids) == 1
        assert taken.final is None
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", pacs.port), 20)
        seen.set()
        wait_until(lambda: pacs.listening, what="simpacs")
        assert len(retrieve(pacs, method).uids) == IMAGES


@both
def test_the_last_image_comes_after_the_final_response(method):
    with lying({"kind": "late-image"}) as pacs:
        seen = []

        def after(taken):
            seen.append(taken.final)
            wait_until(lambda: len(taken.uids) == IMAGES, what="the late image")

        retrieve(pacs, method, after=after)
    assert seen == [(0x0000, IMAGES, 0)]


@both
def test_the_final_response_never_comes(method):
    with lying({"kind": "no-final-response"}) as pacs:
        taken = retrieve(pacs, method, patience=3)
    assert len(taken.uids) == IMAGES
    assert taken.final is None


@pytest.mark.parametrize(("told", "final"), [("success", 0x0000), ("warning", 0xB001), ("out-of-resources", 0xA700)])
def test_answers_are_cut(told, final):
    with lying({"kind": "result-limit", "answers": 2, "status": told}) as pacs:
        answers, status = find(pacs, StudyInstanceUID="")
        assert (len(answers), status) == (2, final)
        assert find(pacs, StudyInstanceUID=answers[0].StudyInstanceUID)[1] == 0x0000


def test_a_key_is_ignored_and_yet_returned():
    with lying({"kind": "ignored-keys", "keys": ["StudyDate"]}) as pacs:
        answers, _ = find(pacs, StudyInstanceUID="", StudyDate="19000101")
        assert len(answers) == 4
        assert all(answer.StudyDate > "2000" for answer in answers)
        assert find(pacs, StudyInstanceUID="", AccessionNumber="nobody's") == ([], 0x0000)


def test_counts_are_missing():
    asked = {"NumberOfStudyRelatedInstances": "", "ModalitiesInStudy": "", "StudyDate": ""}
    with lying() as pacs:
        assert all(answer.NumberOfStudyRelatedInstances == IMAGES for answer in find(pacs, **asked)[0])
    with lying({"kind": "no-counts"}) as pacs:
        answers, _ = find(pacs, **asked)
    assert len(answers) == 4
    assert not any("NumberOfStudyRelatedInstances" in answer or "ModalitiesInStudy" in answer for answer in answers)


def test_every_second_answer_to_a_query_lacks_a_study():
    with lying({"kind": "changing-answers", "every": 2}) as pacs:
        assert [len(find(pacs, StudyInstanceUID="")[0]) for _ in range(4)] == [4, 3, 4, 3]


def test_slowness_waits_before_answers_and_images(monkeypatch):
    with lying({"kind": "slow", "answer": 0.25, "image": 0.5}) as pacs:
        waited = []
        monkeypatch.setattr(pacs, "wait", waited.append)
        find(pacs, StudyInstanceUID="")
        retrieve(pacs, "get")
    assert waited == [0.25] * 4 + [0.5] * IMAGES


@pytest.mark.parametrize(("service", "method"), [("c-get", "get"), ("c-move", "move")])
def test_a_service_is_not_offered(service, method):
    with lying({"kind": "no-service", "services": [service]}) as pacs:
        association = associate(pacs, Taken())
        accepted = {context.abstract_syntax for context in association.accepted_contexts}
        association.release()
    assert METHODS[method] not in accepted
    assert StudyRootQueryRetrieveInformationModelFind in accepted


def test_the_second_association_is_rejected_until_the_first_ends():
    with lying({"kind": "reject-associations", "above": 1}) as pacs:
        first, second = associate(pacs, Taken()), associate(pacs, Taken())
        assert (first.is_established, second.is_rejected) == (True, True)
        assert (second.acceptor.primitive.result, second.acceptor.primitive.diagnostic) == (2, 2)
        first.release()
        wait_until(lambda: _accepted(pacs), what="an association")
        assert pacs.counts["rejected"] >= 1


def _accepted(pacs):
    association = associate(pacs, Taken())
    established = association.is_established
    if established:
        association.release()
    return established


def test_only_tls_is_spoken_and_a_certificate_is_asked_for(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("pacs")
    fault = {"kind": "tls", "certificate": str(certificate), "key": str(key), "ca": str(authority.ca)}
    context = ssl.create_default_context(cafile=str(authority.ca))
    context.check_hostname = False
    context.load_cert_chain(*authority.issue("peer"))
    with lying(fault) as pacs:
        taken = retrieve(pacs, "get", tls_args=(context, None))
        assert taken.uids == uids_of(pacs)
        plain = associate(pacs, Taken())
        assert not plain.is_established


def test_what_was_asked_is_counted():
    with lying() as pacs:
        find(pacs, StudyInstanceUID="")
        find(pacs, "SERIES", StudyInstanceUID=next(iter(pacs.archive.studies)))
        retrieve(pacs, "get")
        retrieve(pacs, "move")
        asked = {"associations": 4, "finds": 2, "finds STUDY": 1, "finds SERIES": 1}
        assert pacs.counts == asked | {"gets": 1, "moves": 1, "images sent": 2 * IMAGES}
