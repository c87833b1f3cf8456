"""C-STORE to a DICOM node (PS3.4 B), and C-FIND for what it holds then (PS3.4 C)."""

import socket
import ssl
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.filereader import read_file_meta_info
from pynetdicom import AE, _config, build_context, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as StudyRootFind  # type: ignore[attr-defined]

from pacsflow.errors import TargetError
from pacsflow.export.bandwidth import Bandwidth
from pacsflow.rejections import Rejection
from pacsflow.wording import counted
from schemas.export import Dicom

_MOST_CONTEXTS = 128
"""Presentation contexts of one association (PS3.8 9.3.2.2)."""
_SUCCESS, _OUT_OF_RESOURCES, _MISMATCH, _WARNING, _NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xB000, 0xC000
_PENDING = (0xFF00, 0xFF01)
_PDU = 1 << 17
_TRIES = 2
"""A node that closes as soon as it has rejected may seem to have broken off."""
_MOST_BROKEN = 3
"""Associations that may break off before a node is left alone."""
_PATIENCE = 30.0
"""Seconds for a connection, and for an association."""
_config.STORE_SEND_CHUNKED_DATASET = True
Context = tuple[str, str]
"""SOP class and transfer syntax."""


@dataclass(frozen=True)
class OutgoingInstance:
    """A Part 10 file and what its meta information says."""

    path: Path
    uid: str
    context: Context


def instance(path: Path) -> OutgoingInstance:
    """Raises TargetError for a file that is no DICOM."""
    try:
        meta = read_file_meta_info(path)
        context = str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)
        return OutgoingInstance(path, str(meta.MediaStorageSOPInstanceUID), context)
    except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
        raise TargetError(f"a file cannot be sent: {type(error).__name__}") from None


class _SendBrokenError(TargetError):
    """The association broke off, as some nodes end it at a damaged image."""


def send(node: Dicom, instances: Sequence[OutgoingInstance]) -> None:
    """Have all instances stored at `node`; one that it does not take keeps no other back. Raises TargetError then."""
    faults: list[TargetError] = []
    for group in _groups(instances):
        left = group
        while left:
            left = _sent(node, left, faults)
            if sum(isinstance(fault, _SendBrokenError) for fault in faults) == _MOST_BROKEN:
                raise _all_of(faults, len(instances))
    if faults:
        raise _all_of(faults, len(instances))


def _sent(node: Dicom, group: list[OutgoingInstance], faults: list[TargetError]) -> list[OutgoingInstance]:
    """Send over one association; those that are left when it broke off. Raises TargetError where it may pass."""
    with _association(node, {one.context for one in group}) as association:
        bandwidth = Bandwidth(node.megabytes_per_second)
        for number, one in enumerate(group, 1):
            try:
                _store(association, one)
            except _SendBrokenError as fault:
                faults.append(fault)
                return group[number:]
            except TargetError as fault:
                if fault.transient:
                    raise
                faults.append(fault)
            bandwidth.spend(one.path.stat().st_size)
    return []


def _all_of(faults: Sequence[TargetError], instances: int) -> TargetError:
    said = "; ".join(sorted({str(fault) for fault in faults}))
    share = f" ({len(faults)} of {counted(instances, 'image')})" if instances > 1 else ""
    fix = "; ".join(dict.fromkeys(fault.fix for fault in faults if fault.fix))
    return TargetError(f"{said}{share}", fix=fix, transient=any(fault.transient for fault in faults))


def held(node: Dicom, series: Iterable[tuple[str, str]]) -> set[str]:
    """SOP Instance UIDs that `node` says it has of some series, each (study, series). Raises TargetError."""
    found: set[str] = set()
    with _association(node, set()) as association:
        for study_uid, series_uid in series:
            query = Dataset()
            query.QueryRetrieveLevel = "IMAGE"
            query.StudyInstanceUID, query.SeriesInstanceUID, query.SOPInstanceUID = study_uid, series_uid, ""
            for status, answer in association.send_c_find(query, StudyRootFind):
                code = status.get("Status")
                if code in _PENDING and answer is not None:
                    found.add(str(answer.get("SOPInstanceUID", "")))
                elif code != _SUCCESS:
                    told = "the association broke off" if code is None else f"status 0x{code:04X}"
                    raise TargetError(f"dicom: asked what it holds: {told}", transient=True)
    return found


def _groups(instances: Sequence[OutgoingInstance]) -> Iterator[list[OutgoingInstance]]:
    """The instances, as many at a time as one association has presentation contexts for."""
    group: list[OutgoingInstance] = []
    for one in sorted(instances, key=lambda i: i.context):
        if len({i.context for i in [*group, one]}) > _MOST_CONTEXTS:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


@contextmanager
def _association(node: Dicom, contexts: set[Context]) -> Iterator[Association]:
    association = _asked_for(node, contexts)
    if not association.is_established:
        raise _why(node, contexts, association)
    try:
        yield association
    finally:
        association.release()


def _asked_for(node: Dicom, contexts: set[Context]) -> Association:
    """An association, established or not; for C-FIND alone where `contexts` is empty."""
    entity = AE(node.calling_aet)
    entity.acse_timeout = entity.connection_timeout = _PATIENCE
    entity.dimse_timeout = entity.network_timeout = 300
    wanted = [build_context(*context) for context in sorted(contexts)] or [build_context(StudyRootFind)]
    for _ in range(_TRIES):
        association = _associated(
            entity,
            node.host,
            node.port,
            wanted,
            ae_title=node.called_aet,
            max_pdu=_PDU,
            tls_args=(_tls(node), node.host) if node.tls else None,
            evt_handlers=[(evt.EVT_CONN_OPEN, _at_once)],
        )
        if association.is_established or association.is_rejected or _takes_nothing(association):
            break
    return association


def _associated(entity: AE, *address: Any, **more: Any) -> Association:
    try:
        return entity.associate(*address, **more)
    except OSError:  # pynetdicom raises it only where the host name has no address
        raise TargetError("dicom: the node's name has no address", fix="check host", transient=True) from None


def _takes_nothing(association: Association) -> bool:
    """Whether the node took the association and none of its presentation contexts: then pynetdicom aborts it."""
    return bool(association.rejected_contexts) and not association.accepted_contexts


def _why(node: Dicom, contexts: set[Context], association: Association) -> TargetError:
    """Why an association did not come about."""
    if _takes_nothing(association):
        if contexts:
            return _untaken(min(contexts))
        return TargetError("dicom: the node cannot be asked what it has", fix="write `query_back: false`")
    if node.tls and not _trusted(node):
        return TargetError(
            "dicom: the node's certificate is not trusted",
            fix="check `tls.ca`, and that `host` is the name in the certificate",
        )
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None:
        rejection = Rejection.of(answer, calling=node.calling_aet, called=node.called_aet)
        said = f"dicom: the node rejects the association: {rejection.why}"
        return TargetError(said, fix=rejection.fix(socket.gethostname(), fewer=""), transient=rejection.passes)
    return TargetError(
        "dicom: the node cannot be reached, or ended the association",
        fix=f"check host, port, called_aet and tls; the node must know {node.calling_aet}",
        transient=True,
    )


def _untaken(context: Context) -> TargetError:
    return TargetError(
        "dicom: the node takes no instances of a SOP class in the transfer syntax they have",
        fix="have the node accept SOP class {} in {}".format(*context),
    )


def _at_once(event: evt.Event) -> None:
    """Nothing waits to be sent together with more (Nagle's algorithm)."""
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # type: ignore[union-attr]


def _tls(node: Dicom) -> ssl.SSLContext:
    assert node.tls is not None  # noqa: S101
    try:
        context = ssl.create_default_context(cafile=node.tls.ca)
        if node.tls.certificate:
            context.load_cert_chain(node.tls.certificate, node.tls.key)
    except OSError:
        raise TargetError("dicom: a file of `tls` cannot be read", fix="check ca, certificate and key") from None
    return context


def _trusted(node: Dicom) -> bool:
    """Whether the node's certificate is not the reason why an association did not come about."""
    try:
        with socket.create_connection((node.host, node.port), _PATIENCE) as plain:
            _tls(node).wrap_socket(plain, server_hostname=node.host).close()
    except ssl.SSLCertVerificationError:
        return False
    except OSError:  # something else is wrong
        return True
    return True


def _broken() -> _SendBrokenError:
    fix = "look at the node's log: some nodes end the association at an image that is spoilt"
    return _SendBrokenError("dicom: the association broke off", fix=fix, transient=True)


def _store(association: Association, one: OutgoingInstance) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            status = association.send_c_store(one.path)
    except ValueError:
        raise _untaken(one.context) from None
    except RuntimeError:
        raise _broken() from None
    code = status.get("Status")
    if code is None:
        raise _broken()
    if code != _SUCCESS and not _WARNING <= code < _NOT_UNDERSTOOD:
        passing = _OUT_OF_RESOURCES <= code < _MISMATCH
        raise TargetError(f"dicom: the node refused an instance: status 0x{code:04X}", transient=passing)
