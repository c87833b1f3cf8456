"""Instances that arrive at our storage SCP reach the lane that asked for them, and no other."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from factory import make_instance
from pacsflow.dicom.contract import Received
from pacsflow.dicom.dimse.broken import CutError
from pacsflow.dicom.dimse.channel import Incoming
from pacsflow.dicom.dimse.storage import NOT_AUTHORIZED, Desk, Waiting, study_uid

SYNTAXES = {
    "1.2.840.10008.1.2": (True, True),
    "1.2.840.10008.1.2.1": (False, True),
    "1.2.840.10008.1.2.2": (False, False),
    "1.2.840.10008.1.2.4.90": (False, True),
    "1.2.840.10008.1.2.1.99": (False, True),
}


def encoded(instance, syntax):
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = SYNTAXES[syntax]
    write_dataset(stream, instance)
    raw = stream.getvalue()
    if syntax.endswith(".99"):
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        raw = deflate.compress(raw) + deflate.flush()
    return Received(instance.SOPClassUID, instance.SOPInstanceUID, syntax, raw)


def incoming(instance, *, originator="", message_id=None, syntax="1.2.840.10008.1.2.1"):
    return Incoming(encoded(instance, syntax), 1, 1, originator, message_id)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_study_of_an_instance_is_read_in_every_encoding(syntax):
    instance = make_instance()
    assert study_uid(encoded(instance, syntax)) == instance.StudyInstanceUID


@pytest.mark.parametrize("raw", [b"", b"\x00" * 40, b"no dicom at all, no dicom at all"])
def test_what_cannot_be_read_has_no_study(raw):
    assert study_uid(Received("1.2", "1.3", "1.2.840.10008.1.2.1", raw)) is None


@pytest.fixture
def desk():
    desk, baskets = Desk(), {}
    for number, study in enumerate(("A", "B"), start=10):
        uid = make_instance(AccessionNumber=study).StudyInstanceUID
        baskets[study] = []
        take = baskets[study].append
        desk.enter(Waiting("PACSFLOW", uid, lambda one, take=take: take(one) or 0, message_id=number))
    return desk, baskets


def test_the_originator_decides_where_it_is_given(desk):
    at, baskets = desk
    at.deliver(incoming(make_instance(AccessionNumber="A"), originator="PACSFLOW", message_id=11))
    assert [len(baskets[study]) for study in "AB"] == [0, 1]


def test_the_study_decides_where_the_originator_is_not_given(desk):
    at, baskets = desk
    assert at.deliver(incoming(make_instance(AccessionNumber="B"))) == 0
    assert at.deliver(incoming(make_instance(AccessionNumber="A"), originator="OTHER", message_id=11)) == 0
    assert [len(baskets[study]) for study in "AB"] == [1, 1]


def test_an_instance_that_no_retrieval_waits_for_is_refused(desk, caplog):
    at, baskets = desk
    stranger = make_instance(AccessionNumber="C")
    assert at.deliver(incoming(stranger)) == NOT_AUTHORIZED
    assert Desk().deliver(incoming(stranger)) == NOT_AUTHORIZED
    assert [len(baskets[study]) for study in "AB"] == [0, 0]
    assert "no retrieval waits" in caplog.text
    assert stranger.StudyInstanceUID not in caplog.text


def test_an_error_of_the_sink_is_kept_for_the_lane():
    def broken(_received):
        raise RuntimeError

    desk, waiting = Desk(), Waiting("PACSFLOW", make_instance().StudyInstanceUID, broken)
    desk.enter(waiting)
    assert desk.deliver(incoming(make_instance())) == 0xA700
    assert isinstance(waiting.error, RuntimeError)


def test_leaving_the_desk_breaks_off_what_is_on_its_way_and_waits_for_its_end():
    begun, broken_off, ended = Event(), Event(), []

    def sink(received):
        begun.set()
        for _ in received.rest:
            pass

    def rest():
        yield memoryview(b"a piece")
        assert broken_off.wait(60)
        ended.append("the sink heard of it")
        raise CutError("broken off")

    study = make_instance()
    desk, waiting = Desk(), Waiting("PACSFLOW", study.StudyInstanceUID, sink)
    desk.enter(waiting)
    one = incoming(study)
    one = replace(one, received=replace(one.received, rest=rest()), abort=broken_off.set)
    with ThreadPoolExecutor(1) as other:
        future = other.submit(desk.deliver, one)
        assert begun.wait(60)
        desk.leave(waiting)
        assert ended
        with pytest.raises(CutError):
            future.result()
    assert waiting.error is None
    assert waiting.take(incoming(study)) == NOT_AUTHORIZED
