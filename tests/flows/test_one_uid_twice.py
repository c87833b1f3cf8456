"""One SOP Instance UID in two series of a study, against PS3.5 9.1: both images are held, delivered and reported."""

from collections import Counter

import pydicom
import pytest

from factory import make_study, write_files
from pacsflow.ledger.studies import Instance, Series
from pacsflow.run.fetching.missing import echoed
from pacsflow.simpacs.folder import folder_archive
from whole_run import METHODS, fault, lying, project, run_once


def two_series(folder):
    """A study of two series of three images, the first of each by one name."""
    study = make_study(series=2, images=3, PatientID="TWICE-1")
    name = study[0].SOPInstanceUID
    study[3].SOPInstanceUID = study[3].file_meta.MediaStorageSOPInstanceUID = name
    write_files(study, folder)
    return folder_archive(folder)


@METHODS
@pytest.mark.parametrize("faults", [[], [fault("no-counts")]], ids=["counts", "no counts"])
def test_both_are_held_under_their_series_and_delivered(tmp_path, method, faults):
    with lying(*faults, archive=two_series(tmp_path / "archive"), method=method) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, deid={"base": "none"})
        told = run_once(folder, pacs)
    assert told.rows == [("complete", "")]
    assert told.instances == {("held", ""): 6}
    delivered = [pydicom.dcmread(path) for path in (tmp_path / "data" / "out").rglob("*.dcm")]
    assert Counter(Counter(one.SOPInstanceUID for one in delivered).values()) == {1: 4, 2: 1}
    assert len({(one.SeriesInstanceUID, one.SOPInstanceUID) for one in delivered}) == 6


def series_of(key, count):
    counts = {} if count is None else {"NumberOfSeriesRelatedInstances": str(count)}
    return Series(key, key, counts, count, wanted=True, reason="")


@pytest.mark.parametrize(
    ("lists", "counts", "strewn"),
    [
        ({"a": "12", "b": "23"}, (2, 2), ""),
        ({"a": "12", "b": "23"}, (None, None), ""),
        ({"a": "1", "b": "1"}, (1, 1), ""),
        ({"a": "1234", "b": "1234"}, (2, 2), "1234"),
        ({"a": "1234", "b": "1234"}, (None, None), "1234"),
        ({"a": "12", "b": "34"}, (1, 1), ""),
    ],
)
def test_a_list_that_is_given_for_each_series_is_told_from_names_that_are_shared(lists, counts, strewn):
    found = [Instance(key, uid) for key, uids in lists.items() for uid in uids]
    wanted = [series_of(key, count) for key, count in zip(lists, counts, strict=True)]
    assert echoed(wanted, found) == set(strewn)
