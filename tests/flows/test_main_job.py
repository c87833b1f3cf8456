"""The main job against real peers: every instance accounted for, by UID, nothing identifying left, NIfTI as published."""

import json
from collections import defaultdict

import pydicom
import pytest
from pydicom.encaps import generate_frames

from csv_lines import lines
from pacsflow.deid import compile_profile
from peers.dcmqrscp import Dcmqrscp
from peers.orthanc import Orthanc
from project_folder import KEY, write_project
from schemas import DeidProfile

FOLDERS = ("dcm_qa_nih", "dcm_qa_ts", "dcm_qa_enh", "dcmqi/segmentations/ct-3slice", "dcmqi/sr-example")
IDENTIFYING = ("PatientName", "PatientID", "AccessionNumber", "PatientBirthDate", "InstitutionName")


@pytest.fixture(scope="module", params=[Orthanc, Dcmqrscp], ids=["orthanc", "dcmqrscp"])
def peer(request, tmp_path_factory):
    """One that holds nothing but these studies: others may have put more into theirs."""
    with request.param(tmp_path_factory.mktemp("peer")) as pacs:
        yield pacs


@pytest.fixture(scope="module")
def originals(peer, shared_data):
    """SOP Instance UID -> (file, header) of what is loaded; one file for each UID."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((shared_data / folder).rglob("*.dcm")):
            header = pydicom.dcmread(path, stop_before_pixels=True)
            if header.file_meta.TransferSyntaxUID.is_compressed and isinstance(peer, Dcmqrscp):
                continue  # its loader, storescu, offers uncompressed syntaxes only
            found.setdefault(str(header.SOPInstanceUID), (path, header))
    return found


@pytest.fixture(scope="module")
def pacs(peer, originals):
    peer.load([path for path, _ in originals.values()])
    return peer


def node(peer, method):
    fetch = {"method": method, "move_to": {"aet": "PACSFLOW", "port": peer.move_port}}
    return {"port": peer.port, "called_aet": peer.aet, "fetch": fetch}


def by_study(originals):
    studies = defaultdict(set)
    for uid, (_, header) in originals.items():
        studies[str(header.StudyInstanceUID)].add(uid)
    return dict(studies)


def pixels(dataset: pydicom.Dataset, *, as_stored: bool) -> list[bytes]:
    """The frames, compressed ones as they are coded; offset tables, padding and comments are not part of a picture."""
    if as_stored and dataset.file_meta.TransferSyntaxUID.is_compressed:
        frames = generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
        return [without_comments(frame.rstrip(b"\0")) for frame in frames]
    if as_stored:
        return [dataset.PixelData]
    array = dataset.pixel_array
    return [array.astype(array.dtype.newbyteorder("<")).tobytes()]


def without_comments(frame: bytes) -> bytes:
    """A frame without the comments of its JPEG 2000 main header (ISO/IEC 15444-1 A.9.2); any other as it is."""
    if not frame.startswith(b"\xff\x4f"):
        return frame
    place, kept = 2, [frame[:2]]
    while (marker := frame[place : place + 2]) != b"\xff\x90":
        end = place + 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
        kept += [frame[place:end]] if marker != b"\xff\x64" else []
        place = end
    return b"".join([*kept, frame[place:]])


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_every_instance_asked_for_is_delivered_de_identified(tmp_path, pacs, prefect, originals, method):
    studies = by_study(originals)
    rows = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(sorted(studies))]
    deid = {"pixels": {"burned_in": "keep"}}
    folder = write_project(tmp_path / "p", pacs=node(pacs, method), rows=rows, deid=deid)
    output = prefect.pacsflow("run", str(folder))
    assert "report" in output

    cleaner = compile_profile(DeidProfile(base="ps3.15-basic", key="${env:X}"), bytes.fromhex(KEY))
    expected = {cleaner.uid(uid): uid for uid in originals}
    delivered = {p.stem: p for p in (tmp_path / "data" / "out").rglob("*.dcm")}
    assert set(delivered) == set(expected)
    for new, path in delivered.items():
        cleaned, (source, original) = pydicom.dcmread(path), originals[expected[new]]
        assert cleaned.SOPInstanceUID == cleaned.file_meta.MediaStorageSOPInstanceUID == new
        assert cleaned.PatientIdentityRemoved == "YES"
        for keyword in IDENTIFYING:
            if value := str(original.get(keyword) or ""):
                assert str(cleaned.get(keyword) or "") != value, keyword
        kept = cleaned.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
        assert kept or not original.file_meta.TransferSyntaxUID.is_compressed, "taken as it is"
        if "PixelData" in cleaned:
            assert pixels(cleaned, as_stored=kept) == pixels(pydicom.dcmread(source), as_stored=kept)


def test_row_table_comes_back_with_what_became_of_each_row(tmp_path, pacs, prefect, originals):
    studies = by_study(originals)
    uid = max(studies, key=lambda u: len(studies[u]))
    patient = next(h for _, h in originals.values() if h.StudyInstanceUID == uid).PatientID
    rows = [
        {"id": "whole", "StudyInstanceUID": uid},
        {"id": "same", "StudyInstanceUID": uid, "PatientID": str(patient)},
        {"id": "none", "PatientID": "NOBODY-HAS-THIS"},
        {"id": "other", "StudyInstanceUID": uid, "PatientID": "ANOTHER"},
    ]
    folder = write_project(tmp_path / "p", pacs=node(pacs, "c-get"), rows=rows)
    prefect.pacsflow("run", str(folder), expect=1)
    table = {row["id"]: row for row in lines(tmp_path / "data" / "report" / "results.csv")}
    said = {i: (row["status"], row["reason"]) for i, row in table.items()}
    assert [said[i][0] for i in said] == ["complete", "complete", "unmatched", "unmatched"], said
    assert table["whole"]["images received"] == table["whole"]["images expected"] == str(len(studies[uid]))
    record = json.loads((tmp_path / "data" / "report" / "run.json").read_text())
    assert record["counts"]["studies"]["all"] == 1, "rows that share a study share the work"
