"""The release gate finds what a project knows of its patients, wherever it stands, and what cleaned files never hold."""

import gzip
import json
import struct
from zipfile import ZipFile

import nibabel
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

import pacsflow.deid.release_gate
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.proof.known import Facts, Known
from pacsflow.deid.release_gate import Gate
from schemas.deid import DeidProfile
from unit.deid.instances import (
    ACCESSION,
    BIRTH,
    NAME,
    PATIENT_ID,
    SOP_UID,
    STUDY_UID,
    cleaner,
    ct,
    encoded,
    read,
    whole,
)
from unit.deid.test_envelope import PLANTED, plain

PROFILE = {"key": "${env:KEY}", "patient": {"prefix": "LUNG-"}}
OURS = cleaner(patient={"prefix": "LUNG-"})
PSEUDONYM = OURS.person(PATIENT_ID).pseudonym
FACTS = Facts(
    frozenset({(0x00100010, NAME), (0x00100020, PATIENT_ID), (0x00080050, ACCESSION), (0x00100010, "Head^Axial")}),
    frozenset({STUDY_UID, SOP_UID, "1.2.840.10008.1.2"}),
    {PSEUDONYM: BIRTH, "LUNG-OTHER": "19500101"},
)


@pytest.fixture(params=[0, 1 << 20], ids=["mapped", "read"])
def gate(tmp_path, monkeypatch, request):
    monkeypatch.setattr(pacsflow.deid.release_gate, "STREAMED_FROM", request.param)

    def check(name="file.dcm", content=b"", *, facts=FACTS, **profile):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        found = Gate(tmp_path, DeidProfile.model_validate(PROFILE | profile), facts)([name])
        return {(each.where, each.kind) for each in found[0]}

    return check


def clean(**values):
    return read(OURS.clean(encoded(ct(**values))))


def file(ds, syntax="1.2.840.10008.1.2.1"):
    source = encoded(ds, syntax)
    return file_head(str(ds.SOPClassUID), str(ds.SOPInstanceUID), str(syntax)) + bytes(source.dataset)


def test_nothing_is_found_in_what_was_cleaned(gate):
    assert gate(content=whole(OURS.clean(encoded(ct())))) == set()
    assert gate(content=whole(OURS.clean(encoded(ct(), ImplicitVRLittleEndian)))) == set()


def test_an_original_is_found_out_in_every_way(gate):
    found = gate(content=file(ct()))
    assert {
        ("(0012,0062)", "not marked as de-identified"),
        ("(0010,0020)", "a patient the vault does not know"),
        ("(0010,0010)", "original name"),
        ("(0010,0020)", "original id"),
        ("(0008,0050)", "original id"),
        ("(0020,000d)", "original UID"),
        ("(0008,0018)", "original UID"),
        ("(0002,0000)", "original UID"),
    } <= found


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("SeriesDescription", "scan of QUISTGAARD", ("(0008,103e)", "original name")),
        ("SoftwareVersions", STUDY_UID.replace(".", "_"), ("(0018,1020)", "original UID")),
        ("ImageComments", "774411 seen", ("(0020,4000)", "original id")),
        ("ImageComments", "born 23.05.1941", ("(0020,4000)", "original birth date")),
        ("PatientBirthDate", BIRTH, ("(0010,0030)", "original birth date")),
        ("StudyID", ACCESSION, ("(0020,0010)", "original id")),
        ("FrameOfReferenceUID", STUDY_UID, ("(0020,0052)", "original UID")),
        ("PatientID", "LUNG-STRANGER", ("(0010,0020)", "a patient the vault does not know")),
        ("PatientIdentityRemoved", "NO", ("(0012,0062)", "not marked as de-identified")),
    ],
)
def test_what_is_put_back_is_found_where_it_stands(gate, keyword, value, expected):
    ds = clean()
    setattr(ds, keyword, value)
    facts = Facts(FACTS.values | {(0x00100020, "774411")}, FACTS.uids, FACTS.pseudonyms)
    assert gate(content=file(ds), facts=facts) == {expected}


def test_it_is_found_in_sequences_behind_the_pixels_and_in_the_file_meta_information(gate):
    ds, item = clean(), Dataset()
    item.SeriesDescription = "Thorbjorn"
    ds.SourceImageSequence = Sequence([item])
    ds.private_block(0x7FE1, "ACME", create=True).add_new(1, "LO", "x")
    ds.add_new(0xFFFCFFFC, "OB", b"Quistgaard")
    content = file(ds).replace(b"PACSFLOW 0.1.0", b"QUISTGAARD 1.0")
    assert b"QUISTGAARD 1.0" in content
    found = gate(content=content)
    assert ("(0008,103e)", "original name") in found
    assert ("(fffc,fffc)", "original name") in found
    assert ("(0002,0000)", "original name") in found
    assert ("(7fe1,1001)", "private element") in found


def test_structure_is_checked_private_elements_order_and_file_meta_information(gate):
    ds = clean()
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "x")
    assert gate(content=file(ds)) == {("(0011,1001)", "private element")}
    assert gate(content=file(ds), private={"keep": ['(0011,"ACME",01)']}) == set()
    content = file(clean())
    uid = str(clean().SOPInstanceUID).encode()
    assert gate(content=content.replace(uid, uid[:-1] + b"%d" % ((uid[-1] - 47) % 10), 1)) == {
        ("(0002,0003)", "file meta information names another instance")
    }
    rows, columns = b"\x28\0\x10\0US\x02\0\x08\0", b"\x28\0\x11\0US\x02\0\x08\0"
    assert rows + columns in content
    assert gate(content=content.replace(rows + columns, columns + rows)) == {
        ("", "structure: tags out of order, or an encoding no cleaned file has")
    }
    assert gate(content=content[:-3]) == {("", "cannot be checked: malformed: cut off")}


def test_uids_that_the_profile_keeps_are_no_finding(gate):
    keeping = cleaner(patient={"prefix": "LUNG-"}, options=["retain-uids"])
    content = whole(keeping.clean(encoded(ct())))
    assert gate(content=content, options=["retain-uids"]) == set()
    assert ("(0020,000d)", "original UID") in gate(content=content)


def test_names_that_are_words_of_dicom_are_counted_not_searched(gate):
    assert gate(content=file(clean(BodyPartExamined="HEAD"))) == set()
    assert Known(FACTS).ordinary == 2


def test_names_of_files_are_checked_and_hidden(tmp_path):
    (tmp_path / "Quistgaard_T").mkdir()
    (tmp_path / "Quistgaard_T" / f"{SOP_UID}.txt").write_text("nothing")
    found = Gate(tmp_path, DeidProfile.model_validate(PROFILE), FACTS)([f"Quistgaard_T/{SOP_UID}.txt"])[0]
    assert {(each.where, each.kind) for each in found} == {
        ("name of the file", "original name"),
        ("name of the file", "original UID"),
    }
    assert {each.file for each in found} == {"…_T/….txt"}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("2.25.8777441112733557426012206253981.txt", set()),
        ("2.25.774411.127335574.txt", {"original id"}),
        ("scan77441112.txt", {"original id"}),
        ("2.25.87774411127/774411.txt", {"original id"}),
    ],
)
def test_digits_within_the_digits_of_a_uid_are_chance_and_nothing_else_is(gate, name, kinds):
    known = Facts(frozenset({(0x00100020, "774411")}), frozenset(), FACTS.pseudonyms)
    assert {kind for _, kind in gate(name, b"nothing", facts=known)} == kinds
    assert {kind for _, kind in gate("text.txt", name.encode(), facts=known)} == kinds


def test_a_uid_of_ours_that_holds_a_short_identifier_by_chance_is_no_finding(gate):
    content = whole(OURS.clean(encoded(ct())))
    uid = str(read(OURS.clean(encoded(ct()))).SOPInstanceUID)
    by_chance = Facts(FACTS.values | {(0x00080050, uid[9:16])}, FACTS.uids, FACTS.pseudonyms)
    assert gate(f"{uid}.dcm", content, facts=by_chance) == set()


def test_other_files_are_searched_or_said_to_be_unchecked(gate, tmp_path):
    assert gate("a.json", json.dumps({"PatientName": NAME}).encode()) == {("content", "original name")}
    assert gate("a.bval", b"0 1000") == set()
    assert gate("a.zip", b"PK\3\4\xff\xfe") == {("", "cannot be checked: neither DICOM, NIfTI nor text")}
    assert gate("a.csv.gz", gzip.compress(PATIENT_ID.encode())) == {("content", "original id")}
    assert gate("b.csv.gz", b"no gzip") == {("", "cannot be checked: neither DICOM, NIfTI nor text")}
    image = nibabel.Nifti1Image(np.zeros((2, 2, 2), "<i2"), np.eye(4))
    nibabel.save(image, tmp_path / "x.nii.gz")
    assert gate("y.nii.gz", (tmp_path / "x.nii.gz").read_bytes()) == set()
    image.header["descrip"] = b"Quistgaard"
    nibabel.save(image, tmp_path / "x.nii")
    assert gate("y.nii", (tmp_path / "x.nii").read_bytes()) == {("content", "original name")}


def test_thousands_of_patients_are_searched_as_few_are(gate):
    many = frozenset((0x00100010, f"Zabc{number:05d}x^Y") for number in range(5000)) | FACTS.values
    many |= frozenset((0x00100020, f"MRN{number:07d}") for number in range(5000))
    facts = Facts(many, FACTS.uids, FACTS.pseudonyms)
    ds = clean()
    assert gate(content=file(ds), facts=facts) == set()
    ds.StudyID = "mrn0004321"
    assert gate(content=file(ds), facts=facts) == {("(0020,0010)", "original id")}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_in_a_frame_is_found(gate, kind):
    syntax, frame = PLANTED[kind]
    content = whole(OURS.clean(plain(kind, syntax)))
    start = content.index(b"\xe0\x7f\x10\0") + 20
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(frame) + len(frame) % 2) + frame + bytes(len(frame) % 2)
    assert gate(content=content) == set()
    found = gate(content=content[:start] + item + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))
    assert ("(7fe0,0010)", "original name") in found


def test_what_is_planted_in_an_offset_table_or_behind_the_pixels_is_found(gate):
    content = whole(OURS.clean(plain("COM", PLANTED["COM"][0])))
    table = NAME.encode()
    planted = content.replace(b"\xfe\xff\x00\xe0\0\0\0\0", struct.pack("<HHI", 0xFFFE, 0xE000, len(table)) + table, 1)
    assert gate(content=planted) == {("(7fe0,0010)", "original name")}
    ds = clean()
    ds.PixelData += NAME.encode()
    assert gate(content=file(ds)) == {("(7fe0,0010)", "original name")}


def test_pixel_data_that_cannot_be_followed_is_said(gate):
    ds = clean()
    ds.PixelData = ds.PixelData[:-2]
    assert {where for where, _ in gate(content=file(ds))} == {"pixel data"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("tquistgaard01", "original name"), ("Quist-\ngaard", "original name")),
        *(("born 23 May 1941", "original birth date"), ("23.5.41", "original birth date")),
        *(
            ("1941-05-23", "original birth date"),
            ("ACC 998 1273", "original id"),
            ("Thorbjörn Quistgaard", "original name"),
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_text_in_every_encoding_and_spelling_is_found_out(gate, text, kind, encoding):
    assert ("content", kind) in gate("clin.csv", f"a;b\nLÜNG;{text}\n".encode(encoding))
    assert gate("clin.csv", "a;b\nLÜNG;1 2 3\n".encode(encoding)) == set()


def test_a_workbook_is_searched_inside(gate, tmp_path):
    path = tmp_path / "a.zip"
    for text, expected in ((NAME, {("content", "original name")}), ("nothing", set())):
        with ZipFile(path, "w") as archive:
            archive.writestr("xl/sharedStrings.xml", f"<t>{text}</t>")
        assert gate("a.xlsx", path.read_bytes()) == expected


@pytest.mark.parametrize("copy", ["tquistgaard01", "Quist-\r\ngaard", "seen 23 May 1941", "23.5.41"])
def test_decoded_text_of_elements_is_searched_in_every_spelling(gate, copy):
    ds = clean()
    ds.ImageComments = copy
    assert {where for where, _ in gate(content=file(ds))} == {"(0020,4000)"}


def test_of_many_patients_birth_dates_count_where_the_patient_stands(gate):
    births = {f"LUNG-{number}": f"19{number % 90 + 10}0315" for number in range(200)} | {"LUNG-OURS": BIRTH}
    facts = Facts(FACTS.values, FACTS.uids, births)
    assert gate("a.csv", b"LUNG-OURS;23.05.1941\n", facts=facts) == {("content", "original birth date")}
    assert gate("a.csv", b"LUNG-1;23.05.1941\n", facts=facts) == set()
