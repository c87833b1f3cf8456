"""A row whose birth date is not that of the patient it names is held, whether or not the node compares birth dates."""

import pytest

from whole_run import fault, find_only, lying, project


@pytest.mark.parametrize("key", ["PatientID", "AccessionNumber", "StudyInstanceUID"])
@pytest.mark.parametrize(
    "faults", [[], [fault("ignored-keys", keys=["PatientBirthDate"])]], ids=["compares", "ignores"]
)
def test_a_row_with_a_wrong_birth_date_is_held(tmp_path, key, faults):
    with lying(*faults) as (pacs, node):
        study = next(iter(pacs.archive.studies.values()))
        right = {key: study.attributes[key], "PatientBirthDate": study.attributes["PatientBirthDate"]}
        rows = [{"id": "wrong", **right, "PatientBirthDate": "18991231"}, {"id": "right", **right}]
        wrong, fine = find_only(project(tmp_path, pacs, node, asked=rows))
    assert (wrong.status, fine.status) == ("held", "found")
    assert "the birth date of an answer is not the row's (birth_date_mismatch)" in wrong.reason


def test_a_birth_date_beside_a_name_alone_is_asked(tmp_path):
    with lying() as (pacs, node):
        name = next(iter(pacs.archive.studies.values())).attributes["PatientName"]
        rows = [{"id": "wrong", "PatientName": name, "PatientBirthDate": "18991231"}]
        [one] = find_only(project(tmp_path, pacs, node, asked=rows))
    assert one.status == "unmatched"
