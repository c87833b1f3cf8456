"""What leaves as a UID is one, in the dataset and in the file meta information; classes and syntaxes are known ones."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from pacsflow.deid import Source
from pacsflow.deid.rules import iod_types
from pacsflow.deid.rules.uids import legal, refuse_unknown
from pacsflow.errors import RefusalError
from unit.deid.instances import SOP_UID, cleaned, cleaner, ct, encoded, read, whole

BAD = [
    "Zqxyvarder^Kwxlobbit",
    "1.2.840.Zqxyvarder",
    "1.2.840.10008.1.2.1 ZQ7719035X",
    "1.2.03.4",
    "9.1.2",
    "1." * 40 + "1",
]


@pytest.mark.parametrize("uid", BAD)
def test_what_is_not_a_uid_does_not_pass_as_class_or_syntax(uid):
    source = encoded(ct())
    with pytest.raises(RefusalError, match="transfer syntax"):
        cleaner().clean(Source(source.sop_class_uid, source.sop_instance_uid, uid, source.dataset))
    empty = encoded(ct(SOPClassUID=""))
    with pytest.raises(RefusalError, match="SOP class"):
        cleaner().clean(Source(uid, source.sop_instance_uid, source.transfer_syntax_uid, empty.dataset))


def test_a_private_class_passes_where_the_profile_or_a_vendor_names_it():
    ds = ct(SOPClassUID="1.2.826.0.1.3680043.2.1143.99")
    with pytest.raises(RefusalError, match="not a known one"):
        cleaned(ds)
    assert cleaned(ds, uids={"private": [str(ds.SOPClassUID)]}).SOPClassUID == ds.SOPClassUID
    assert cleaned(ct(SOPClassUID="1.3.12.2.1107.5.9.1")).SOPClassUID == "1.3.12.2.1107.5.9.1"


def test_every_class_of_the_standard_passes_and_may_be_referred_to():
    """Label maps and others that came with an edition later than pydicom's list, too."""
    cleans, ds, item = cleaner(), ct(), Dataset()
    ds.ReferencedImageSequence = Sequence([item])
    for uid in sorted(iod_types.classes()):
        refuse_unknown(uid, "1.2.840.10008.1.2.1", [], frozenset())
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = uid, SOP_UID
        assert read(cleans.clean(encoded(ds))).ReferencedImageSequence[0].ReferencedSOPClassUID == uid


@pytest.mark.parametrize("uid", [each for each in BAD if len(each) <= 64])
def test_an_element_of_uids_that_holds_anything_else_is_emptied_or_given_a_new_one(uid):
    ds, item = ct(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = uid, SOP_UID
    ds.ReferencedImageSequence = Sequence([item])
    assert cleaned(ds).ReferencedImageSequence[0].ReferencedSOPClassUID.startswith("2.25.")
    for kept in ({"unlisted": "keep"}, {"options": ["retain-uids"]}):
        assert not cleaned(ds, **kept).ReferencedImageSequence[0].ReferencedSOPClassUID


def test_kept_uids_must_be_uids_too():
    with pytest.raises(RefusalError, match="not a UID"):
        cleaned(ct(StudyInstanceUID="1.2.Zqxyvarder"), options=["retain-uids"])
    assert read(cleaner(options=["retain-uids"]).clean(encoded(ct()))).SOPInstanceUID == SOP_UID


def test_an_original_uid_in_text_is_emptied_there():
    new = cleaned(ct(SoftwareVersions=f"see {SOP_UID}"))
    assert not new.SoftwareVersions


@pytest.mark.parametrize(
    ("value", "good"),
    [
        *((b"1.2.3", True), (b"1.2.3\0", True), (b"2.25.0\\1.2", True), (b"1.2.3\0x", False), (b"1..2", False)),
        *((b"1.2.3\n", False), (b"3.1", False), (b"1.02", False), (b"", False), (b"1", False), (b"1.2.\xb2", False)),
    ],
)
def test_the_grammar_of_a_uid(value, good):
    assert legal(value) == good


def test_preamble_group_lengths_and_private_file_meta_information_do_not_pass():
    ds = ct()
    ds.add_new(0x00080000, "UL", 0x51514343)
    ds.add_new(0x00100000, "UL", 0x51514343)
    result = whole(cleaner().clean(encoded(ds)))
    assert result[:128] == bytes(128)
    assert b"CCQQ" not in result
    assert b"\x02\0\0\x01" not in result
