"""BIDS datasets: named by rules, accepted by the validator, safe when many deliver at once."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread

from documents import ROOT, blocks
from factory import make_instance, write_files
from pacsflow.convert import convert_series
from pacsflow.convert.bids import bids_names
from pacsflow.errors import TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from pacsflow.export.bids_people import merged, read_table
from pacsflow.projects.bids import read_rules
from schemas.bids import ENTITIES, Bids
from schemas.export import BidsDataset

RULES = Bids.model_validate(
    {
        "rules": [
            {"when": {"SeriesDescription": "pacsman_testing*"}, "datatype": "anat", "suffix": "T1w"},
            {
                "when": {"ProtocolName": "EPI*", "PhaseEncodingDirection": "j-"},
                "datatype": "func",
                "suffix": "bold",
                "entities": {"task": "rest", "dir": "AP"},
            },
            {
                "when": {"ProtocolName": "EPI*", "PhaseEncodingDirection": "j"},
                "datatype": "fmap",
                "suffix": "epi",
                "entities": {"dir": "PA"},
                "intended_for": ["func/*"],
                "sidecar": {"B0FieldIdentifier": "epi0"},
            },
            {"when": {"ProtocolName": "EPI*"}, "leave_out": True},
            {"when": {"ImageType": "DIFFUSION"}, "datatype": "dwi", "suffix": "dwi"},
            {"when": {"ProtocolName": "WIP B0*", "Converted": "_e1"}, "datatype": "fmap", "suffix": "magnitude"},
            {
                "when": {"ProtocolName": "WIP B0*", "Converted": "*_fieldmaphz"},
                "datatype": "fmap",
                "suffix": "fieldmap",
                "sidecar": {"Units": "Hz"},
                "intended_for": ["func/bold"],
            },
        ]
    }
)
SERIES = {
    "T1w": "PACSMAN_data/dicomseries",
    "bold": "dcm_qa_nih/In/20180918Si/mr_0003",
    "epi": "dcm_qa_nih/In/20180918Si/mr_0004",
    "aside": "dcm_qa_nih/In/20180918Si/mr_0005",
    "dwi": "dicom2nifti/siemens/dti_classic/001",
    "fieldmap": "dcm_qa_enh/In/Philips",
    "nameless": "dicom2nifti/siemens/anatomical/001",
}
DATASET = BidsDataset(kind="bids", path="${project.workdir}/bids", name="Of all that is at hand")


def dicom_below(place: Path) -> list[Path]:
    return sorted(p for p in place.rglob("*") if p.is_file() and p.read_bytes()[128:132] == b"DICM")


@pytest.fixture(scope="module")
def converted(shared_data, tmp_path_factory):
    """Name -> the series of the shared data, converted and named; and all warnings."""
    made, warnings = {}, []
    for name, place in SERIES.items():
        files = dicom_below(shared_data / place)
        gave = convert_series("dcm2niix", files, tmp_path_factory.mktemp("made") / name, geometry="refuse")
        series = read_series(files, gave.files)
        names, told = bids_names(RULES, series.dicom[0][1], series.converted)
        made[name] = replace(series, bids=names)
        warnings += told
    return made, warnings


def study(made, *names: str, patient="LUNG-01", date="20200102", time="101112") -> StudyFolder:
    uid = f"1.2.{patient}.{date}{time}"
    return StudyFolder(
        tuple(replace(made[n], patient=patient, study_uid=uid, study_date=date, study_time=time) for n in names)
    )


def verdict(dataset: Path) -> list[dict]:
    """The errors of the BIDS validator."""
    program = Path(sys.executable).with_name("bids-validator-deno")
    try:
        done = subprocess.run([program, dataset, "--json"], capture_output=True, check=False, timeout=300)
        issues = json.loads(done.stdout)["issues"]["issues"]
    except (OSError, ValueError) as error:
        pytest.skip(f"the BIDS validator does not run here: {type(error).__name__}")
    return [issue for issue in issues if issue["severity"] == "error"]


def below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and ".pacsflow" not in p.parts)


def test_the_validator_accepts_a_dataset_of_the_shared_series(converted, tmp_path):
    made, warnings = converted
    said = "BIDS: left out, no rule fits, and it has no SeriesDescription, ProtocolName"
    assert [text.partition(" (")[0] for text in warnings] == [said]
    target = open_target(DATASET, tmp_path)
    held = target.deliver(study(made, *SERIES))
    target.deliver(study(made, "T1w", patient="LUNG-02"))
    assert verdict(tmp_path / "bids") == []
    assert not target.verify(held)
    start = "sub-LUNG01/ses-20200102101112"
    name = start.replace("/", "_")
    wanted = {
        f"anat/{name}_T1w": (".json", ".nii.gz"),
        f"dwi/{name}_dwi": (".bval", ".bvec", ".json", ".nii.gz"),
        f"fmap/{name}_dir-PA_epi": (".json", ".nii.gz"),
        f"fmap/{name}_fieldmap": (".json", ".nii.gz"),
        f"fmap/{name}_magnitude": (".json", ".nii.gz"),
        f"func/{name}_task-rest_dir-AP_bold": (".json", ".nii.gz"),
    }
    files = {f"{start}/{stem}{ending}" for stem, endings in wanted.items() for ending in endings}
    assert {path for path, _, _ in held.files} == {*files, f"{start}/{name}_scans.tsv", f"{start}/{name}_scans.json"}
    sidecar = json.loads((tmp_path / "bids" / start / f"fmap/{name}_dir-PA_epi.json").read_text())
    assert sidecar["IntendedFor"] == [f"bids::{start}/func/{name}_task-rest_dir-AP_bold.nii.gz"]
    assert sidecar["B0FieldIdentifier"] == "epi0"


def test_the_validator_would_notice(converted, tmp_path):
    made, _ = converted
    open_target(DATASET, tmp_path).deliver(study(made, "bold"))
    (sidecar,) = (tmp_path / "bids").rglob("*_bold.json")
    sidecar.write_text("{}")
    assert {issue["code"] for issue in verdict(tmp_path / "bids")} >= {"SIDECAR_KEY_REQUIRED"}


def test_the_dataset_lists_participants_and_times_as_the_headers_have_them(converted, tmp_path):
    made, _ = converted
    target = open_target(DATASET, tmp_path)
    target.deliver(study(made, "bold", "T1w"))
    root = tmp_path / "bids"
    headers = [dcmread(made[name].dicom[0][1], stop_before_pixels=True) for name in ("bold", "T1w")]
    assert [header.get("PatientAge") or "" for header in headers] == ["048Y", ""], "what the shared data say"
    assert read_table(root / "participants.tsv") == [{"participant_id": "sub-LUNG01", "sex": "O", "age": "48"}]
    (scans,) = root.rglob("*_scans.tsv")
    times = {line["filename"]: line["acq_time"] for line in read_table(scans)}
    assert all((scans.parent / name).exists() for name in times)
    assert next(t for n, t in times.items() if "bold" in n).startswith(f"{headers[0].AcquisitionDate[:4]}-")
    told = json.loads((root / "dataset_description.json").read_text())
    assert (told["DatasetType"], told["GeneratedBy"][0]["Name"]) == ("raw", "pacsflow")


def test_ages_and_sexes_of_sessions_are_one_line():
    young, old = {"sex": "F", "age": "33"}, {"sex": "F", "age": "89+"}
    assert merged(young, old) == merged(old, young) == {"sex": "F", "age": "33"}
    assert merged({"sex": "F", "age": "n/a"}, {"sex": "M", "age": "n/a"}) == {"sex": "n/a", "age": "n/a"}
    assert merged({"sex": "F", "age": "33 years"}, young) == young


def fake(folder: Path, *, number=1, patient="P-1", name=None, **changes) -> StudyFolder:
    """A study of one series with one named file that is not an image."""
    files = write_files([make_instance(SeriesNumber=number, PatientID=patient, **changes)], folder / "dicom")
    for ending in (".nii.gz", ".json"):
        (folder / f"image{ending}").write_text("{}")
    rule = {"datatype": "anat", "suffix": "T1w"} | (name or {})
    rules = Bids.model_validate({"rules": [{"when": {"Modality": "CT"}, **rule}]})
    series = read_series(files, sorted(folder.glob("image.*")))
    return StudyFolder((replace(series, bids=bids_names(rules, files[0], series.converted)[0]),))


def joined(*studies: StudyFolder) -> StudyFolder:
    return StudyFolder(tuple(series for one in studies for series in one.series))


def test_two_series_of_one_name_are_runs_in_their_order(tmp_path):
    later, first = fake(tmp_path / "b", number=12), fake(tmp_path / "a", number=2)
    target = open_target(DATASET, tmp_path)
    both = target.deliver(joined(later, first))
    assert target.deliver(joined(first, later)) == both
    images = [line["filename"] for line in read_table(next((tmp_path / "bids").rglob("*_scans.tsv")))]
    assert [name.rpartition("/")[2] for name in images] == [
        f"sub-P1_ses-20200102101112_run-{n}_T1w.nii.gz" for n in (1, 2)
    ]
    sources = {p.resolve().stat().st_ino for p in (tmp_path / "bids").rglob("*_run-1_T1w.nii.gz")}
    assert sources == {(tmp_path / "a/image.nii.gz").stat().st_ino}


def test_a_run_that_the_rule_gives_twice_is_refused(tmp_path):
    twice = [fake(tmp_path / str(n), number=n, name={"entities": {"run": 1}}) for n in (1, 2)]
    with pytest.raises(TargetError, match="same run"):
        open_target(DATASET, tmp_path).deliver(joined(*twice))


def test_a_run_that_a_rule_gives_and_one_that_is_counted_are_never_one_file(tmp_path):
    given = [{}, {}, {"entities": {"run": 1}}]
    three = [fake(tmp_path / str(n), number=n, name=name) for n, name in enumerate(given, 1)]
    with pytest.raises(TargetError, match="same run"):
        open_target(DATASET, tmp_path).deliver(joined(*three))


def test_a_patient_that_has_no_image_left_is_not_a_participant(tmp_path):
    target = open_target(DATASET, tmp_path)
    target.deliver(fake(tmp_path / "a", patient="P-1"))
    gone = target.deliver(fake(tmp_path / "b", patient="P-2"))
    target.remove([path for path, _, _ in gone.files])
    lines = read_table(tmp_path / "bids" / "participants.tsv")
    assert [line["participant_id"] for line in lines] == ["sub-P1"]
    assert not (tmp_path / "bids" / "sub-P2").exists()


def test_a_line_that_somebody_else_added_stays_whoever_comes_and_goes(tmp_path):
    target, table = open_target(DATASET, tmp_path), tmp_path / "bids" / "participants.tsv"
    first = target.deliver(fake(tmp_path / "a", patient="P-1"))
    table.write_text(table.read_text() + "sub-questionnaire\tF\t33\n")
    target.deliver(fake(tmp_path / "b", patient="P-2"))
    target.remove([path for path, _, _ in first.files])
    assert [line["participant_id"] for line in read_table(table)] == ["sub-P2", "sub-questionnaire"]


def test_what_a_person_added_to_the_dataset_stays(tmp_path):
    target, root = open_target(DATASET, tmp_path), tmp_path / "bids"
    target.deliver(fake(tmp_path / "a", patient="P-1"))
    lines = (root / "participants.tsv").read_text().splitlines()
    (root / "participants.tsv").write_text(
        "".join(f"{a}\t{b}\r\n" for a, b in zip(lines, ("group", "control"), strict=True)), "utf-8-sig"
    )
    for name, added in (("participants.json", {"group": {}}), ("dataset_description.json", {"Funding": ["X"]})):
        (root / name).write_text(json.dumps(json.loads((root / name).read_text()) | added))
    (root / "README").write_text("Ours")
    target.deliver(fake(tmp_path / "b", patient="P-2"))
    assert [line["group"] for line in read_table(root / "participants.tsv")] == ["control", "n/a"]
    assert "group" in json.loads((root / "participants.json").read_text())
    assert json.loads((root / "dataset_description.json").read_text())["Funding"] == ["X"]
    assert (root / "README").read_text() == "Ours"


@pytest.mark.parametrize(
    ("name", "content"),
    [("participants.tsv", b"who\tsex\nsub-P1\tF\n"), ("participants.tsv", b"\xff\xfe"), ("participants.json", b"{")],
)
def test_a_table_of_people_that_cannot_be_read_is_reported_and_left(tmp_path, name, content):
    target = open_target(DATASET, tmp_path)
    target.deliver(fake(tmp_path / "a", patient="P-1"))
    (tmp_path / "bids" / name).write_bytes(content)
    with pytest.raises(TargetError, match=name) as caught:
        target.deliver(fake(tmp_path / "b", patient="P-2"))
    assert not caught.value.transient
    assert (tmp_path / "bids" / name).read_bytes() == content


def test_pseudonyms_that_differ_in_punctuation_stay_two_participants(tmp_path):
    target = open_target(DATASET, tmp_path)
    for n, patient in enumerate(("P-1", "P1", "p1")):
        target.deliver(fake(tmp_path / str(n), patient=patient))
    names = [line["participant_id"] for line in read_table(tmp_path / "bids" / "participants.tsv")]
    assert len(names) == len({name.casefold() for name in names}) == 3


def test_studies_delivered_at_once_are_all_participants(tmp_path):
    studies = [fake(tmp_path / str(n), patient=f"P{n:02}") for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        held = list(pool.map(lambda one: open_target(DATASET, tmp_path).deliver(one), studies))
    lines = read_table(tmp_path / "bids" / "participants.tsv")
    assert [line["participant_id"] for line in lines] == [f"sub-P{n:02}" for n in range(12)]
    assert [open_target(DATASET, tmp_path).deliver(one) for one in studies] == held
    assert not list((tmp_path / "bids").rglob("*.part"))


def test_a_study_without_a_named_image_is_not_a_session(tmp_path):
    one = fake(tmp_path / "a")
    assert open_target(DATASET, tmp_path).deliver(StudyFolder((replace(one.series[0], bids={}),))).files == ()
    assert not (tmp_path / "bids").exists()


def told(folder: Path, rules: list[dict], **sidecars: dict) -> tuple[dict, list[str]]:
    """Names and warnings of converted files; `image_e1={…}` is a sidecar."""
    files = write_files([make_instance()], folder / "dicom")
    for stem, facts in sidecars.items():
        (folder / f"{stem}.nii.gz").write_text("")
        (folder / f"{stem}.json").write_text(json.dumps(facts))
    return bids_names(Bids.model_validate({"rules": rules}), files[0], sorted(folder.glob("image*")))


ANY_T2 = {"when": {"Modality": "CT"}, "datatype": "anat", "suffix": "MESE"}


def test_echoes_are_distinguished_by_the_sidecar(tmp_path):
    rule = {**ANY_T2, "entities": {"echo": "{EchoNumber}", "acq": "{SeriesDescription}"}}
    names, warnings = told(tmp_path, [rule], image_e1={"EchoNumber": 1}, image_e2={"EchoNumber": 2})
    assert [name.entities for name in names.values()] == [
        {"echo": "1", "acq": "Axiallung"},
        {"echo": "2", "acq": "Axiallung"},
    ]
    assert warnings == []


def test_files_of_one_series_with_one_name_are_left_out_with_a_warning(tmp_path):
    names, warnings = told(tmp_path, [ANY_T2], image_e1={}, image_e2={})
    assert names == {}
    assert [text.partition(",")[0] for text in warnings] == ["BIDS: left out"] * 2
    assert "tell them apart" in warnings[0]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({**ANY_T2, "when": {"Modality": "MR"}}, "no rule fits"),
        ({**ANY_T2, "entities": {"echo": "{EchoNumber}"}}, "no value for echo"),
        ({**ANY_T2, "datatype": "dwi", "suffix": "dwi"}, "no b-values"),
    ],
)
def test_what_has_no_name_is_left_out_with_the_reason(tmp_path, rule, why):
    assert told(tmp_path, [rule], image={}) == ({}, [f"BIDS: left out, {why} (file image)"])


def test_a_trace_image_has_no_directions_and_is_not_a_dwi(tmp_path):
    (tmp_path / "image.bval").write_text("1000\n")
    rule = {**ANY_T2, "datatype": "dwi", "suffix": "dwi"}
    assert told(tmp_path, [rule], image={}) == ({}, ["BIDS: left out, no directions (file image)"])


def test_what_a_rule_leaves_out_needs_no_warning(tmp_path):
    assert told(tmp_path, [{"when": {"Modality": "CT"}, "leave_out": True}, ANY_T2], image={}) == ({}, [])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{when: {SeriesDescriptoin: a}, leave_out: true}", "write `SeriesDescription`"),
        ("{when: {SeriesDescription: '/(/'}, leave_out: true}", "is not a regular expression"),
        ("{when: {Modality: MR}, datatype: anat}", "`datatype` and `suffix`"),
        ("{when: {Modality: MR}, datatype: func, suffix: bold}", "need a `task`"),
        ("{when: {Modality: MR}, datatype: anat, suffix: T1w, entities: {acq: a-b}}", "label of letters"),
        ("{when: {Modality: MR}, datatype: anat, suffix: T1w, entities: {run: a}}", "a number"),
        ("{when: {Modality: MR}, datatype: anat, suffix: T1w, entities: {acq: '{SeriesDescripton}'}}", "Description"),
        ("{when: {}, leave_out: true}", "at least 1"),
    ],
)
def test_mistakes_in_rules_have_their_line(tmp_path, rule, said):
    (tmp_path / "bids.yaml").write_text(f"rules:\n  - {rule}\n")
    rules, document = read_rules(tmp_path / "bids.yaml", "bids.yaml")
    assert rules is None
    assert all(problem.line == 2 for problem in document.problems)
    assert said in str(document.problems[0])


def test_the_rules_to_copy_are_right_and_know_the_old_names(tmp_path):
    rules, document = read_rules(ROOT / "projects" / "mr-nifti" / "bids.yaml", "bids.yaml")
    assert not document.problems
    for description, suffix in (
        ("t1_mprage_p3_iso", "T1w"),
        ("ep2d_rsfmri_TR2", "bold"),
        ("t1map_01", "T1map"),
        ("t2map", "T2map"),
        ("SPCIR_flair", "FLAIR"),
        ("spc3d_fl", "FLAIR"),
        ("gre_mt_3d", "MTR"),
        ("gre_nomt_3d", "MTR"),
        ("gre_field_mapping", "phasediff"),
        ("something else", None),
    ):
        files = write_files([make_instance(SeriesDescription=description)], tmp_path / description)
        image = tmp_path / description / f"image{'_e2_ph' if suffix == 'phasediff' else ''}.nii.gz"
        image.write_text("")
        names, _ = bids_names(rules, files[0], [image])
        assert [name.suffix for name in names.values()] == ([suffix] if suffix else [])


def test_the_rules_that_the_page_shows_are_right(tmp_path):
    page = ROOT / "docs" / "bids.md"
    (rules,) = (block.text for block in blocks(page, "yaml") if block.text.startswith("# bids.yaml"))
    (tmp_path / "bids.yaml").write_text(rules)
    assert not read_rules(tmp_path / "bids.yaml", "bids.yaml")[1].problems
    assert all(f"`{entity}`" in page.read_text("utf-8") for entity in ENTITIES)
