"""Services that go on for ever, in each web protocol: the request ends, with a reason and what to do."""

import itertools
import json
from contextlib import closing
from io import BytesIO

import pytest

from factory import make_instance
from pacsflow.dicom.contract import Request
from pacsflow.dicom.lanes import open_lane
from pacsflow.dicom.web import paging
from pacsflow.errors import PacsError
from peers.raw_web import RawWeb
from schemas.pacs import Timeouts
from web_nodes import web_node

IMPATIENT = Timeouts(connect=20, response=1, idle=60, progress=2)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
PARTS = b"multipart/related; type=application/dicom; boundary=mark"
JSON = b"application/dicom+json"


def file_of(number=1, rows=64):
    stream = BytesIO()
    instance = make_instance(InstanceNumber=str(number), Rows=rows, Columns=rows, PixelData=bytes(2 * rows * rows))
    instance.SOPInstanceUID = instance.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
    instance.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


ONE = file_of()


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def part(content):
    return b"--mark\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n"


def slowly(data, wait, seconds=0.1):
    for byte in data:
        wait(seconds)
        yield bytes([byte])


def for_ever(piece, wait, seconds=0.0):
    for _ in itertools.count():
        wait(seconds)
        yield piece


def header_drips(kind):
    return lambda _, wait: itertools.chain([b"HTTP/1.1 200 OK\r\nX: "], for_ever(b"a", wait, 0.1))


def headers_without_end(kind):
    return lambda _, wait: itertools.chain([b"HTTP/1.1 200 OK\r\n"], for_ever(b"X: a\r\n", wait, 0.05))


def chunk_extension_drips(kind):
    return lambda _, wait: itertools.chain([HEAD % kind, b"5;a="], for_ever(b"a", wait, 0.1))


def content_drips(kind):
    return lambda _, wait: itertools.chain([HEAD % kind], for_ever(chunk(b" "), wait, 0.1))


def content_without_end(kind):
    return lambda _, wait: itertools.chain([HEAD % kind], for_ever(chunk(b" " * 4000), wait, 0.01))


EVERYWHERE = [header_drips, headers_without_end, chunk_extension_drips, content_drips, content_without_end]
FETCHING = {
    "dicomweb": {"protocol": "dicomweb"},
    "wado-uri": {"protocol": "wado-uri", "find": "dicomweb"},
    "rad69": {"protocol": "rad69", "find": "dicomweb"},
}


def node_at(service, **fields):
    urls = dict.fromkeys(("dicomweb", "wado-uri", "rad69", "mint"), service.url)
    return web_node(None, urls=urls, timeouts=IMPATIENT.model_dump(), **fields)


def fetch(service, fields, request=None):
    """UIDs of what came, and the error that ended it."""
    came = []

    def sink(received):
        came.append(received.sop_instance_uid)
        for _ in received.rest or ():
            pass
        return 0

    with closing(open_lane(node_at(service, **fields))) as lane:
        try:
            lane.fetch(request or Request("1.2", ("1.2.1",), ("1.2.3.1",)), sink)
        except PacsError as error:
            return came, error
    return came, None


@pytest.mark.parametrize("endless", EVERYWHERE, ids=lambda one: one.__name__)
@pytest.mark.parametrize("protocol", FETCHING)
def test_a_retrieval_without_end_ends(protocol, endless):
    kind = PARTS if protocol != "wado-uri" else b"application/dicom"
    with RawWeb(endless(kind)) as service:
        came, error = fetch(service, FETCHING[protocol])
    assert came == []
    assert error is None or (error.transient and (error.fix or "part" in str(error)))
    assert service.sent < 10_000_000


@pytest.mark.parametrize("endless", EVERYWHERE, ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    "fields",
    [{"protocol": "dicomweb"}, {"protocol": "mint", "fetch": {"method": "rad69"}}],
    ids=lambda fields: fields["protocol"],
)
def test_a_query_without_end_ends(fields, endless):
    kind = JSON if fields["protocol"] == "dicomweb" else b"text/xml"
    with (
        RawWeb(endless(kind)) as service,
        closing(open_lane(node_at(service, **fields))) as lane,
        pytest.raises(PacsError) as told,
    ):
        lane.find("STUDY", {"StudyInstanceUID": "", "StudyDate": "20200101"})
    assert told.value.fix


def preamble(wait):
    return for_ever(chunk(b"before the first part\r\n"), wait)


def parts_that_are_no_files(wait):
    return for_ever(chunk(part(b"no file")), wait, 0.01)


def empty_parts(wait):
    return for_ever(chunk(b"--mark\r\n\r\n\r\n"), wait, 0.01)


def same_image(wait):
    return for_ever(chunk(part(ONE)), wait, 0.01)


def same_image_slowly(wait):
    return for_ever(chunk(part(ONE)), wait, 0.4)


def image_that_drips(wait):
    return map(chunk, itertools.chain([part(ONE)[:6000]], slowly(part(ONE)[6000:], wait)))


def part_header_without_end(wait):
    return itertools.chain([chunk(b"--mark\r\n")], for_ever(chunk(b"X: a\r\n"), wait, 0.01))


MULTIPART = [
    *(preamble, parts_that_are_no_files, empty_parts, same_image, same_image_slowly),
    *(image_that_drips, part_header_without_end),
]


@pytest.mark.parametrize("endless", MULTIPART, ids=lambda one: one.__name__)
@pytest.mark.parametrize("protocol", ["dicomweb", "rad69"])
def test_parts_without_end_end(protocol, endless):
    soap = [] if protocol == "dicomweb" else [chunk(b"--mark\r\nContent-Type: application/soap+xml\r\n\r\n<a/>\r\n")]
    with RawWeb(lambda _, wait: itertools.chain([HEAD % PARTS, *soap], endless(wait))) as service:
        came, error = fetch(service, FETCHING[protocol])
    assert set(came) <= {"1.2.3.1"}
    assert error is not None


def test_an_epilogue_without_end_costs_no_image():
    def script(_, wait):
        yield HEAD % PARTS + chunk(part(ONE) + b"--mark--\r\n")
        yield from for_ever(chunk(b"behind all parts"), wait)

    with RawWeb(script) as service:
        came, error = fetch(service, FETCHING["dicomweb"])
    assert (came, error) == (["1.2.3.1"], None)


def test_pages_with_ever_new_answers_end(monkeypatch):
    monkeypatch.setattr(paging, "MOST_ANSWERS", 200)
    numbers = itertools.count()

    def script(_, __):
        page = [{"0020000D": {"vr": "UI", "Value": [f"1.2.{next(numbers)}"]}} for _ in range(20)]
        text = json.dumps(page).encode()
        yield b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (JSON, len(text)) + text

    with (
        RawWeb(script) as service,
        closing(open_lane(node_at(service, protocol="dicomweb"))) as lane,
        pytest.raises(PacsError, match="without end") as told,
    ):
        lane.find("STUDY", {"StudyInstanceUID": "", "StudyDate": "20200101"})
    assert told.value.fix


def test_pages_of_more_bytes_than_are_held_end(monkeypatch):
    monkeypatch.setattr(paging, "MOST_ANSWERED", 100_000)
    numbers = itertools.count()

    def script(_, __):
        page = [
            {
                "0020000D": {"vr": "UI", "Value": [f"1.2.{next(numbers)}"]},
                "00081030": {"vr": "LO", "Value": ["x" * 9000]},
            }
        ]
        text = json.dumps(page).encode()
        yield b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (JSON, len(text)) + text

    with (
        RawWeb(script) as service,
        closing(open_lane(node_at(service, protocol="dicomweb"))) as lane,
        pytest.raises(PacsError, match="without end"),
    ):
        lane.find("STUDY", {"StudyInstanceUID": "", "StudyDescription": "*"})
    assert next(numbers) < 30


@pytest.mark.parametrize("protocol", FETCHING)
def test_a_slow_link_is_not_cut(protocol):
    """Far longer than `progress`, and above the smallest rate."""
    content = file_of(rows=300)
    soap = [] if protocol != "rad69" else [chunk(b"--mark\r\nContent-Type: application/soap+xml\r\n\r\n<a/>\r\n")]

    def script(_, wait):
        yield HEAD % (b"application/dicom" if protocol == "wado-uri" else PARTS)
        yield from soap
        data = content if protocol == "wado-uri" else part(content) + b"--mark--\r\n"
        for begin in range(0, len(data), 4000):
            wait(0.1)
            yield chunk(data[begin : begin + 4000])
        yield b"0\r\n\r\n"

    with RawWeb(script) as service:
        came, error = fetch(service, FETCHING[protocol])
    assert (came, error) == (["1.2.3.1"], None)
