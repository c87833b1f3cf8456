"""A small Imaging Document Source, written from IHE RAD TF-2 4.69: instances of an archive as it holds them, by SOAP."""

from io import BytesIO
from xml.etree import ElementTree as ET

from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import write_file_meta_info

from peers.web import Handler, Service

RAD, ITI = "{urn:ihe:rad:xdsi-b:2009}", "{urn:ihe:iti:xds-b:2007}"
SUCCESS, PARTIAL, FAILURE = "Success", "PartialSuccess", "Failure"
BOUNDARY = "=_Part_7"


class Rad69(Service):
    """Answers `POST` about `archive`. Series that are in `refused` have an error for their answer."""

    def __init__(self, archive, authority=None):
        super().__init__(_Retrieve, authority)
        self.refused = set()
        self.instances = {
            (study.uid, series.attributes["SeriesInstanceUID"], instance.uid): instance
            for study in archive.studies.values()
            for series in study.make_series()
            for instance in series.instances
        }


class _Retrieve(Handler):
    def do_POST(self):  # noqa: N802
        body = self.body()
        if not self.admitted():
            return
        if self.headers.get_content_type() != "application/soap+xml":
            self.answer(415)
            return
        wanted = list(_wanted(ET.fromstring(body)))
        if self.server.refused & {series for _, series, _ in wanted}:
            error = b'<e:RegistryError codeContext="no PATIENT" errorCode="XDSRepositoryError"/>'
            self.answer(200, error, Content_Type="application/soap+xml")
            return
        found = [uids for uids in wanted if uids in self.server.instances]
        soap = _response(wanted, found)
        if not found:
            self.answer(200, soap, Content_Type="application/soap+xml; charset=utf-8")
            return
        kind = f'multipart/related; boundary="{BOUNDARY}"; type="application/xop+xml"; start="<soap>"'
        files = ((uids[2], _file(self.server.instances[uids])) for uids in found)
        self.stream(200, kind, _multipart(soap, files))


def _wanted(envelope):
    for study in envelope.iter(f"{RAD}StudyRequest"):
        for series in study.iter(f"{RAD}SeriesRequest"):
            for document in series.iter(f"{ITI}DocumentUniqueId"):
                yield study.get("studyInstanceUID"), series.get("seriesInstanceUID"), document.text.strip()


def _response(wanted, found):
    missing = [uids for uids in wanted if uids not in found]
    status = SUCCESS if not missing else PARTIAL if found else FAILURE
    errors = "".join(
        f'<rs:RegistryError codeContext="no such instance" errorCode="XDSMissingDocument" location="{uids[2]}" '
        'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/>'
        for uids in missing
    )
    documents = "".join(
        f"<DocumentResponse><DocumentUniqueId>{uids[2]}</DocumentUniqueId><mimeType>application/dicom</mimeType>"
        f'<Document><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:{uids[2]}"/></Document>'
        "</DocumentResponse>"
        for uids in found
    )
    listed = f"<rs:RegistryErrorList>{errors}</rs:RegistryErrorList>" if errors else ""
    return (
        '<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body>'
        '<RetrieveDocumentSetResponse xmlns="urn:ihe:iti:xds-b:2007" '
        'xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0">'
        f'<rs:RegistryResponse status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:{status}">{listed}'
        f"</rs:RegistryResponse>{documents}</RetrieveDocumentSetResponse></env:Body></env:Envelope>"
    ).encode()


def _file(instance):
    """The instance's encoded dataset, untouched, behind a preamble and file meta information (PS3.10 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = instance.sop_class, instance.uid
    meta.TransferSyntaxUID = instance.transfer_syntax
    head = BytesIO()
    write_file_meta_info(head, meta, enforce_standard=True)
    return bytes(128) + b"DICM" + head.getvalue() + bytes(instance.encoded())


def _multipart(soap, files):
    yield _part("application/xop+xml; charset=utf-8; type=application/soap+xml", "soap", soap)
    for uid, file in files:
        yield _part("application/dicom", uid, file)
    yield f"--{BOUNDARY}--\r\n".encode()


def _part(kind, name, content):
    head = f"--{BOUNDARY}\r\nContent-Type: {kind}\r\nContent-ID: <{name}>\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    return head.encode() + content + b"\r\n"
