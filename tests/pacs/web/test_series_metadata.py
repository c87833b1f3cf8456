"""Services that answer no query for instances: the headers of a series are the list (PS3.18 10.4.1.1.2)."""

import json
from contextlib import closing

import pytest

from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PacsPermanentError
from peers.raw_web import RawWeb
from web_nodes import web_node

SERIES = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4"}
KEYS = {**SERIES, "SOPInstanceUID": "", "SOPClassUID": ""}
HEADERS = [
    {
        "00080018": {"vr": "UI", "Value": [f"1.2.3.4.{number}"]},
        "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Somebody"}]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "http://elsewhere/1"},
    }
    for number in range(3)
]


def answered(status, content):
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/dicom+json\r\nContent-Length: {len(body)}\r\n"
    return [f"{head}Connection: close\r\n\r\n".encode() + body]


def service(asked, *, instances, metadata):
    """Answers the two ways to list a series with a status and content each."""

    def script(line, _wait):
        asked.append(line.split()[1].partition("?")[0].rpartition("/")[2])
        return answered(*(metadata if asked[-1] == "metadata" else instances))

    return script


def listed(instances, metadata, keys=KEYS):
    asked = []
    serving = RawWeb(service(asked, instances=instances, metadata=metadata))
    with serving as web, closing(open_lane(web_node(web.url))) as lane:
        try:
            return lane.find("IMAGE", keys), asked
        except PacsPermanentError as refusal:
            return refusal.http, asked


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "405 No", "501 Not Implemented", "200 OK"])
def test_headers_are_the_list_where_no_query_is_answered(status):
    found, asked = listed((status, []), ("200 OK", HEADERS))
    assert [one.SOPInstanceUID for one in found] == [f"1.2.3.4.{number}" for number in range(3)]
    assert all("PatientName" not in one and "PixelData" not in one for one in found)
    assert asked.count("metadata") == 1


@pytest.mark.parametrize("status", ["404 Not Found", "501 Not Implemented"])
def test_a_service_that_gives_neither_says_what_it_said_to_the_query(status):
    found, asked = listed((status, []), ("406 Not Acceptable", []))
    assert found == int(status[:3])
    assert asked.count("metadata") == 1


def test_headers_are_not_asked_for_where_the_query_is_answered_or_narrower():
    found, asked = listed(("200 OK", HEADERS[:1]), ("200 OK", HEADERS))
    assert len(found) == 1
    assert "metadata" not in asked
    _, asked = listed(("200 OK", []), ("200 OK", HEADERS), {**KEYS, "ImageType": "ORIGINAL"})
    assert "metadata" not in asked
