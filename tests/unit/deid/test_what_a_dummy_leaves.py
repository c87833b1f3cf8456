"""Sequences with action D: no text, code or identifier of the original stays in their items, at any depth."""

from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsflow.deid.compile_rules import table
from pacsflow.deid.encoding.dictionary import VR_OF
from unit.deid.instances import cleaned, cleaner, ct, encoded, whole

MARK = "Zqxymark"
DUMMIES = [
    int(tag, 16)
    for tag, rule in table()["rules"].items()
    if tag.isalnum() and VR_OF.get(int(tag, 16) if len(tag) == 8 and "x" not in tag else 0) == "SQ"
    if set("XZD") & set(rule.split()[0]) and "U" not in rule.split()[0]
]
UID = "1.2.826.0.1.99.7741"


def marked(depth=0):
    """An item that tells of somebody in every VR that can."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = MARK[:8], "99Z", f"{MARK} clinic"
    item.LongCodeValue, item.URNCodeValue = MARK, f"urn:{MARK}"
    item.InstitutionName, item.PersonName, item.TextValue = MARK, f"{MARK}^A", f"by {MARK}"
    item.RequestedProcedureID, item.UID, item.ContextIdentifier = MARK[:8], UID, MARK.upper()
    item.StationAETitle, item.RetrieveURL, item.MappingResourceName = MARK, f"https://{MARK}.org", MARK
    item.add_new(0x00091001, "LO", MARK)
    if depth < 2:
        item.ConceptNameCodeSequence = Sequence([marked(depth + 1)])
        item.ContentSequence = Sequence([marked(depth + 1)])
    return item


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
@pytest.mark.parametrize("tag", DUMMIES, ids=keyword_for_tag)
def test_a_marked_item_leaves_nothing_behind(tag, syntax):
    for ds in (ct(), ct(SOPClassUID=ComprehensiveSRStorage, Modality="SR")):
        ds.add_new(tag, "SQ", Sequence([marked()]))
        result = whole(cleaner().clean(encoded(ds, syntax)))
        assert MARK.lower().encode() not in result.lower()
        assert UID.encode() not in result
        dcmread(BytesIO(result))


def test_every_such_sequence_of_the_table_is_tested():
    assert {"InstitutionCodeSequence", "PersonIdentificationCodeSequence", "ContentSequence"} <= {
        keyword_for_tag(tag) for tag in DUMMIES
    }


def test_codes_of_the_standard_stay_with_the_standards_meaning():
    ds = ct(SOPClassUID=ComprehensiveSRStorage, Modality="SR")
    name, item = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121206", "DCM", f"Distance of {MARK}"
    item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", f"seen {MARK}"
    item.ConceptNameCodeSequence = Sequence([name])
    ds.ContentSequence = Sequence([item])
    (new,) = cleaned(ds).ContentSequence
    assert (new.RelationshipType, new.ValueType, new.TextValue) == ("CONTAINS", "TEXT", "ANON")
    (code,) = new.ConceptNameCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == ("121206", "DCM", "Distance")


def test_the_option_that_keeps_institutions_keeps_their_codes():
    ds = ct()
    ds.InstitutionCodeSequence = Sequence([marked(2)])
    (new,) = cleaned(ds, options=["retain-institution-identity"], verify="off").InstitutionCodeSequence
    assert new.CodeMeaning == f"{MARK} clinic"
