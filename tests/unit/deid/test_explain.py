"""What explain says of a file is what was done to it, and why."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.explain import explain
from pacsflow.errors import RefusalError
from schemas.deid import DeidProfile
from unit.deid.instances import ACCESSION, KEY, NAME, PATIENT_ID, ct, encoded


@pytest.fixture
def told(tmp_path):
    def tell(ds, **profile):
        source, file = encoded(ds), tmp_path / "file"
        head = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
        file.write_bytes(head + bytes(source.dataset))
        changes = explain(DeidProfile.model_validate({"key": "${env:KEY}"} | profile), KEY, file)
        return {change.keyword or change.tag: change for change in changes}

    return tell


def test_each_kind_of_rule_is_named(told):
    ds = ct(FilterType=f"of {PATIENT_ID}", StationName="CT-7")
    ds.add_new(0x60003000, "OW", b"overlay.")
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "hidden")
    rules = {
        "options": ["retain-longitudinal-modified-dates", "clean-descriptors"],
        "elements": [
            {"tag": "StationName", "action": "replace", "value": "S"},
            {"tag": "(60xx,3000)", "action": "remove"},
        ],
        "vrs": {"AS": "remove"},
    }
    found = told(ds, **rules)
    assert found["PatientName"].rule == "pseudonym"
    assert found["PatientName"].before == NAME
    assert found["PatientName"].after != NAME
    assert found["AccessionNumber"].rule == "basic profile: Z"
    assert (found["AccessionNumber"].before, found["AccessionNumber"].after) == (ACCESSION, "")
    assert found["StationName"].rule == "elements: replace"
    assert found["StudyDate"].rule == "retain-longitudinal-modified-dates: cleaned"
    assert found["StudyDescription"].rule == "clean-descriptors: cleaned"
    assert found["FilterType"].rule == "not in Table E.1-1: cleaned, as text of reviewed attributes"
    assert found["ImagePositionPatient"].rule == "not in Table E.1-1: kept where they are numbers"
    assert found["Rows"].rule.startswith("not in Table E.1-1: kept where they are numbers")
    assert found["PatientIdentityRemoved"].rule == "marking"
    by_tag = {change.tag: change.rule for change in found.values()}
    assert by_tag["(6000,3000)"] == "elements: remove"
    assert by_tag["(0011,1001)"] == "private"


def test_what_verification_found_in_a_kept_text_is_told(told):
    found = told(ct(FilterType=f"of {PATIENT_ID}"), unlisted="keep")
    assert found["FilterType"].rule == "verification found the patient in it (not in Table E.1-1: kept)"


def test_words_that_stay_because_the_project_says_so_are_told(told):
    own = {"words": ["leopard"], "patterns": [r"ACRIN\d{4}"]}
    ds = ct(SeriesDescription="Leopard ACRIN6688 T1", ContactDisplayName="Somebody")
    found = told(ds, options=["clean-descriptors"], vocabulary=own)
    assert found["SeriesDescription"].after == "Leopard ACRIN6688 T1"
    assert found["SeriesDescription"].rule.endswith("(kept by vocabulary: ACRIN6688, Leopard)")
    assert found["ContactDisplayName"].rule.endswith("as nobody reviewed it")


def test_what_stands_in_sequences_is_told_too(told):
    ds, item = ct(), Dataset()
    item.ReferencedSOPInstanceUID = "1.3.6.1.4.1.9999.1.2.9"
    ds.ReferencedImageSequence = Sequence([item])
    inside = told(ds)["ReferencedImageSequence[0].ReferencedSOPInstanceUID"]
    assert inside.before == "1.3.6.1.4.1.9999.1.2.9"
    assert inside.after.startswith("2.25.")
    assert inside.rule == "basic profile: U"


def test_its_representation_shows_no_value(told):
    assert NAME not in repr(told(ct())["PatientName"])


def test_a_file_that_is_refused_is_told_with_its_reason(told):
    with pytest.raises(RefusalError, match="dropped"):
        told(ct(), drop=[{"Modality": "CT"}])
