"""convert, extract and move-info, on trees of any shape and on PACSMAN's."""

import json
import os
import re
import shutil
import stat
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from commands import pacsflow
from factory import make_instance, write_files
from pacsflow.convert.sr_text import report_text
from pacsflow.export import info

ROOT = Path(__file__).parents[3]


def volume(folder: Path, **changes) -> None:
    slices = [make_instance(InstanceNumber=i, ImagePositionPatient=[0, 0, i], **changes) for i in range(1, 7)]
    write_files(slices, folder)


def below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and ".pacsflow" not in p.parts)


@pytest.fixture
def tree(tmp_path):
    """PACSMAN's layout, a volume with a missing slice, and a file that is no DICOM."""
    volume(tmp_path / "t/sub-EX0001/ses-20200102101112/00001-Axial_lung")
    volume(tmp_path / "t/elsewhere", SeriesNumber=2, Modality="MR", SeriesDescription="T1 MPRAGE")
    gap = [make_instance(SeriesNumber=3, InstanceNumber=i, ImagePositionPatient=[0, 0, i]) for i in (1, 2, 3, 5, 6, 7)]
    write_files(gap, tmp_path / "t/gap")
    (tmp_path / "t/remarks.txt").write_text("no DICOM")
    return tmp_path / "t"


def test_a_tree_is_converted_and_what_is_not_a_volume_is_in_the_table(tree, tmp_path):
    said = pacsflow("convert", tree, expect=1)
    start = "sub-EX0001/ses-20200102101112"
    wanted = ["00001-Axial_lung/00001-Axial_lung", "00002-T1_MPRAGE/00002-T1_MPRAGE"]
    once = [f"{start}/{name}{ending}" for name in wanted for ending in (".json", ".nii.gz")]
    assert below(tmp_path / "t-nifti") == once
    assert "missing-slices" in said
    assert "left alone: 1 file, no DICOM" in said
    said = pacsflow("convert", tree, "--geometry", "warn")
    assert "slices are missing" in re.sub(r"[\s│]+", " ", said)
    assert {*once, f"{start}/00003-Axial_lung/00003-Axial_lung.nii.gz"} <= set(below(tmp_path / "t-nifti"))
    assert [path.name for path in (tmp_path / "t-nifti/.pacsflow/temporary").iterdir()] == ["lock"]


def test_a_tree_becomes_a_bids_dataset(tree, tmp_path):
    (tmp_path / "bids.yaml").write_text("rules: [{when: {SeriesDescription: '*mprage*'}, datatype: anat, suffix: T1w}]")
    pacsflow("convert", tree, tmp_path / "set", "--bids", tmp_path / "bids.yaml", "--name", "Ours", expect=1)
    images = [name for name in below(tmp_path / "set") if name.endswith(".nii.gz")]
    assert images == ["sub-EX0001/ses-20200102101112/anat/sub-EX0001_ses-20200102101112_T1w.nii.gz"]
    assert json.loads((tmp_path / "set/dataset_description.json").read_text())["Name"] == "Ours"


def test_a_tree_that_goes_nowhere_is_not_reported_as_sent(tree, tmp_path):
    (tmp_path / "none.yaml").write_text("targets: []\n")
    assert "none.yaml: targets: is empty" in pacsflow("send", tree, tmp_path / "none.yaml", expect=2)


def test_mistakes_end_with_their_exit_codes(tmp_path):
    (tmp_path / "empty").mkdir()
    pacsflow("convert", tmp_path / "empty", expect=2)
    (tmp_path / "bids.yaml").write_text("rules: [{when: {Modalty: MR}, leave_out: true}]")
    assert "Modality" in pacsflow("convert", tmp_path / "empty", "--bids", tmp_path / "bids.yaml", expect=2)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["convert"], 2),
        (["dicomdir", "cd"], 8),
        (["send", "AE@127.0.0.1:1"], 2),
        (["karnak-tag", "--new-ids", "ids.json", "--album", "a"], 2),
    ],
)
def test_an_image_cut_off_in_its_header_is_one_mistake_with_an_exit_code(tmp_path, monkeypatch, command, code):
    monkeypatch.chdir(tmp_path)
    (path,) = write_files([make_instance()], tmp_path / "t")
    path.write_bytes(path.read_bytes()[:400])
    Path("ids.json").write_text('{"sub-EX0001": "P1"}')
    said = pacsflow(command[0], "t", *command[1:], expect=code)
    assert "EX0001" not in said
    assert not Path("cd").exists()
    assert pacsflow(command[0], "nowhere", *command[1:], expect=2)


def test_reports_of_the_shared_data_become_text(shared_data, tmp_path):
    sources = [shared_data / "dcmqi/sr-example/sr.dcm", *sorted((shared_data / "highdicom").glob("sr_*.dcm"))]
    (tmp_path / "t").mkdir()
    for source in sources:
        shutil.copy(source, tmp_path / "t")
    shutil.copy(shared_data / "highdicom/ct_image.dcm", tmp_path / "t")
    pacsflow("extract", tmp_path / "t")
    texts = {path.stem: path for path in (tmp_path / "t-reports").iterdir()}
    assert texts.keys() == {str(dcmread(source).SOPInstanceUID) for source in sources}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in texts.values())
    measured = texts[str(dcmread(sources[0]).SOPInstanceUID)].read_text()
    assert measured.startswith("Imaging Measurement Report\n")
    assert re.search(r"^ +\[Measurement Group\]$", measured, re.MULTILINE)
    assert re.search(r"^ +Standardized Added Metabolic Activity: 107.283 g$", measured, re.MULTILINE)
    assert "{" not in measured
    every = dcmread(sources[0])

    def count(place: Dataset) -> int:
        return sum(1 + count(item) for item in place.get("ContentSequence") or ())

    assert len(measured.partition("\n\n")[2].splitlines()) == count(every)


def coded(meaning: str, value: str = "1") -> list[Dataset]:
    code = Dataset()
    code.CodeMeaning, code.CodeValue = meaning, value
    return [code]


def item(kind: str, name: str, **values) -> Dataset:
    made = Dataset()
    made.ValueType, made.ConceptNameCodeSequence = kind, coded(name)
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def test_every_kind_of_item_is_readable():
    number, image, again = Dataset(), Dataset(), Dataset()
    number.NumericValue, number.MeasurementUnitsCodeSequence = "12.5", coded("millimeter", "mm")
    image.ReferencedSOPInstanceUID, image.ReferencedFrameNumber = "1.2.3", 4
    again.ReferencedContentItemIdentifier = [1, 2]
    root = Dataset()
    root.ReferencedContentItemIdentifier = 1
    inner = [
        item("TEXT", "Finding", TextValue="nodule\nin two lines"),
        item("NUM", "Diameter", MeasuredValueSequence=[number]),
        item("NUM", "Volume", MeasuredValueSequence=[]),
        item("CODE", "Side", ConceptCodeSequence=coded("left")),
        item("DATE", "Seen", Date="20200102"),
        item("IMAGE", "Source", ReferencedSOPSequence=[image]),
        item("SCOORD", "Outline", GraphicType="POINT", GraphicData=[1.0, 2.5]),
        again,
        root,
    ]
    report = Dataset()
    report.ConceptNameCodeSequence = coded("Radiology Report")
    report.ContentSequence = [item("CONTAINER", "Findings", ContentSequence=inner)]
    assert report_text(report).splitlines() == [
        "Radiology Report",
        "",
        "[Findings]",
        "  Finding: nodule",
        "  in two lines",
        "  Diameter: 12.5 mm",
        "  Volume: no value",
        "  Side: left",
        "  Seen: 20200102",
        "  Source: image 1.2.3, frame 4",
        "  Outline: POINT 1 2.5",
        "  -> item 1.2",
        "  -> item 1",
    ]


def test_a_report_without_a_legal_uid_is_counted(tmp_path):
    report = make_instance(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")
    (path,) = write_files([report], tmp_path / "t")
    uid = dcmread(path).SOPInstanceUID.encode()
    path.write_bytes(path.read_bytes().replace(uid, b"../" + uid[3:]))
    assert "1 report cannot be read" in pacsflow("extract", tmp_path / "t", expect=1)
    assert not (tmp_path / "t-reports").exists()


@pytest.fixture
def old(tmp_path):
    """PACSMAN's tree, with the tables of --info and the anonymiser's map."""
    for session in ("sub-1/ses-2", "sub-1/ses-3"):
        (tmp_path / "data" / session / "00001-T1").mkdir(parents=True)
        (tmp_path / "data" / session / "00001-T1.csv").write_text(f"PatientID\n{session}\n")
        (tmp_path / "data" / session / "00001-T1" / "1.dcm").write_text("image")
    (tmp_path / "data/mapper.json").write_text("{}")
    return tmp_path / "data"


TABLES = ["mapper.json", "sub-1/ses-2/00001-T1.csv", "sub-1/ses-3/00001-T1.csv"]


def test_tables_leave_the_tree_and_images_stay(old, tmp_path):
    assert "3 files moved" in pacsflow("move-info", old, tmp_path / "info")
    assert below(tmp_path / "info") == TABLES
    assert below(old) == ["sub-1/ses-2/00001-T1/1.dcm", "sub-1/ses-3/00001-T1/1.dcm"]
    assert all(stat.S_IMODE((tmp_path / "info" / name).stat().st_mode) == 0o600 for name in TABLES)
    assert "0 files moved" in pacsflow("move-info", old, tmp_path / "info")


def test_nothing_is_overwritten(old, tmp_path):
    (tmp_path / "info").mkdir()
    (tmp_path / "info/mapper.json").write_text("another")
    assert "mapper.json" in pacsflow("move-info", old, tmp_path / "info", expect=1)
    assert (tmp_path / "info/mapper.json").read_text() == "another"
    assert below(old)[0] == "mapper.json"


@pytest.mark.parametrize("step", ["link", "unlink"])
def test_a_move_cut_off_loses_nothing_and_goes_on(old, tmp_path, monkeypatch, step):
    before = {name: (old / name).read_text() for name in TABLES}

    def cut(*_args, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*((os, "link", cut) if step == "link" else (info, "sync", cut)))
        with pytest.raises(KeyboardInterrupt):
            info.move_info(old, tmp_path / "info")
    assert all((old / name).exists() or (tmp_path / "info" / name).exists() for name in TABLES)
    assert info.move_info(old, tmp_path / "info") == (TABLES, [])
    assert {name: (tmp_path / "info" / name).read_text() for name in TABLES} == before


def test_where_names_cannot_be_linked_files_are_moved_all_the_same(old, tmp_path, monkeypatch):
    def refuse(*_args):
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    assert info.move_info(old, tmp_path / "info") == (TABLES, [])
