"""No identifier that went in comes out where it must not: Prefect, logs, reports, names and content of files."""

import json
import logging
import warnings
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread, uid

from factory import write_files
from pacsflow.simpacs import Faults, SimPacs, demo_archive
from pacsflow.simpacs.folder import folder_archive
from peers.ports import free_port
from peers.prefect import Prefect
from peers.told import web_hook
from project_folder import write_project
from unit.deid.instances import STUDY_UID
from unit.deid.test_marker import LISTED, instance, marker

KEYWORDS = ("PatientName", "PatientID", "AccessionNumber", "PatientBirthDate", "StudyInstanceUID")
PRIVATE = ("private", "plan.xlsx", "results.xlsx", "results.csv")
IGNORES_KEYS = {"kind": "ignored-keys", "keys": ["PatientID"]}
TALKATIVE = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "DEBUG",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "pacsflow,pydicom,pynetdicom,sqlalchemy",
    "PYTHONWARNINGS": "always",
}
"""Whoever looks for a fault makes everything speak: on the terminal, and to Prefect's server."""
DROPS_IMAGES = {"kind": "drop-images", "every": 7, "counted": "completed", "times": 2}


def identifiers(archive) -> dict[str, set[str]]:
    """Keyword -> the values that go in: of studies, series and instances, and each part of each name."""
    found: dict[str, set[str]] = {keyword: set() for keyword in (*KEYWORDS, "SeriesInstanceUID", "SOPInstanceUID")}
    for study in archive.studies.values():
        for keyword in KEYWORDS:
            found[keyword].add(str(study.attributes.get(keyword, "")))
        for series in archive.series(study.uid):
            found["SeriesInstanceUID"].add(series.attributes["SeriesInstanceUID"])
            found["SOPInstanceUID"] |= {instance.uid for instance in series.instances}
    for name in list(found["PatientName"]):
        found["PatientName"] |= {part for group in name.split("=") for part in group.split("^")}
    return {keyword: {v for v in values if len(v) > 2} for keyword, values in found.items()}


def needles(archive) -> dict[bytes, str]:
    """Bytes that must not be found -> which attribute they are of."""
    encodings = ("utf-8", "latin-1", "utf-16-le", "shift_jis", "iso8859_7")
    result: dict[bytes, str] = {}
    for keyword, values in identifiers(archive).items():
        for value in values:
            for encoding in encodings:
                result.setdefault(value.encode(encoding, "ignore"), keyword)
            result.setdefault(ascii(value)[1:-1].encode(), keyword)
    return {needle: keyword for needle, keyword in result.items() if len(needle) > 3}


def scan(folder: Path, wanted: dict[bytes, str], *, but: tuple[str, ...] = ()) -> list[str]:
    """Files below a folder whose name or content holds a needle, and the attribute it is of."""
    leaks = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        if any(part in path.relative_to(folder).parts for part in but) or path.name.startswith("plan-"):
            continue
        content = name.encode() + b"\n" + path.read_bytes()
        leaks += [f"{keyword} in {path.suffix} file" for needle, keyword in wanted.items() if needle in content]
    return leaks


@pytest.fixture
def server(tmp_path):
    """A Prefect server of this test alone: its whole database is scanned."""
    folder = tmp_path / "prefect"
    folder.mkdir()
    with Prefect(folder) as peer:
        yield peer


def rows_of(archive) -> list[dict[str, str]]:
    """By patient, by accession, by name, by birth date; one held, one without a hit."""
    rows = [{"id": "nobody", "PatientID": "0000000", "StudyDate": "20010101"}]
    for n, study in enumerate(archive.studies.values()):
        keyword = KEYWORDS[n % len(KEYWORDS)]
        value = study.attributes[keyword]
        date = {"StudyDate": study.attributes["StudyDate"]}
        rows.append({"id": f"r{n}", keyword: value.split("=")[0] if keyword == "PatientName" else value} | date)
    return rows


@pytest.mark.parametrize("method", ["c-get", "c-move"])
def test_nothing_that_went_in_is_found_outside_ledger_vault_and_the_users_own_tables(tmp_path, server, method):
    archive, free = demo_archive(), free_port()
    wanted = needles(archive)
    lies = [IGNORES_KEYS, DROPS_IMAGES] if method == "c-get" else [IGNORES_KEYS]  # a C-MOVE waits for what was counted
    faults = Faults.model_validate({"faults": lies})
    with SimPacs(archive, faults, destinations={"PACSFLOW": ("127.0.0.1", free)}) as pacs, web_hook() as hook:
        fetch = {"method": method, "move_to": {"aet": "PACSFLOW", "port": free}}
        node = {"port": pacs.port, "called_aet": pacs.aet, "fetch": fetch}
        options = ["retain-longitudinal-modified-dates", "retain-patient-characteristics", "clean-descriptors"]
        export = {"nifti": [{"modality": "*", "converter": "dcm2niix"}]}
        told = {
            "notify": [{"webhook": f"http://127.0.0.1:{hook.server_port}/", "on": ["done", "left", "held", "failed"]}]
        }
        folder = write_project(
            tmp_path / "p", pacs=node, rows=rows_of(archive), project=told, deid={"options": options}, export=export
        )
        temporary = tmp_path / "tmp"
        temporary.mkdir()
        environment = {"TMPDIR": str(temporary)} | (TALKATIVE if method == "c-get" else {})
        output = server.pacsflow("run", str(folder), expect=1, **environment)
        output += server.pacsflow("status", str(folder), **environment)
    assert not [keyword for needle, keyword in wanted.items() if needle in output.encode()], "in the output"
    assert list((tmp_path / "data" / "out").rglob("*.dcm")), "something was delivered"
    assert list((tmp_path / "data" / "out").rglob("*.nii.gz")), "something was converted"
    assert ("DEBUG" in output) == (method == "c-get")
    assert scan(server.folder, wanted) == []
    assert len(hook.told) == 1
    assert not [
        keyword for needle, keyword in wanted.items() if needle in json.dumps(hook.told, ensure_ascii=False).encode()
    ], "in the webhook"
    seen = [
        server.asked(f"/{what}/filter")
        for what in ("flow_runs", "task_runs", "artifacts", "logs", "variables", "events")
    ]
    assert all(seen[:4]), "there is something to look at"
    assert not [
        keyword for needle, keyword in wanted.items() if needle in json.dumps(seen, ensure_ascii=False).encode()
    ], "in the answers"
    assert list(temporary.iterdir()) == [], "temporary files have a place of their own"
    assert scan(tmp_path / "data", wanted, but=PRIVATE) == []
    assert scan(tmp_path / "data" / "private", wanted), (
        "the scan finds what is there: the ledger knows whom it asks for"
    )
    assert scan(tmp_path / "data" / "private", wanted, but=("ledger.sqlite", "ledger.sqlite-wal")) == []
    own = [p for p in (tmp_path / "data" / "report").iterdir() if p.name in PRIVATE or p.name.startswith("plan-")]
    for path in [*(tmp_path / "data" / "private").iterdir(), *own]:
        assert path.stat().st_mode & 0o077 == 0, f"{path.name} is for its owner only"


def marked_images(folder):
    """Two images with a marker in every attribute of PS3.15 Table E.1-1, and one whose character set is none besides."""
    for number, sop_class in enumerate([uid.CTImageStorage, uid.MRImageStorage, uid.CTImageStorage]):
        dataset = dcmread(BytesIO(instance(sop_class)))
        dataset.SOPInstanceUID = f"{STUDY_UID}.77.{number}"
        write_files([dataset], folder / str(number))
    [last] = (folder / "2").iterdir()
    last.write_bytes(last.read_bytes().replace(b"ISO_IR 192", b"NO_CHARSET"))
    with warnings.catch_warnings(action="ignore"):
        return folder_archive(folder)


def test_markers_in_every_attribute_stay_in_ledger_vault_and_the_users_own_tables(tmp_path, prefect, capfd, caplog):
    archive = marked_images(tmp_path / "pacs")
    assert "NO_CHARSET" in "".join([*capfd.readouterr(), *caplog.messages]), "pydicom talks about them"
    caplog.clear()
    with SimPacs(archive) as pacs, caplog.at_level(logging.DEBUG):
        node = {"port": pacs.port, "called_aet": pacs.aet}
        rows = [{"id": "a", "StudyInstanceUID": next(iter(archive.studies))}]
        deid = {"pixels": {"burned_in": "keep"}, "options": ["clean-descriptors", "clean-structured-content"]}
        deid |= {"elements": [{"tag": "EncapsulatedDocument", "action": "remove"}]}  # else such an image is refused
        folder = write_project(tmp_path / "p", pacs=node, rows=rows, deid=deid)
        output = prefect.pacsflow_here("run", str(folder))
    told = "".join([output, *capfd.readouterr(), *caplog.messages])
    markers = [text for tag in LISTED if (text := str(marker(tag))).upper().startswith("ZQ")]
    wanted = {text.encode(): "marker" for text in (*markers, "ZqSeq", "ZqPriv", "ZqNoCreator", "ZqUnsafe", STUDY_UID)}
    assert len(list((tmp_path / "data" / "out").rglob("*.dcm"))) == 3
    assert not [needle for needle in ("NO_CHARSET", *map(bytes.decode, wanted)) if needle in told]
    assert scan(tmp_path / "data", wanted, but=PRIVATE) == []
    assert scan(tmp_path / "data" / "private", wanted), "the scan finds what is there"


def test_the_scan_finds_what_it_looks_for(tmp_path):
    archive = demo_archive()
    study = next(iter(archive.studies.values()))
    instance = archive.series(study.uid)[0].instances[0]
    (tmp_path / "leak.dcm").write_bytes(instance.encoded())
    assert {leak.split()[0] for leak in scan(tmp_path, needles(archive))} >= {"PatientName", "PatientID"}
