"""Ids of studies that have a keyed value: archives that join studies by them keep them apart."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from pacsflow.deid import compile_profile
from schemas.deid import DeidProfile
from unit.deid.instances import ACCESSION, cleaned, cleaner, ct, encoded

KEYED = {"study_ids": "keyed"}


def ids(**values):
    ds = cleaned(ct(**values), **KEYED)
    return ds.StudyID, ds.AccessionNumber


@pytest.mark.parametrize(
    "values", [{}, {"StudyID": "", "AccessionNumber": ""}, {"StudyID": "7", "AccessionNumber": "9"}]
)
def test_each_study_has_its_own_and_all_its_instances_the_same(values):
    first, second = ids(**values), ids(**values, StudyInstanceUID="1.2.3.4")
    assert all(len(each) == 16 and each.isalnum() for each in first + second)
    assert len({*first, *second}) == 4
    assert first == ids(SOPInstanceUID="1.2.3.9")


def test_they_hang_on_the_key_and_not_on_the_original():
    other = compile_profile(DeidProfile(key="${env:K}", study_ids="keyed"), bytes(32))
    assert other.clean(encoded(ct())).parts[0] != cleaner(**KEYED).clean(encoded(ct())).parts[0]
    assert ids(AccessionNumber="A") == ids(AccessionNumber="B")


def test_rules_of_the_user_come_first_and_nested_ids_follow():
    item = Dataset()
    item.AccessionNumber, item.StudyInstanceUID = ACCESSION, "1.2.3"
    ds = ct(RequestAttributesSequence=Sequence([item]))
    new = cleaned(ds, **KEYED, options=["clean-descriptors"], elements=[{"tag": "StudyID", "action": "empty"}])
    assert new.StudyID == ""
    assert ACCESSION not in str(new)


def test_without_it_they_are_emptied_and_no_digest_of_a_profile_changes():
    new = cleaned(ct())
    assert (new.StudyID, new.AccessionNumber) == ("", "")
    assert cleaner().fingerprint() != cleaner(**KEYED).fingerprint()
