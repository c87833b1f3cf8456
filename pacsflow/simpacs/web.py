"""The archive as a web service: QIDO-RS and WADO-RS (PS3.18 10.4, 10.6), and the faults of services."""

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from pacsflow.simpacs.archive import StoredInstance, StudyArchive
from pacsflow.simpacs.faults import FaultInjector
from pacsflow.simpacs.find import FindRequest, answer_dataset, answers, instances
from pacsflow.simpacs.host import Host
from pacsflow.simpacs.wire import Gone

_LEVELS = {"studies": "STUDY", "series": "SERIES", "instances": "IMAGE"}
_NAMES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_JSON = "application/dicom+json"
_MARK = "simpacs"
_END = b"\r\n--%b--\r\n" % _MARK.encode()
_BEHIND = 64
"""Bytes of a picture behind the line that ends an answer."""
_PAGE = b"<html><body><form>Please log in</form></body></html>"
_MOST = 10**6
_SOME = 100
"""Answers of each page where pages have no end."""


class WebHost(Host, Protocol):
    """A PACS with an archive, which one may look into at a time."""

    archive: StudyArchive
    lock: Any


class WebService(ThreadingHTTPServer):
    """Serves the archive of a PACS at `url`, until it is shut down. Raises OSError where the port is taken."""

    daemon_threads = True

    def __init__(self, pacs: WebHost, injector: FaultInjector, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.pacs, self.injector = pacs, injector
        self.requests = count(1)
        self.dice = random.Random(1)  # noqa: S311 an order that changes, no secret
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def begin(self) -> None:
        """Serve in a thread of its own."""
        Thread(target=self.serve_forever, args=(0.02,), daemon=True, name="simpacs web").start()

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is nothing to be told."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: WebService
    answered = 0

    def log_message(self, *_: Any) -> None:
        """Nothing is logged: addresses hold what is asked for."""

    def do_GET(self) -> None:
        """Answer a query or a retrieval, as the faults have it."""
        with suppress(ConnectionError, Gone):
            self._get()
        self.answered += 1

    def _get(self) -> None:
        faults, number = self.server.injector, next(self.server.requests)
        if any(self.answered >= fault.after for fault in faults.of("web-hang-up")):
            self.close_connection = True
            return
        for fault in faults.of("web-throttle"):
            if number % fault.every == 0:
                self._say(429, b"", Retry_After=str(fault.seconds))
                return
        url = urlsplit(self.path)
        steps = url.path.strip("/").split("/")
        asking = steps[-1] in _LEVELS
        self.server.pacs.count("web queries" if asking else "web retrievals")
        if any(("query" if asking else "retrieval") in fault.of for fault in faults.of("web-log-in")):
            self._say(200, _PAGE, Content_Type="text/html")
        elif status := self._refused(steps):
            self._say(status, b"")
        elif asking:
            self._query(steps, parse_qsl(url.query, keep_blank_values=True))
        else:
            self._retrieve(steps)

    def _refused(self, steps: list[str]) -> int:
        faults = self.server.injector
        of_retrieval = {2: "study", 4: "series", 6: "instance"}.get(len(steps), "")
        level = steps[-1] if steps[-1] in ("instances", "metadata") else of_retrieval
        for fault in faults.of("web-refusal"):
            if level in fault.of:
                return int(fault.status)
        return 406 if faults.of("web-as-stored") and "transfer-syntax=*" in self.headers.get("Accept", "") else 0

    def _query(self, steps: list[str], asked: list[tuple[str, str]]) -> None:
        wanted = {value: "" for name, value in asked if name == "includefield"}
        keys = {name: value.replace(",", "\\") for name, value in asked if name[:1].isupper()}
        above = dict(zip(_NAMES, steps[1::2], strict=False))
        query = self.server.injector.ask(
            FindRequest(_LEVELS[steps[-1]], {**dict.fromkeys(_NAMES, ""), **wanted, **keys, **above})
        )
        with self.server.pacs.lock:
            found = [answer_dataset(query, one) for one in answers(self.server.pacs.archive, query)]
        found, _ = self.server.injector.answer(query, found)
        window = {name: int(value) for name, value in asked if name in ("limit", "offset")}
        self._page(found, window.get("limit", _MOST), window.get("offset", 0))

    def _page(self, found: list[Any], size: int, begin: int) -> None:
        faults = self.server.injector
        status = 200
        for fault in faults.of("web-pages"):
            if fault.largest and size > fault.largest:
                self._say(400, b"")
                return
            if fault.changing:
                self.server.dice.shuffle(found)
            size = min(size, fault.answers)
            status = 206 if fault.partial and begin + size < len(found) else status
        page = [one.to_json_dict() for one in found[begin : begin + size]]
        if found and any(fault.of == "pages" for fault in faults.of("web-endless")):
            page = [_renamed(found[0].to_json_dict(), number) for number in range(begin, begin + min(size, _SOME))]
        self._say(status, json.dumps(page).encode(), Content_Type=_JSON)

    def _retrieve(self, steps: list[str]) -> None:
        query = FindRequest("IMAGE", dict(zip(_NAMES, steps[1::2], strict=False)))
        with self.server.pacs.lock:
            found = [instance for _, instance in instances(self.server.pacs.archive, query)]
        if not found:
            self._say(404, b"")
            return
        if steps[-1] == "metadata":
            asked = FindRequest("IMAGE", dict.fromkeys((*_NAMES, "SOPClassUID"), ""))
            above = dict(zip(_NAMES, steps[1::2], strict=False))
            told = [answer_dataset(asked, {**above, **one.attributes}).to_json_dict() for one in found]
            self._say(200, json.dumps(told).encode(), Content_Type=_JSON)
            return
        kind = f'multipart/related; type="application/dicom"; boundary={_MARK}'
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self._slowly(self._parts(found)):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _parts(self, found: list[StoredInstance]) -> Iterator[bytes]:
        for one in found:
            content, length = part10(one), b""
            for fault in self.server.injector.of("web-boundary"):
                content = content[: -len(_END) - _BEHIND] + _END + content[-_BEHIND:]
                length = b"Content-Length: %d\r\n" % len(content) if fault.announced else b""
            header = b"--%b\r\nContent-Type: application/dicom\r\n%b\r\n" % (_MARK.encode(), length)
            yield header + content + b"\r\n"
            self.server.pacs.count("images sent")
        while any(fault.of == "body" for fault in self.server.injector.of("web-endless")):
            self.server.pacs.wait(0)
            yield b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % (_MARK.encode(), part10(found[0]))
        yield b"--%b--\r\n" % _MARK.encode()

    def _slowly(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        drips = self.server.injector.of("web-drip")
        for piece in pieces:
            if not drips:
                yield piece
                continue
            for byte in piece:
                self.server.pacs.wait(drips[0].seconds)
                yield bytes([byte])

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _renamed(answer: dict[str, Any], number: int) -> dict[str, Any]:
    """An answer about another study, series and image of that number."""
    uids = {tag: {"vr": "UI", "Value": [f"1.2.{number + 1}"]} for tag in ("0020000D", "0020000E", "00080018")}
    return answer | {tag: uid for tag, uid in uids.items() if tag in answer}


def part10(instance: StoredInstance) -> bytes:
    """An instance as a file (PS3.10 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(instance.sop_class), UID(instance.uid)
    meta.TransferSyntaxUID = UID(instance.transfer_syntax)
    file = DicomBytesIO()
    file.write(bytes(128) + b"DICM")
    write_file_meta_info(file, meta, enforce_standard=True)
    return file.getvalue() + bytes(instance.encoded())
