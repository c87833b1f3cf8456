"""SimPacs: the listening side, and the life of the server."""

import ssl
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pydicom.uid import UID
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import ThreadedAssociationServer

from pacsflow.simpacs.archive import StudyArchive
from pacsflow.simpacs.faults import FaultInjector, load_faults
from pacsflow.simpacs.folder import Entry, attributes_of, folder_archive, studies
from pacsflow.simpacs.phantoms import demo_archive
from pacsflow.simpacs.retrieve import PLAIN
from pacsflow.simpacs.service import Service
from pacsflow.simpacs.web import WebService
from pacsflow.simpacs.wire import Gone, Wire, quicken
from schemas.simpacs import Faults, ServeTls

VERIFICATION = "1.2.840.10008.1.1"
SERVICES = {
    "1.2.840.10008.5.1.4.1.2.1.1": {"patient-root"},
    "1.2.840.10008.5.1.4.1.2.1.2": {"patient-root", "c-move"},
    "1.2.840.10008.5.1.4.1.2.1.3": {"patient-root", "c-get"},
    "1.2.840.10008.5.1.4.1.2.2.1": {"study-root"},
    "1.2.840.10008.5.1.4.1.2.2.2": {"study-root", "c-move"},
    "1.2.840.10008.5.1.4.1.2.2.3": {"study-root", "c-get"},
}
"""Query and retrieve models (PS3.4 C.6), and the names by which a fault takes them away."""
MOST_ASSOCIATIONS = 256
LOOPBACK = "127.0.0.1"

Source = str | Path | StudyArchive


class SimPacs:
    """A PACS on a loopback port, from entering the `with` block to its end.

    `source` is a folder of DICOM files, or an archive (see `phantoms`). `port` 0 takes a free one; `port` then tells
    which. `destinations` are the AE titles a C-MOVE may name. `counts`: what was asked: `associations`,
    `rejected`, `echoes`, `finds` and `finds STUDY` (and the other levels), `gets`, `moves`, `stores`, `images sent`,
    `web queries`, `web retrievals`. `web`: the port of DICOMweb, 0 for a free one, None for none; `url` is its address.
    Raises OSError where the port is taken.
    """

    def __init__(
        self,
        source: Source,
        faults: Faults | None = None,
        *,
        port: int = 0,
        aet: str = "SIMPACS",
        destinations: Mapping[str, tuple[str, int]] | None = None,
        web: int | None = None,
    ) -> None:
        self.archive = source if isinstance(source, StudyArchive) else folder_archive(Path(source))
        self.injector = FaultInjector(faults or Faults())
        self.port, self.aet = port, aet
        self.destinations = dict(destinations or {})
        self.counts: Counter[str] = Counter()
        self.lock = threading.RLock()
        self.url = ""
        self._web_port = web
        self._web: WebService | None = None
        self._service = Service(self)
        self._stopping = threading.Event()
        self._server: ThreadedAssociationServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def listening(self) -> bool:
        """Whether it takes associations now; not so while it restarts."""
        return self._server is not None

    def start(self) -> None:
        """Listen, unless it does already. Raises OSError where the port is taken."""
        self._stopping.clear()
        if self._server is None:
            self._listen()
        if self._web_port is not None and self._web is None:
            self._web = WebService(self, self.injector, self._web_port)
            self.url = self._web.url
            self._web.begin()

    def stop(self) -> None:
        """End all associations and stop listening."""
        self._stopping.set()
        self._deafen()
        if self._web is not None:
            self._web.shutdown()
            self._web.server_close()
            self._web = None

    def restart(self, seconds: float) -> None:
        """End all associations, stop listening, listen again after `seconds`. Returns at once."""
        self._deafen()
        threading.Thread(target=self._return, args=(seconds,), daemon=True).start()

    def count(self, *names: str) -> None:
        """Count one of each of `names`."""
        with self.lock:
            self.counts.update(names)

    def wait(self, seconds: float) -> None:
        """Wait. Raises Gone where the PACS is stopped meanwhile."""
        if self._stopping.wait(seconds):
            raise Gone

    def join(self) -> None:
        """Wait until another thread, or a signal, stops the PACS."""
        self._stopping.wait()

    def _return(self, seconds: float) -> None:
        if not self._stopping.wait(seconds):
            self._listen()

    def _listen(self) -> None:
        entity = AE(ae_title=self.aet)
        limits = [fault.above for fault in self.injector.of("reject-associations")]
        entity.maximum_associations = min([MOST_ASSOCIATIONS, *limits])
        entity.maximum_pdu_size = 0
        server = entity.make_server(
            (LOOPBACK, self.port),
            contexts=self._contexts(),
            ssl_context=_tls(self.injector.of("tls")),
            evt_handlers=self._handlers(),
            server_class=ThreadedAssociationServer,
        )
        entity._servers.append(server)  # noqa: SLF001, what start_server does, so that associations are counted
        self.port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True, name="simpacs").start()

    def _deafen(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        for association in server.active_associations:
            Wire(association).cut()
            if association is not threading.current_thread():
                association.join(5)

    def _handlers(self) -> list[evt.EventHandlerType]:
        return [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_ACCEPTED, lambda _: self.count("associations")),
            (evt.EVT_REJECTED, lambda _: self.count("rejected")),
            (evt.EVT_C_ECHO, self._echo),
            (evt.EVT_C_STORE, self._store),
        ]

    def _opened(self, event: evt.Event) -> None:
        quicken(event.assoc)
        self._service.attach(event.assoc)

    def _echo(self, _: evt.Event) -> int:
        self.count("echoes")
        return 0x0000

    def _store(self, event: evt.Event) -> int:
        """Take an instance in, beside what its study holds already."""
        self.count("stores")
        data = event.encoded_dataset(include_meta=False)
        entry = (attributes_of(event.dataset), str(event.context.transfer_syntax), lambda: data)
        with self.lock:
            entries = [*self._held(entry[0].get("StudyInstanceUID", ""), but=entry[0]["SOPInstanceUID"]), entry]
            self.archive.add(studies(entries)[0])
        return 0x0000

    def _held(self, study_uid: str, *, but: str) -> list[Entry]:
        study = self.archive.studies.get(study_uid)
        return [
            ({**study.attributes, **series.attributes, **one.attributes}, one.transfer_syntax, one.encoded)
            for series in (self.archive.series(study_uid) if study else ())
            for one in series.instances
            if study and one.uid != but
        ]

    def _contexts(self) -> list[PresentationContext]:
        missing = {service for fault in self.injector.of("no-service") for service in fault.services}
        models = [uid for uid, services in SERVICES.items() if not services & missing]
        held: dict[str, list[str]] = {str(cx.abstract_syntax): [] for cx in AllStoragePresentationContexts}
        for sop_class, syntax in sorted(self.archive.contents):
            held.setdefault(sop_class, []).append(syntax)
        contexts = [_context(VERIFICATION, PLAIN), *(_context(uid, PLAIN) for uid in models)]
        for sop_class, syntaxes in held.items():
            storage = _context(sop_class, list(dict.fromkeys([*syntaxes, *PLAIN])))
            storage.scu_role = storage.scp_role = True
            contexts.append(storage)
        return contexts


def serve(
    source: Source | None = None,
    *,
    port: int = 0,
    aet: str = "SIMPACS",
    faults: Faults | Path | None = None,
    destinations: Mapping[str, tuple[str, int]] | None = None,
    web: int | None = None,
) -> SimPacs:
    """A PACS that listens already: to be used in a `with` block, or ended by `stop`. Without `source`: the demo's.

    Raises as SimPacs does, and ProjectError where `faults` is a file with mistakes.
    """
    told = load_faults(faults) if isinstance(faults, Path) else faults
    held = demo_archive() if source is None else source
    pacs = SimPacs(held, told, port=port, aet=aet, destinations=destinations, web=web)
    try:
        pacs.start()
    except OSError:
        pacs.stop()
        raise
    return pacs


def _context(abstract: str, syntaxes: Iterable[str]) -> PresentationContext:
    context = PresentationContext()
    context.abstract_syntax, context.transfer_syntax = UID(abstract), [UID(each) for each in syntaxes]
    return context


def _tls(faults: list[ServeTls]) -> ssl.SSLContext | None:
    for fault in faults:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(fault.certificate, fault.key)
        if fault.ca:
            context.load_verify_locations(fault.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
    return None
