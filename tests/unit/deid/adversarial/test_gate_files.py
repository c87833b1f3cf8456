"""The gate finds what a vault told it in files of every sort, behind every escape, and in their names."""

# fmt: off
import base64
import bz2
import gzip
import io
import json
import lzma
import sqlite3
import struct
import tarfile
import zipfile
import zlib

import nibabel
import numpy as np
import pytest

from pacsflow.deid.proof.known import Facts
from pacsflow.deid.release_gate import Gate
from schemas.deid import DeidProfile
from unit.deid.instances import ACCESSION, BIRTH, NAME, PATIENT_ID, SERIES_UID, SOP_UID, STUDY_UID, cleaner

PROFILE = {"key": "${env:KEY}", "patient": {"prefix": "LUNG-"}}
PS = cleaner(patient={"prefix": "LUNG-"}).person(PATIENT_ID).pseudonym
FACTS = Facts(frozenset({(0x00100010, NAME), (0x00100020, PATIENT_ID), (0x00080050, ACCESSION), (0x00100010, "Müller^Jürgen"), (0x00080080, "Klinikum Nordstadt")}), frozenset({STUDY_UID, SOP_UID, SERIES_UID}), {PS: BIRTH})


def named_gz():
    out = io.BytesIO()
    gzip.GzipFile(filename="Quistgaard", fileobj=out, mode="wb").close()
    return out.getvalue()


def nif(ext=None, **h):
    im = nibabel.Nifti1Image(np.zeros((2, 2, 2), "i2"), np.eye(4))
    for a, v in h.items():
        im.header[a] = v
    if ext:
        im.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, ext))
    return im.to_bytes()


def as_json(d):
    return json.dumps(d).encode()


def z(files, **kw):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as f:
        for n, c in files.items():
            f.writestr(n, c)
        if kw.get("comment"):
            f.comment = kw["comment"]
    return b.getvalue()


def t(files, mode="w"):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode=mode) as f:
        for n, c in files.items():
            i = tarfile.TarInfo(n)
            i.size = len(c)
            f.addfile(i, io.BytesIO(c))
    return b.getvalue()


def png(textv, kind=b"tEXt"):
    def ch(k, d):
        return struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))

    body = b"Comment\0" + textv if kind == b"tEXt" else b"Comment\0\0" + zlib.compress(textv)
    return b"\x89PNG\r\n\x1a\n" + ch(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) + ch(kind, body) + ch(b"IDAT", zlib.compress(b"\0\0")) + ch(b"IEND", b"")


def sq():
    c = sqlite3.connect(":memory:")
    c.execute("create table t(a)")
    c.execute("insert into t values(?)", (NAME,))
    return c.serialize()


FILES = {
    "json name": ("a.json", as_json({"PatientName": NAME})),
    "json escaped umlaut": ("a.json", as_json({"n": "Jürgen Müller"})),
    "json utf16": ("a.json", json.dumps({"n": NAME}).encode("utf-16")),
    "json utf8 bom": ("a.json", b"\xef\xbb\xbf" + as_json({"n": NAME})),
    "json key name": ("a.json", as_json({"Quistgaard": 1})),
    "json int id": ("a.json", as_json({"x": 774411})),
    "json float id": ("a.json", as_json({"x": 774411.0})),
    "json birth": ("a.json", as_json({"x": "1941-05-23"})),
    "json birth int": ("a.json", as_json({"x": 19410523})),
    "json birth de": ("a.json", as_json({"x": "23.05.1941"})),
    "json birth words": ("a.json", as_json({"x": "23 May 1941"})),
    "json unicode name escape ascii": ("a.json", b'{"x":"\\u0051uistgaard"}'),
    "json uid": ("a.json", as_json({"SeriesInstanceUID": SERIES_UID})),
    "json b64": ("a.json", as_json({"x": base64.b64encode(NAME.encode()).decode()})),
    "dicom json inline": ("a.json", as_json({"00291010": {"vr": "OB", "InlineBinary": base64.b64encode(b"xx " + NAME.encode() + b" yy").decode()}})),
    "json institution": ("a.json", as_json({"InstitutionName": "Klinikum Nordstadt"})),
    "json broken": ("a.json", b'{"x": "' + NAME.encode()),
    "json slash escape": ("a.json", b'{"x":"23\\/05\\/1941"}'),
    "xml entities": ("a.xml", b"<n>M&#252;ller</n>"),
    "html nbsp": ("a.html", b"<b>Quistg</b>aard"),
    "xml entity ascii": ("a.xml", b"<n>&#81;uistgaard</n>"),
    "html uuml": ("a.html", b"J&uuml;rgen M&uuml;ller"),
    "csv upper": ("a.csv", b"QUISTGAARD;THORBJORN\n"),
    "csv latin1": ("a.csv", "Müller".encode("latin1")),
    "csv utf16": ("a.csv", "Müller".encode("utf-16")),
    "csv utf16be nobom": ("a.csv", "Quistgaard".encode("utf-16-be")),
    "csv utf32": ("a.csv", "Quistgaard".encode("utf-32")),
    "csv cp437": ("a.csv", "Müller".encode("cp437")),
    "csv mueller": ("a.csv", b"Mueller"),
    "csv nfd": ("a.csv", "Mu\u0308ller".encode()),
    "tsv accession": ("a.tsv", b"x\tACC9981273\n"),
    "tsv birth us": ("a.tsv", b"05/23/1941"),
    "csv mac roman": ("a.csv", "Müller".encode("mac-roman")),
    "bval name": ("a.bval", b"0 1000 Quistgaard"),
    "no ext": ("README", b"Quistgaard"),
    "hidden": (".hidden", b"Quistgaard"),
    "empty ext bin": ("x.bin", b"\0\1Quistgaard\0"),
    "name file": ("sub-1/Quistgaard_T1.nii.gz", gzip.compress(nif())),
    "name folder": ("Quistgaard/a.txt", b"x"),
    "name file id": ("774411.txt", b"x"),
    "name file lower id": ("pid774411.txt", b"x"),
    "name file birth": ("19410523_T1.txt", b"x"),
    "name uid": (SERIES_UID + ".txt", b"x"),
    "name umlaut nfd": ("Mu\u0308ller.txt", b"x"),
    "name mueller": ("mueller_t1.txt", b"x"),
    "name birth dashed": ("T1_1941-05-23.txt", b"x"),
    "name url enc": ("M%C3%BCller.txt", b"x"),
    "nii descrip": ("a.nii", nif(descrip=b"TE=3 Quistgaard")),
    "nii aux": ("a.nii", nif(aux_file=b"Quistgaard")),
    "nii intent": ("a.nii", nif(intent_name=b"Quistgaard")),
    "nii db_name": ("a.nii", nif(db_name=b"Quistgaard")),
    "nii ext": ("a.nii", nif(ext=b"Quistgaard")),
    "nii gz descrip": ("a.nii.gz", gzip.compress(nif(descrip=b"Quistgaard"))),
    "nii gz fname": ("a.nii.gz", named_gz()),
    "nii tail": ("a.nii", nif() + NAME.encode()),
    "nii descrip birth": ("a.nii", nif(descrip=b"19410523")),
    "zip member": ("a.zip", z({"x.txt": NAME})),
    "zip name": ("a.zip", z({"Quistgaard.txt": "x"})),
    "zip comment": ("a.zip", z({"x": "x"}, comment=b"Quistgaard")),
    "zip in zip": ("a.zip", z({"b.zip": z({"c.txt": NAME})})),
    "zip json esc": ("a.zip", z({"x.json": as_json({"n": "Müller"})})),
    "tar": ("a.tar", t({"x.txt": NAME.encode()})),
    "tar.gz": ("a.tar.gz", t({"x.txt": NAME.encode()}, "w:gz")),
    "tar.bz2": ("a.tar.bz2", t({"x.txt": NAME.encode()}, "w:bz2")),
    "tar.xz": ("a.tar.xz", t({"x.txt": NAME.encode()}, "w:xz")),
    "gz txt": ("a.txt.gz", gzip.compress(NAME.encode())),
    "bz2": ("a.txt.bz2", bz2.compress(NAME.encode())),
    "xz": ("a.txt.xz", lzma.compress(NAME.encode())),
    "gz of gz": ("a.gz", gzip.compress(gzip.compress(NAME.encode()))),
    "zip renamed": ("a.dat", z({"x.txt": NAME})),
    "tar renamed gz": ("a.dat", t({"x": NAME.encode()}, "w:gz")),
    "two gz members": ("a.gz", gzip.compress(b"x") + gzip.compress(NAME.encode())),
    "xlsx": ("a.xlsx", z({"xl/sharedStrings.xml": "<t>Quistgaard</t>", "[Content_Types].xml": "x"})),
    "png text": ("a.png", png(b"Quistgaard")),
    "png ztxt": ("a.png", png(b"Quistgaard", b"zTXt")),
    "sqlite": ("a.db", sq()),
    "pdf flate": ("a.pdf", b"%PDF-1.4\n1 0 obj<</Length 9/Filter/FlateDecode>>stream\n" + zlib.compress(b"BT (Quistgaard) Tj ET") + b"\nendstream endobj"),
    "pdf hex": ("a.pdf", b"%PDF-1.4\n<" + b"Quistgaard".hex().encode() + b"> Tj"),
    "pdf title": ("a.pdf", b"%PDF-1.4\n/Author (Quistgaard)"),
    "npy": ("a.npy", b"\x93NUMPY" + "Quistgaard".encode("utf-32-le")),
    "log id": ("run.log", b"patient PID-774411 failed"),
    "log 7bit": ("run.log", b"pid_774411"),
    "links.csv": ("links.csv", f"{PATIENT_ID},{PS}".encode()),
    "qp": ("a.eml", b"M=C3=BCller"),
    "rtf": ("a.rtf", rb"{\rtf M\'fcller}"),
    "b64 txt": ("a.txt", base64.b64encode(b"Patient: " + NAME.encode())),
    "hex txt": ("a.txt", NAME.encode().hex().encode()),
    "percent": ("a.txt", b"Quistgaard%5EThorbjorn"),
    "md": ("a.md", b"Thorbj\xc3\xb8rn Quistg\xc3\xa5rd"),
    "ansi": ("a.txt", b"Quist\x1b[1mgaard"),
    "line break": ("a.txt", b"Quist-\ngaard"),
    "chunk border": ("a.txt", b"x" * ((1 << 20) - 5) + NAME.encode()),
    "chunk border 64k": ("a.txt", b"x " * 32765 + NAME.encode()),
    "gz chunk": ("a.txt.gz", gzip.compress(b"x" * ((1 << 20) - 4) + b" Quistgaard ")),
    "mat": ("a.mat", b"MATLAB 5.0 MAT-file" + b" " * 100 + zlib.compress(b"..Quistgaard..")),
    "h5ish": ("a.h5", b"\x89HDF\r\n\x1a\n" + b"Quistgaard"),
    "jpg exif": ("a.jpg", b"\xff\xd8\xff\xe1\0\x10Exif\0\0Quistgaard\xff\xd9"),
    "tiff": ("a.tif", b"II*\0Quistgaard"),
    "mgz": ("a.mgz", gzip.compress(b"\0" * 300 + b"Quistgaard")),
    "trailing dot id": ("a.txt", b"ID:774411."),
    "id with zeros": ("a.txt", b"0000774411"),
    "id in path json": ("a.json", as_json({"source": "/data/PID-774411/x.dcm"})),
}


@pytest.mark.parametrize("sort", FILES)
def test_what_a_vault_told_is_found_and_never_shown(sort, tmp_path):
    name, content = FILES[sort]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (found,) = Gate(tmp_path, DeidProfile.model_validate(PROFILE), FACTS)([name])
    assert found
    assert not any(told in str(found).lower() for told in ("quistgaard", "774411", "müller", "19410523"))
