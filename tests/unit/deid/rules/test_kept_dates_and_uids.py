"""A rule that keeps a date is told by the marking; a rule that would part the UIDs from the books is refused."""

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from pacsflow.deid import compile_profile
from pacsflow.errors import ProjectError
from schemas.deid import DeidProfile
from unit.deid.instances import ct, encoded

KEY = bytes(range(32))
MOVES = "retain-longitudinal-modified-dates"


def cleaned(**profile):
    cleaner = compile_profile(DeidProfile.model_validate({"base": "ps3.15-basic", "key": "${env:KEY}", **profile}), KEY)
    result = cleaner.clean(encoded(ct()))
    return result, dcmread(DicomBytesIO(b"".join(map(bytes, result.parts)))), cleaner


@pytest.mark.parametrize(
    ("profile", "said", "basic"),
    [
        ({}, "REMOVED", True),
        ({"elements": [{"tag": "StudyDate", "action": "keep"}]}, "UNMODIFIED", False),
        ({"vrs": {"DA": "keep"}}, "UNMODIFIED", False),
        ({"elements": [{"tag": "StudyDate", "action": "keep"}], "options": [MOVES]}, "MODIFIED", False),
        ({"elements": [{"tag": "StudyDate", "action": "remove"}]}, "REMOVED", True),
    ],
)
def test_what_became_of_dates_is_said(profile, said, basic):
    _, dataset, cleaner = cleaned(**profile)
    assert dataset.LongitudinalTemporalInformationModified == said
    codes = {item.CodeValue for item in dataset.DeidentificationMethodCodeSequence}
    assert ("113100" in codes) == basic
    assert bool(dataset.get("StudyDate")) == (said != "REMOVED")
    assert any("but" in line and "stay" in line for line in cleaner.describe()) == (said == "UNMODIFIED")


@pytest.mark.parametrize("tag", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "(0020,000D)"])
@pytest.mark.parametrize(("action", "options"), [("keep", []), ("uid", ["retain-uids"]), ("replace", [])])
def test_no_rule_parts_one_uid_from_the_others(tag, action, options):
    rule = {"tag": tag, "action": action} | ({"value": "1.2.3"} if action == "replace" else {})
    with pytest.raises(ProjectError, match="retain-uids") as caught:
        cleaned(elements=[rule], options=options)
    assert [problem.field for problem in caught.value.problems] == ["elements[0].tag"]


@pytest.mark.parametrize(("action", "options"), [("uid", []), ("keep", ["retain-uids"])])
def test_what_is_told_of_an_instance_is_what_its_file_says(action, options):
    rules = [{"tag": tag, "action": action} for tag in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
    result, dataset, _ = cleaned(elements=rules, options=options)
    assert (result.sop_instance_uid, result.study_instance_uid, result.series_instance_uid) == (
        dataset.SOPInstanceUID,
        dataset.StudyInstanceUID,
        dataset.SeriesInstanceUID,
    )
    assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
