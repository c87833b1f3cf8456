"""What the lines of a recipe come to, on top of a profile."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from pacsflow.errors import ProjectError, RefusalError
from unit.deid.instances import NAME, PATIENT_ID, SOP_UID, cleaned, cleaner, ct
from unit.deid.recipes import Recipes

MOVED = {"options": ["retain-longitudinal-modified-dates"]}


@pytest.fixture
def done(tmp_path):
    recipes = Recipes(tmp_path)
    return lambda text, ds=None, **profile: cleaned(ds or ct(), **recipes.profile(text, **profile))


@pytest.mark.parametrize(
    ("lines", "description"),
    [
        ("KEEP StudyDescription", "Thorax"),
        ("REMOVE StudyDescription\nKEEP StudyDescription", "Thorax"),
        ("ADD StudyDescription New\nKEEP StudyDescription", "Thorax"),
        ("REPLACE StudyDescription New", "New"),
        ("replace studydescription New  # why", "New"),
        ("REMOVE StudyDescription\nREPLACE StudyDescription New", "New"),
        ("REPLACE StudyDescription New\nREMOVE ALL", "New"),
        ("REPLACE StudyDescription New\nBLANK StudyDescription", ""),
        ("BLANK StudyDescription\nREPLACE StudyDescription New", "New"),
        ("BLANK StudyDescription", ""),
        ("BLANK StudyDescription\nREMOVE StudyDescription", None),
        ("REMOVE StudyDescription\nADD StudyDescription New", "New"),
        ("ADD StudyDescription New\nREMOVE StudyDescription", None),
        ("ADD StudyDescription New\nREPLACE StudyDescription Newer", "Newer"),
        ("REPLACE (0008,1030) New", "New"),
        ("REPLACE 00081030 New", "New"),
        ('REPLACE "Study Description" New', "New"),
        ("REPLACE endswith:yDescription New", "New"),
        ("REPLACE select:GROUP:0008 New", "New"),
        ("REPLACE fields:texts New\n%fields texts\nFIELD contains:^studydesc", "New"),
        ("REPLACE StudyDescription func:profile", None),
        ("REPLACE StudyDescription func:clean", "Thorax"),
        ("REPLACE StudyDescription func:dummy", "ANON"),
    ],
)
def test_lines_for_one_attribute(done, lines, description):
    assert done(lines).get("StudyDescription") == description


def test_elements_win_over_the_recipe_and_the_recipe_over_vrs_and_options(done):
    rules = {"elements": [{"tag": "StudyDescription", "action": "empty"}], "vrs": {"LO": "remove"}}
    result = done("ADD StudyDescription New\nREPLACE Manufacturer Maker\nKEEP Modality", **rules)
    assert (result.StudyDescription, result.Manufacturer) == ("", "Maker")
    assert "InstitutionName" not in result


def test_lines_work_in_sequences_too(done):
    ds, item = ct(), Dataset()
    item.StudyDescription = item.ProtocolName = "inside"
    ds.ReferencedImageSequence = Sequence([item])
    inside = done("REPLACE StudyDescription New\nADD ProtocolName New", ds).ReferencedImageSequence[0]
    assert inside.StudyDescription == "New"
    assert "ProtocolName" not in inside


def test_a_sequence_that_is_kept_is_cleaned_inside(done):
    ds, item = ct(), Dataset()
    item.PatientName, item.StudyInstanceUID = NAME, "1.2.3.4"
    ds.RequestAttributesSequence = Sequence([item])
    inside = done("KEEP RequestAttributesSequence", ds).RequestAttributesSequence[0]
    assert inside.PatientName != NAME
    assert inside.StudyInstanceUID.startswith("2.25.")


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA:UserWarning")
def test_dates_move_by_the_days_of_the_recipe(done):
    ds = ct(SeriesDate="2015", AcquisitionDateTime="20150512101112.5+0100", ContentDate="20150231")
    result = done("JITTER endswith:Date -31\nJITTER AcquisitionDateTime 1\nJITTER StudyTime 5", ds)
    assert result.StudyDate == "20150411"
    assert (result.SeriesDate, result.ContentDate) == ("", "")
    assert result.AcquisitionDateTime == "20150513101112.5+0100"
    assert result.StudyTime == "101112.5"
    assert result.LongitudinalTemporalInformationModified == "MODIFIED"
    assert done("REPLACE StudyDate deid_func:jitter days=1 years=-1").StudyDate == "20140513"
    assert done("REPLACE StudyDate 20200101\nJITTER StudyDate 1").StudyDate == "20200102"
    assert done("KEEP StudyDate").LongitudinalTemporalInformationModified == "UNMODIFIED"


def test_our_functions_are_those_of_the_profile(done):
    plain = cleaned(ct(), **MOVED)
    lines = "REPLACE FrameOfReferenceUID func:uid\nADD StudyID func:hash\nREPLACE StudyDate func:date\nADD PatientID var:entity_id"
    result = done(lines, **MOVED)
    assert result.FrameOfReferenceUID == plain.FrameOfReferenceUID
    assert result.StudyDate == plain.StudyDate
    assert result.PatientID == plain.PatientID
    assert len(result.StudyID) == 16
    assert result.StudyID == done(lines, **MOVED).StudyID
    uuids = done("REPLACE SOPInstanceUID deid_func:pydicom_uuid prefix=1.2.\nREPLACE StudyID deid_func:basic_uuid")
    assert uuids.SOPInstanceUID == plain.SOPInstanceUID
    assert len(uuids.StudyID) == 16


def test_private_elements_are_kept_by_their_creator(done):
    ds = ct()
    block = ds.private_block(0x0029, "ACME: 1.0", create=True)
    block.add_new(1, "LO", "one")
    block.add_new(2, "LO", "two")
    block.add_new(3, "DA", "20150512")
    lines = 'KEEP (0029,"ACME: 1.0",01)\nREPLACE (0029,"ACME: 1.0",02) New\nJITTER (0029,"ACME: 1.0",03) 1\n'
    result = done(lines, ds)
    block = result.private_block(0x0029, "ACME: 1.0")
    assert [block[number].value for number in (1, 2, 3)] == ["one", "New", "20150513"]
    result = done("REMOVE contains:^0029", ds, private={"keep": ['(0029,"ACME: 1.0",01)']})
    assert not [elem for elem in result if elem.tag.is_private]


def test_overlays_stay_where_a_line_keeps_them(done):
    ds = ct()
    ds.add_new(0x60020010, "US", 8)
    ds.add_new(0x60023000, "OW", b"overlay.")
    assert 0x60023000 in done("KEEP contains:^60..(3000|0010)", ds)
    assert 0x60020010 not in done("KEEP (6002,3000)", ds)
    assert not done("KEEP contains:^60..", ds).DeidentificationMethodCodeSequence


def test_lines_for_many_leave_what_an_instance_cannot_be_without(done):
    result = done("REMOVE ALL\nKEEP select:GROUP:0028\nREPLACE contains:ID HERE")
    assert {"SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PixelData"} <= set(result.dir())
    assert result.SOPInstanceUID != SOP_UID
    assert (result.PatientID, result.StudyID, result.FrameOfReferenceUID) == ("HERE", "HERE", "")
    assert "Modality" not in result


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ("REMOVE Manufacturer\nREPLACE StudyDescription New\nBLANK contains:Name", ["113100"]),
        ("KEEP Modality", ["113100"]),
        ("KEEP StudyDescription", []),
        ("JITTER StudyDate 1", []),
        ("KEEP contains:^60..3000", []),
    ],
)
def test_the_basic_profile_is_claimed_where_nothing_more_is_kept(done, lines, codes):
    ds = ct()
    del ds.StudyDescription
    result = done(lines, ds)
    assert [item.CodeValue for item in result.DeidentificationMethodCodeSequence] == codes


def test_a_recipe_cannot_write_the_marking(done):
    result = done("ADD PatientIdentityRemoved NO\nREMOVE DeidentificationMethod")
    assert result.PatientIdentityRemoved == "YES"
    assert result.DeidentificationMethod


def test_what_the_recipe_keeps_is_verified(done):
    with pytest.raises(RefusalError, match=r"verification: original value remains in \(0008,103e\)"):
        done("KEEP SeriesDescription", ct(SeriesDescription=f"scan of {PATIENT_ID}"))


def test_neighbours_of_what_is_added_go(done):
    result = done(
        "ADD OtherPatientIDs New", ct(IssuerOfPatientID="SECRET", PatientBirthName="Nobody^N", OtherPatientNames="A^B")
    )
    assert result.OtherPatientIDs == "New"
    assert not {"IssuerOfPatientID", "PatientBirthName", "OtherPatientNames"} & set(result.dir())


def test_the_digest_is_that_of_what_the_recipe_says(tmp_path):
    recipes = Recipes(tmp_path)
    first = cleaner(**recipes.profile("KEEP Modality")).fingerprint()
    assert first != cleaner(**recipes.profile("KEEP StudyID")).fingerprint()
    (tmp_path / "moved").mkdir()
    assert first == cleaner(**Recipes(tmp_path / "moved").profile("KEEP Modality")).fingerprint()
    assert first != cleaner().fingerprint()


def test_functions_need_a_recipe():
    with pytest.raises(ValueError, match="functions: go with a `recipe`"):
        cleaner(functions="a.py")


def test_pixels_are_the_same(tmp_path):
    ds = ct()
    result = cleaned(ds, **Recipes(tmp_path).profile("REMOVE ALL\nKEEP select:GROUP:0028"))
    assert result.PixelData == ds.PixelData


def test_the_profile_says_what_the_recipe_does(tmp_path):
    told = cleaner(**Recipes(tmp_path).profile("KEEP Modality\nREPLACE StudyDescription X")).describe()
    assert any(each.startswith("Recipe site.deid: 2 header lines") for each in told)
    assert "1 attribute is replaced by the value the recipe gives." in told
    with pytest.raises(ProjectError):
        cleaner(**Recipes(tmp_path).profile("JITTER StudyDate x"))
