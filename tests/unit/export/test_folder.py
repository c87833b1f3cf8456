"""Deliveries to a folder: names, collisions, wholeness, and no way out."""

import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from factory import make_instance, make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.export import Delivered, StudyFolder, disk, open_target, read_series
from schemas.export import Folder

DEFAULT = Folder.model_fields["layout"].default


@pytest.fixture
def staged(tmp_path: Path):
    """Stages instances (one list per series) and gives the study."""

    def stage(*series, rows=(), converted=()) -> StudyFolder:
        place = tmp_path / "staged"
        start = len(list(place.glob("*"))) if place.exists() else 0
        files = [write_files(list(one), place / str(start + i)) for i, one in enumerate(series)]
        return StudyFolder(tuple(read_series(paths, converted) for paths in files), tuple(rows))

    return stage


@pytest.fixture
def deliver(tmp_path: Path):
    """Delivers a study below tmp_path/out."""

    def run(study: StudyFolder, **settings) -> Delivered:
        return target(tmp_path, **settings).deliver(study)

    return run


def target(tmp_path: Path, **settings):
    return open_target(Folder(kind="folder", path="${project.workdir}/out", **settings), tmp_path)


def folders(delivered: Delivered) -> list[str]:
    return sorted({path.rsplit("/", 1)[0] for path, _, _ in delivered.files})


def test_the_default_layout_is_pacsman_s(staged, deliver, tmp_path) -> None:
    study = staged(make_study(series=1, images=2, SeriesNumber=5, SeriesDescription="T1 MPRAGE / sag"))
    delivered = deliver(study)
    assert folders(delivered) == ["sub-EX0001/ses-20200102101112/00005-T1_MPRAGE_sag"]
    for (path, digest, size), (uid, source) in zip(delivered.files, study.series[0].dicom, strict=True):
        assert path.endswith(f"/{uid}.dcm")
        content = (tmp_path / "out" / path).read_bytes()
        assert content == source.read_bytes()
        assert (digest, size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_absent_values_have_names_too(staged, deliver) -> None:
    bare = make_instance(
        PatientID="", StudyDate="", StudyTime=None, SeriesNumber=None, SeriesDescription=None, StudyInstanceUID="1.2.3"
    )
    session = hashlib.sha256(b"1.2.3").hexdigest()[:8]
    assert folders(deliver(staged([bare]))) == [f"sub-unknown/ses-{session}/00000-No_series_description"]


@pytest.mark.parametrize(
    ("patient", "name"),
    [
        ("../../etc", "sub-_etc"),
        ("a/b\x00", "sub-a_b_"),
        ("..", "sub-_"),
        ("CON", "sub-CON"),
        ("山田^太郎", "sub-_"),
        ("x" * 64, "sub-" + "x" * 64),
    ],
)
def test_a_patient_id_is_a_name_and_never_a_path(patient, name, staged, deliver, tmp_path) -> None:
    study = staged([make_instance()])
    series = study.series[0].__class__(**{**study.series[0].__dict__, "patient": patient})
    delivered = deliver(StudyFolder((series,)))
    assert folders(delivered) == [f"{name}/ses-20200102101112/00001-Axial_lung"]
    outside = {p.name for p in tmp_path.iterdir()}
    assert outside == {"staged", "out"}


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("../..", "__"),
        ("CON", "_CON"),
        ("lpt1.txt", "_lpt1.txt"),
        ("trailing...", "trailing"),
        (".hidden", "_hidden"),
        ("Épaule", "_paule"),
        ("   ", "No_series_description"),
    ],
)
def test_a_description_alone_as_a_folder_is_safe(description, name, staged, deliver) -> None:
    study = staged([make_instance(SeriesDescription=description)])
    assert folders(deliver(study, layout="{series_description}")) == [name]


def test_a_name_too_long_is_cut_and_stays_its_own(staged, deliver) -> None:
    study = staged([make_instance()])
    one, other = (
        study.series[0].__class__(
            **{**study.series[0].__dict__, "series_description": "y" * 400 + end, "series_uid": end}
        )
        for end in ("1", "2")
    )
    names = folders(deliver(StudyFolder((one, other))))
    assert len(names) == 2
    assert all(len(part.encode()) <= 160 for name in names for part in name.split("/"))


def test_series_of_one_study_with_one_name_all_carry_a_digest(staged, deliver) -> None:
    one, other = (
        [make_instance(SeriesInstanceUID=f"1.2.{n}", SeriesNumber=4, SeriesDescription=text)]
        for n, text in ((1, "T1"), (2, "t1"))
    )
    names = folders(deliver(staged(one, other)))
    digests = [hashlib.sha256(f"1.2.{n}".encode()).hexdigest()[:6] for n in (1, 2)]
    stem = "sub-EX0001/ses-20200102101112/00004"
    assert names == sorted([f"{stem}-T1_{digests[0]}", f"{stem}-t1_{digests[1]}"])


def test_series_of_two_studies_with_one_name_do_not_mix(staged, deliver) -> None:
    first = deliver(staged([make_instance(AccessionNumber="1")]))
    study = staged([make_instance(AccessionNumber="2")])
    second = deliver(study)
    digest = hashlib.sha256(study.series[0].series_uid.encode()).hexdigest()[:6]
    assert folders(second) == [f"{folders(first)[0]}_{digest}"]
    assert deliver(study) == second


def test_patients_whose_ids_differ_in_a_sign_do_not_mix(staged, deliver) -> None:
    first = deliver(staged([make_instance(PatientID="A-1")]))
    second = deliver(staged([make_instance(PatientID="A_1")]))
    digest = hashlib.sha256(b"A_1").hexdigest()[:6]
    assert folders(first)[0].startswith("sub-A_1/")
    assert folders(second)[0].startswith(f"sub-A_1_{digest}/")


def test_deliveries_at_once_do_not_mix_either(staged, tmp_path) -> None:
    studies = [staged([make_instance(AccessionNumber=str(n))]) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda study: target(tmp_path).deliver(study), studies))
    assert len({path for delivered in done for path, _, _ in delivered.files}) == 8
    assert not list((tmp_path / "out").rglob(".*.part"))


def test_converted_files_take_the_folder_s_name(staged, deliver, tmp_path) -> None:
    made = tmp_path / "nifti"
    made.mkdir()
    for name in ("image_e1.nii.gz", "image_e1.json", "image.bval"):
        (made / name).write_bytes(name.encode())
    study = staged([make_instance()], converted=tuple(made.iterdir()))
    delivered = deliver(study, dicom=False)
    leaf = "00001-Axial_lung"
    assert [path.rsplit("/", 1)[1] for path, _, _ in delivered.files] == [
        f"{leaf}.bval",
        f"{leaf}_e1.json",
        f"{leaf}_e1.nii.gz",
    ]
    assert all(path.endswith(".dcm") for path, _, _ in deliver(study, nifti=False).files)


def test_delivering_again_changes_nothing_and_replaces_what_is_damaged(staged, tmp_path) -> None:
    study = staged(make_study(series=1, images=3))
    folder = target(tmp_path)
    delivered = folder.deliver(study)
    paths = [tmp_path / "out" / path for path, _, _ in delivered.files]
    before = [p.stat().st_ino for p in paths]
    assert folder.deliver(study) == delivered
    assert [p.stat().st_ino for p in paths] == before
    assert folder.verify(delivered) == []
    paths[0].unlink()
    paths[0].write_bytes(b"\0" * delivered.files[0][2])
    paths[1].unlink()
    assert folder.verify(delivered) == [delivered.files[0][0], delivered.files[1][0]]
    assert folder.deliver(study) == delivered
    assert folder.verify(delivered) == []


def test_what_a_killed_delivery_left_is_cleared_and_finished(staged, tmp_path) -> None:
    study = staged(make_study(series=1, images=2))
    folder = target(tmp_path)
    delivered = folder.deliver(study)
    before = sorted(p for p in (tmp_path / "out").rglob("*") if p.is_file())
    leaf = (tmp_path / "out" / delivered.files[0][0]).parent
    (leaf / f".{'0123' * 8}.part").write_bytes(b"half")
    for claim in (tmp_path / "out/.pacsflow/claims").iterdir():
        claim.write_bytes(claim.read_bytes()[:5])
    assert folder.deliver(study) == delivered
    assert sorted(p for p in (tmp_path / "out").rglob("*") if p.is_file()) == before
    assert all(len(claim.read_bytes()) == 32 for claim in (tmp_path / "out/.pacsflow/claims").iterdir())


@pytest.fixture
def no_links(monkeypatch):
    def refuse(*_args, **_options) -> None:
        raise OSError(errno.EXDEV, "cross-device link")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("no_links")
def test_where_links_cannot_be_made_files_are_copied(staged, tmp_path) -> None:
    study = staged(make_study(series=1, images=2))
    folder = target(tmp_path)
    delivered = folder.deliver(study)
    assert folder.verify(delivered) == []
    assert all((tmp_path / "out" / path).stat().st_nlink == 1 for path, _, _ in delivered.files)
    assert not list((tmp_path / "out").rglob(".*.part"))


@pytest.mark.usefixtures("no_links")
def test_a_copy_that_the_disk_spoilt_never_has_the_name(staged, tmp_path, monkeypatch) -> None:
    study = staged([make_instance()])
    monkeypatch.setattr(disk.shutil, "copyfileobj", lambda _stream, sink, _size: sink.write(b"spoilt"))
    with pytest.raises(TargetError, match="read back differs") as caught:
        target(tmp_path).deliver(study)
    assert caught.value.transient
    assert [path for path in (tmp_path / "out").glob("sub-*/**/*") if path.is_file()] == []


@pytest.mark.parametrize("where", ["sub-EX0001", "sub-EX0001/ses-20200102101112"])
def test_a_symbolic_link_inside_the_folder_leads_nowhere(where, staged, tmp_path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    trap = tmp_path / "out" / where
    trap.parent.mkdir(parents=True)
    trap.symlink_to(elsewhere)
    with pytest.raises(TargetError, match="symbolic link"):
        target(tmp_path).deliver(staged([make_instance()]))
    assert list(elsewhere.iterdir()) == []


def test_a_symbolic_link_in_place_of_a_file_is_replaced_not_followed(staged, tmp_path) -> None:
    study = staged([make_instance()])
    folder = target(tmp_path)
    delivered = folder.deliver(study)
    path = tmp_path / "out" / delivered.files[0][0]
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    path.unlink()
    path.symlink_to(victim)
    assert folder.deliver(study) == delivered
    assert victim.read_bytes() == b"untouched"
    assert not path.is_symlink()


def test_an_error_of_the_disk_names_no_path(staged, tmp_path) -> None:
    study = staged([make_instance(PatientID="SECRET1")])
    (tmp_path / "out").write_bytes(b"a file where the folder should be")
    with pytest.raises(TargetError) as error:
        target(tmp_path).deliver(study)
    assert "SECRET1" not in str(error.value)
    assert not error.value.transient


def test_rows_can_be_part_of_the_layout(staged, deliver) -> None:
    study = staged([make_instance()], rows=("A-1", "B/2"))
    assert folders(deliver(study, layout="{row}/{modality}-{series_number}")) == ["A-1+B_2/CT-1"]


def test_files_of_two_series_are_not_one(tmp_path) -> None:
    with pytest.raises(TargetError, match="one series"):
        read_series(write_files(make_study(series=2, images=1), tmp_path))
