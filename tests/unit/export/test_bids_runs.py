"""Which images of a session have one run number, which field map is for which image, and when each was acquired."""

import json
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory import make_instance, write_files
from pacsflow.export import SeriesFiles, StudyFolder, open_target, read_series
from pacsflow.export.bids_names import images_of, left_out
from pacsflow.export.bids_people import read_table
from schemas.bids import Name
from schemas.export import BidsDataset

DATASET = BidsDataset(kind="bids", path="${project.workdir}/bids", name="Of runs")
PEPOLAR = {"sidecar": {"B0FieldIdentifier": "pepolar"}, "intended_for": ["func/*"]}


def named(kind, **fields):
    """`func/bold task-rest part-mag` as a name."""
    place, *entities = kind.split()
    datatype, suffix = place.split("/")
    return Name(datatype=datatype, suffix=suffix, entities=dict(e.split("-") for e in entities), **fields)


def session(*kinds, seconds=None, tmp_path=None, shims=None):
    """Series in the order of their numbers; several names of one, by commas. `seconds`: when each began."""
    made = []
    for number, kind in enumerate(kinds, 1):
        text, fields = kind if isinstance(kind, tuple) else (kind, {})
        names = {f"image_{n}": named(one, **fields) for n, one in enumerate(text.split(", "))}
        acquired = (
            ""
            if seconds is None
            else f"2020-01-02T10:{seconds[number - 1] // 60:02}:{seconds[number - 1] % 60:02}.000000"
        )
        files = []
        if tmp_path:
            files = [tmp_path / str(number) / f"{stem}{end}" for stem in names for end in (".nii.gz", ".json")]
            files[0].parent.mkdir()
            for file in files:
                file.write_text(json.dumps({"ShimSetting": shims[number - 1]} if shims else {}))
        one = SeriesFiles("P", "1.2", f"1.2.{number}", "", "", "MR", number, "", (), tuple(files), acquired=acquired)
        made.append(replace(one, bids=names))
    return made


def told(series):
    """Number of the series -> what its images are called, without subject and session."""
    names = {}
    for image in images_of(series, "s"):
        names.setdefault(image.series.series_number, []).append(image.place.rpartition("/s_")[2])
    return {number: ", ".join(sorted(found)) for number, found in sorted(names.items())}


B, S = "func/bold task-rest", "func/sbref task-rest"
M, P = "func/bold task-rest part-mag", "func/bold task-rest part-phase"
E1, E2, E3 = (f"func/bold task-rest echo-{n}" for n in (1, 2, 3))
I1, I2, U = "anat/MP2RAGE inv-1", "anat/MP2RAGE inv-2", "anat/UNIT1"
G, D = "fmap/magnitude1, fmap/magnitude2", "fmap/phasediff"
AP, PA = "fmap/epi dir-AP", "fmap/epi dir-PA"


@pytest.mark.parametrize(
    ("kinds", "runs"),
    [
        ([B], [0]),
        ([S, B], [0, 0]),
        ([B, S, B, S, B], [1, 2, 2, 3, 3]),
        ([S, B, B], [1, 1, 2]),
        ([B, S, B], [1, 2, 2]),
        ([S, S, B], [None, 0, 0]),
        ([B, S, B, S], [1, 2, 2, None]),
        ([S, B, S, B], [1, 1, 2, 2]),
        ([S, "anat/T1w", B], [None, 0, 0]),
        ([S, S], [1, 2]),
        ([M, P, M, M, P], [1, 1, 2, 3, 3]),
        ([M, P, P, M, P], [1, 1, 2, 3, 3]),
        ([E1, E2, E3, E2, E3, E1, E2, E3], [1, 1, 1, 2, 2, 3, 3, 3]),
        ([E1, E2, E1, E2], [1, 1, 2, 2]),
        ([f"{E1}, {E2}", f"{E1}, {E2}"], [1, 2]),
        ([I1, I2, U, I1, U, I2], [1, 1, 1, 2, 2, 2]),
        ([I1, I2, U], [0, 0, 0]),
        ([G, D, G, G, D], [1, 1, 2, 3, 3]),
        ([AP, PA, AP, PA], [1, 1, 2, 2]),
        ([AP, PA, PA, AP], [1, 1, 2, 2]),
        ([AP, B, PA], [0, 0, 0]),
        (["func/bold task-a", "func/bold task-b"], [0, 0]),
    ],
)
def test_what_was_acquired_together_has_one_run(kinds, runs):
    series = session(*kinds)
    got = told(series)
    for number, run in enumerate(runs, 1):
        names = got.get(number, "").split(", ")
        if run is None:
            assert names == [""]
        else:
            assert all((f"_run-{run}_" in f"_{n}") if run else "run-" not in n for n in names), got
    assert {int(uid.rpartition(".")[2]) for uid, _ in left_out(series)} == {
        n for n, r in enumerate(runs, 1) if r is None
    }


def test_phases_that_were_made_later_are_told_by_the_time_of_their_magnitudes():
    series = session(M, M, P, P, seconds=[0, 400, 400, 0])
    assert ["run-1" in name for name in told(series).values()] == [True, False, False, True]


def test_a_phase_of_another_scan_is_not_paired_with_the_magnitude_before_it():
    series = session(M, P, seconds=[0, 400])
    assert [("run-1" in n, "run-2" in n) for n in told(series).values()] == [(True, False), (False, True)]


def test_times_that_a_profile_made_alike_say_nothing():
    series = session(B, S, B, S, B, seconds=[0, 0, 0, 0, 0])
    assert [name.partition("run-")[2][0] for name in told(series).values()] == ["1", "2", "2", "3", "3"]


def test_of_two_pepolar_pairs_each_image_has_the_nearest(tmp_path):
    bold = (B, {"sidecar": {"B0FieldSource": "pepolar"}})
    series = session((AP, PEPOLAR), (PA, PEPOLAR), bold, bold, (AP, PEPOLAR), (PA, PEPOLAR), bold,
                     seconds=[0, 20, 60, 600, 700, 720, 800])  # fmt: skip
    images = {image.series.series_number: image for image in images_of(series, "s")}
    assert [image.intended for _, image in sorted(images.items()) if image.name.datatype == "fmap"] == [
        ("func/s_task-rest_run-1_bold",), ("func/s_task-rest_run-1_bold",),
        ("func/s_task-rest_run-2_bold", "func/s_task-rest_run-3_bold"),
        ("func/s_task-rest_run-2_bold", "func/s_task-rest_run-3_bold"),
    ]  # fmt: skip
    said = [next(iter(image.name.sidecar.values())) for _, image in sorted(images.items())]
    assert said == [f"pepolar_run{n}" for n in (1, 1, 1, 2, 2, 2, 2)]


def test_a_field_map_of_the_same_shim_goes_before_a_nearer_one(tmp_path):
    series = session((AP, PEPOLAR), (PA, PEPOLAR), B, (AP, PEPOLAR), (PA, PEPOLAR), seconds=[0, 20, 600, 610, 630],
                     tmp_path=tmp_path, shims=[[1, 2], [1, 2], [1, 2], [3, 4], [3, 4]])  # fmt: skip
    images = [image for image in images_of(series, "s") if image.name.datatype == "fmap"]
    assert {image.series.series_number: bool(image.intended) for image in images} == {
        1: True,
        2: True,
        4: False,
        5: False,
    }


def test_one_pair_keeps_the_identifier_of_the_rule_and_a_placeholder_its_run():
    one = session((AP, PEPOLAR), (PA, PEPOLAR), (B, {"sidecar": {"B0FieldSource": "pepolar"}}))
    assert {image.name.sidecar.get("B0FieldSource", "pepolar") for image in images_of(one, "s")} == {"pepolar"}
    fields = {"sidecar": {"B0FieldIdentifier": "fm{run}"}, "intended_for": ["func/*"]}
    two = session((AP, fields), (B, {"sidecar": {"B0FieldSource": "fm{run}"}}), (AP, fields))
    assert sorted(str(list(image.name.sidecar.values())) for image in images_of(two, "s")) == ["['fm1']"] * 2 + [
        "['fm2']"
    ]


@pytest.mark.parametrize("salt", ["a", "b", "c"])
@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"AcquisitionTime": "1006{:02}"}, "2020-01-02T10:06:00"),
        ({"AcquisitionDateTime": "202001020909{:02}.5"}, "2020-01-02T09:09:00"),
        ({"AcquisitionTime": None, "ContentTime": "1106{:02}"}, "2020-01-02T11:06:00"),
        ({"AcquisitionTime": "1006", "ContentTime": "1106{:02}"}, "2020-01-02T11:06:00"),
        ({"AcquisitionTime": None, "ContentTime": None}, "n/a"),
    ],
)
def test_acq_time_is_that_of_the_first_volume_whatever_the_uids(tmp_path, salt, times, expected):
    instances = [
        make_instance(
            InstanceNumber=n + 1,
            SOPInstanceUID=f"1.2.{hash_of(salt, n)}",
            **{k: v and v.format(n * 2) for k, v in times.items()},
        )
        for n in range(6)
    ]
    files = write_files(instances, tmp_path / "dicom")
    (tmp_path / "image.nii.gz").write_text("")
    series = replace(read_series(files, [tmp_path / "image.nii.gz"]), bids={"image": named("anat/T1w")})
    open_target(DATASET, tmp_path).deliver(StudyFolder((series,)))
    (scans,) = (tmp_path / "bids").rglob("*_scans.tsv")
    assert [line["acq_time"] for line in read_table(scans)] == [expected]


def hash_of(salt, number):
    return int.from_bytes(f"{salt}{(number * 7 + ord(salt)) % 6}".encode())


KINDS = [B, S, M, P, E1, E2, E3, I1, I2, U, G, D, AP, PA, "func/bold task-a", "func/sbref task-a", "dwi/dwi dir-AP",
         "dwi/sbref dir-AP", "func/sbref task-rest echo-1", "perf/asl", "perf/m0scan", "pet/pet trc-fdg"]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.data(), st.lists(st.sampled_from(KINDS), max_size=9), st.booleans())
def test_whatever_is_acquired_runs_are_one_for_a_series_ascend_and_pair_references(data, kinds, timed):
    seconds = data.draw(st.lists(st.integers(0, 900), min_size=9, max_size=9)) if timed else None
    series = session(*kinds, seconds=seconds)
    images, alone = images_of(series, "s"), left_out(series)
    assert len({image.place for image in images}) == len(images)
    assert len(images) + len(alone) == sum(len(one.bids) for one in series), "each is named or left out"
    runs, of_series = defaultdict(list), defaultdict(set)
    for image in sorted(images, key=lambda one: one.series.series_number):
        apart = {entity: value for entity, value in image.name.entities.items() if entity != "run"}
        run = int(image.name.entities.get("run", 0))
        runs[image.name.datatype, image.name.suffix, tuple(sorted(apart.items()))].append(run)
        of_series[image.series.series_uid].add(run)
    assert all(len(found) == 1 for found in of_series.values())
    assert all(found == sorted(found) or timed for found in runs.values())
    for (datatype, suffix, entities), found in runs.items():
        task, way = dict(entities).get("task"), dict(entities).get("dir")
        beside = {
            run
            for (kind, other, names), numbers in runs.items()
            for run in numbers
            if (kind, dict(names).get("task"), dict(names).get("dir")) == (datatype, task, way) and other != "sbref"
        }
        assert suffix != "sbref" or not beside or set(found) <= beside
    again = images_of(data.draw(st.permutations(series)), "s")
    assert [(one.place, one.series.series_uid) for one in again] == [
        (one.place, one.series.series_uid) for one in images
    ]
