"""Binary private blocks that are kept for conversion: what of them stays."""

import gzip
import struct
import zlib

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsflow.deid import Source
from pacsflow.deid.rules.siemens_csa import elements
from unit.deid.instances import cleaned, cleaner, ct, encoded, whole

PROTOCOL = b"""<XProtocol> { <ParamString."PatientName"> { "Quistgaard" } }
### ASCCONV BEGIN ###
ulVersion = 0x1421cf5
tProtocolName = "Brain of Quistgaard"
tSequenceFileName = "%SiemensSeq%\\\\ep2d_bold"
sSliceArray.lSize = 35
sSliceArray.asSlice[0].sPosition.dTra = -12.5
flUsedPatientWeight = 78.5
sProtConsistencyInfo.tBaselineString = "N4_VB17A_LATEST"
tReferenceImage0 = "1.3.12.2.1107.5.2.32"
### ASCCONV END ###
""".replace(b"\\\\\\\\", b"\\\\")


def csa(*found):
    """A header of form SV10 with elements of one item each."""
    data = struct.pack("<4s4sII", b"SV10", b"\4\3\2\1", len(found), 77)
    for name, value in found:
        data += struct.pack("<64si4siii", name.encode() + b"\0rubbish", 1, b"LO\0\0", 19, 1, 77)
        data += struct.pack("<4i", len(value), len(value), 77, len(value)) + value + bytes(-len(value) % 4)
    return data


def siemens(header, number=0x10):
    ds = ct(PatientName="Quistgaard^T")
    ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(number, "OB", header)
    new = cleaned(ds, private={"keep": ["siemens-csa-for-nifti"]})
    return new.get((0x0029, 0x1000 + number))


def test_listed_elements_of_a_csa_header_stay_and_no_others():
    kept = siemens(csa(("NumberOfImagesInMosaic", b"35"), ("UsedPatientWeight", b"78"), ("B_value", b"1000")))
    assert [(each.name, each.items) for each in elements(kept.value)] == [
        ("NumberOfImagesInMosaic", (b"35",)),
        ("B_value", (b"1000",)),
    ]
    assert b"rubbish" not in kept.value


def test_a_listed_element_with_free_text_in_it_goes():
    kept = siemens(csa(("ImageHistory", "Müller".encode()), ("B_value", b"0")))
    assert [each.name for each in elements(kept.value)] == ["B_value"]


def test_of_the_protocol_numbers_stay_and_nothing_personal():
    (kept,) = elements(siemens(csa(("MrPhoenixProtocol", PROTOCOL)), 0x20).value)
    text = kept.items[0]
    assert b"sSliceArray.lSize = 35" in text
    assert b"sSliceArray.asSlice[0].sPosition.dTra = -12.5" in text
    assert b"N4_VB17A_LATEST" in text
    for gone in (b"Quistgaard", b"tProtocolName", b"PatientWeight", b"tReferenceImage", b"ParamString"):
        assert gone not in text


@pytest.mark.parametrize("header", [b"SV10", b"older form of a header", csa(("B_value", b"1000"))[:-30]])
def test_a_csa_header_that_cannot_be_read_is_removed(header):
    assert siemens(header + bytes(len(header) % 2)) is None


def test_of_ges_protocol_block_only_the_order_of_slices_stays():
    text = b'set PATNAME "Quistgaard"\nset SLICEORDER "1"\nset NOSLC "15"\nset DELACQ "Quistgaard"\n'
    packed = gzip.compress(text)
    ds = ct()
    block = ds.private_block(0x0025, "GEMS_SERS_01", create=True)
    block.add_new(0x1B, "OB", struct.pack("<I", len(packed)) + packed + bytes(len(packed) % 2))
    kept = cleaned(ds, private={"keep": ["ge-for-nifti"]})[0x0025, 0x101B].value
    size = struct.unpack("<I", kept[:4])[0]
    assert gzip.decompress(kept[4 : 4 + size]) == b'\nset SLICEORDER "1"\nset NOSLC "15"\n'


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_kept_private_sequence_is_cleaned_inside(syntax):
    ds, item = ct(), Dataset()
    item.PatientName, item.EchoTime = "Quistgaard", 3
    ds.private_block(0x2005, "Philips MR Imaging DD 005", create=True).add_new(0x0F, "SQ", Sequence([item]))
    source = encoded(ds, syntax)
    new = whole(cleaner(private={"keep": ["philips-for-nifti"]}).clean(source))
    assert b"Philips MR Imaging DD 005" in new
    assert b"Quistgaard" not in new


def test_items_hidden_in_a_private_un_leave_with_it():
    ds = ct()
    hidden = b"\xfe\xff\x00\xe0\x12\x00\x00\x00\x10\x00\x10\x00\x0a\x00\x00\x00Quistgaard"
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "UN", hidden)
    assert not [e for e in cleaned(ds, options=["retain-safe-private"]) if e.tag.is_private]


def test_deflated_comes_out_as_the_same_instance_inflated():
    source = encoded(ct())
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(source.dataset) + packer.flush()
    deflated = Source(source.sop_class_uid, source.sop_instance_uid, "1.2.840.10008.1.2.1.99", packed)
    assert whole(cleaner().clean(deflated)) == whole(cleaner().clean(source))
