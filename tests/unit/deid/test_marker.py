"""Every attribute of PS3.15 Table E.1-1 filled with a marker, in one instance per family of storage SOP classes.

The markers stand at the top level, two sequences deep, and in a private sequence; further ones in every sequence that
the table lists, in private elements, UN, overlays, curves, the preamble and the file meta information.
"""

from functools import cache
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread, uid
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence

from pacsflow.deid import read_part10
from pacsflow.deid.compile_rules import SPECIAL, table
from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.deid.rules.private_sets import private_tags
from unit.deid.instances import cleaner, ct, read, whole

OPTIONS = tuple(table()["options"])
TAGS = [int(tag, 16) for tag in table()["rules"] if "x" not in tag and tag != "PRIVATE"]
LISTED = [tag for tag in TAGS if VR_OF.get(tag) not in (None, "SQ") and tag < 0xFFFA0000]
SEQUENCES = [tag for tag in TAGS if VR_OF.get(tag) == "SQ" and tag < 0xFFFA0000]
BINARY = {"OB", "UN", "OW"}
IMAGES = [
    uid.CTImageStorage,
    uid.EnhancedCTImageStorage,
    uid.MRImageStorage,
    uid.EnhancedMRImageStorage,
    uid.PositronEmissionTomographyImageStorage,
    uid.NuclearMedicineImageStorage,
    uid.UltrasoundImageStorage,
    uid.SecondaryCaptureImageStorage,
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalMammographyXRayImageStorageForPresentation,
    uid.XRayAngiographicImageStorage,
    uid.OphthalmicPhotography8BitImageStorage,
    uid.VLEndoscopicImageStorage,
    uid.VLWholeSlideMicroscopyImageStorage,
    uid.RTImageStorage,
    uid.RTDoseStorage,
    uid.SegmentationStorage,
    uid.ParametricMapStorage,
]
PRIVATE_CLASS = "1.2.826.0.1.3680043.2.1143.99"
OTHERS = [
    uid.MRSpectroscopyStorage,
    uid.RTStructureSetStorage,
    uid.RTPlanStorage,
    uid.ComprehensiveSRStorage,
    uid.KeyObjectSelectionDocumentStorage,
    uid.GrayscaleSoftcopyPresentationStateStorage,
    uid.TwelveLeadECGWaveformStorage,
    uid.SpatialRegistrationStorage,
    uid.RealWorldValueMappingStorage,
    uid.EncapsulatedPDFStorage,
    uid.RawDataStorage,
    PRIVATE_CLASS,  # nobody's: a class that PS3.3 does not know
]
SAFE = sorted(tag for tag in private_tags("ps3.15-safe") if tag not in SPECIAL)

ETHNIC_GROUP = 0x00102160


def marker(tag):
    """A legal value for the attribute that stands nowhere else."""
    number, vr = LISTED.index(tag), VR_OF[tag]
    word = f"Zq{number:03d}w"
    return {
        "DA": f"19{number % 80 + 10:02d}{number % 12 + 1:02d}11",
        "DT": f"19{number % 80 + 10:02d}{number % 12 + 1:02d}11101112.{number:03d}",
        "TM": f"1011{number % 60:02d}.{number:03d}",
        "UI": f"1.3.6.1.4.1.9999.55.{number}",
        "UR": f"http://zq{number}.example/",
        "AS": "044Y",
        "DS": f"{number}.25",
        "IS": f"44{number}",
        "US": 4400 + number,
    }.get(vr, word.upper() if vr in ("AE", "CS") else word.encode() + b".." if vr in BINARY else word)


def marked(ds):
    for tag in LISTED:
        ds.add_new(tag, VR_OF[tag], marker(tag))
    return ds


def named(number):
    """A sequence with a marker in a name and in a text."""
    item = Dataset()
    item.PatientName, item.PatientComments = f"ZqSeq^{number}", f"ZqSeq{number}"
    return Sequence([item])


def safe(ds):
    """Safe private elements with markers, and beside each an element that is not in the list."""
    for number, (group, creator, element) in enumerate(SAFE):
        block = ds.private_block(group, creator, create=True)
        block.add_new(element, "LO", f"Safe{number}")
        other = next(e for e in range(256) if (group, creator, e) not in {*SAFE, *SPECIAL})
        block.add_new(other, "LO", "ZqUnsafe")
    return ds


@cache
def instance(sop_class):
    """A DICOM file with markers wherever somebody's identity may stand."""
    ds = marked(ct())
    del ds.EncapsulatedDocument  # at the top a document is refused (`content: …`)
    ds.SOPClassUID = sop_class
    if sop_class in OTHERS:
        del ds.PixelData
    for number, tag in enumerate(SEQUENCES):
        ds.add_new(tag, "SQ", named(number))
    ds.SharedFunctionalGroupsSequence = Sequence([Dataset()])
    ds.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = Sequence([marked(Dataset())])
    for group in (0x6000, 0x601E):
        ds.add_new((group, 0x0010), "US", 8)
        ds.add_new((group, 0x0022), "LO", "ZqDescription")
        ds.add_new((group, 0x1500), "LO", "ZqLabel")
        ds.add_new((group, 0x3000), "OW", b"ZqOverlay.")
        ds.add_new((group, 0x4000), "LT", "ZqComment")
    ds.add_new(0x50003000, "OW", b"ZqCurves")
    ds.add_new(0x501E2500, "LO", "ZqCurveLabel")
    ds.add_new(0x00091001, "UN", b"ZqNoCreator.")
    block = ds.private_block(0x0011, "ACME", create=True)
    block.add_new(1, "UN", b"ZqPrivat")
    block.add_new(2, "SQ", Sequence([marked(Dataset())]))
    block.add_new(3, "UN", b"\xfe\xff\x00\xe0\x12\0\0\0\x10\0\x10\0PN\x0a\0ZqHidden..")
    safe(ds)
    ds.preamble, ds.file_meta = b"ZqPreamble".ljust(128, b"Z"), FileMetaDataset()
    meta = ds.file_meta
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, ds.SOPInstanceUID
    for keyword in ("SourceApplicationEntityTitle", "SendingApplicationEntityTitle", "ReceivingApplicationEntityTitle"):
        setattr(meta, keyword, "ZQTITLE")
    meta.PrivateInformationCreatorUID, meta.PrivateInformation = "1.3.6.1.4.1.9999.56", b"ZqMeta"
    file = BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()


def inner(ds):
    return ds.SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0]


def survivors(old, new):
    """Tags whose encoded value is still there, in this dataset alone."""
    return {tag for tag in LISTED if tag in new and new.get_item(tag).value == old.get_item(tag).value}


def kept_by(option):
    """Attributes that the option's column keeps; times of day stay under a day shift.

    A coded string stays only where it is a term, Ethnic Group where it names one, and a marker does neither: a name
    in its place goes.
    """
    column, found = OPTIONS.index(option), set()
    for tag in LISTED:
        letter = table()["rules"][f"{tag:08X}"].split(" ")[1][column]
        if (letter == "K" and VR_OF[tag] != "CS" and tag != ETHNIC_GROUP) or (letter == "C" and VR_OF[tag] == "TM"):
            found.add(tag)
    return found


def private_of(ds):
    return sorted(element.value for element in ds.iterall() if element.tag.is_private and element.tag.element > 0xFF)


@pytest.fixture(scope="module")
def clean():
    """(data of a marked file, option or none) -> what is left of it."""
    profiles = {
        option: cleaner(
            options=[option] if option else [], pixels={"burned_in": "keep"}, uids={"private": [PRIVATE_CLASS]}
        )
        for option in ("", *OPTIONS)
    }
    return lambda sop_class, option="": profiles[option].clean(read_part10(instance(sop_class)))


@pytest.mark.parametrize("sop_class", IMAGES + OTHERS)
def test_basic_profile_leaves_none(clean, sop_class):
    cleaned = clean(sop_class)
    data, old, new = whole(cleaned), dcmread(BytesIO(instance(sop_class))), read(cleaned)
    assert survivors(old, new) == set()
    assert survivors(inner(old), inner(new)) == set()
    assert private_of(new) == []
    for text in (b"zq", b"safe", b"1.3.6.1.4.1.9999."):
        assert text not in data.lower()
    assert not [e for e in new if e.tag.group >> 8 in (0x50, 0x60)]


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_leaves_what_its_column_keeps_and_no_more(clean, option):
    for sop_class in IMAGES[::3] + OTHERS[::3]:
        cleaned = clean(sop_class, option)
        old, new = dcmread(BytesIO(instance(sop_class))), read(cleaned)
        for before, after in ((old, new), (inner(old), inner(new))):
            assert survivors(before, after) == kept_by(option), sop_class
        expected = [f"Safe{number}" for number in range(len(SAFE))] if option == "retain-safe-private" else []
        assert private_of(new) == sorted(expected)
        for text in (b"ZqSeq", b"ZqUnsafe", b"ZqPriv", b"ZqHidden", b"ZqOverlay", b"ZqC", b"ZqLabel", b"ZqPreamble"):
            assert text not in whole(cleaned), (sop_class, text)


def test_no_attribute_of_the_table_is_without_a_rule():
    known = {int(tag, 16) for tag in table()["rules"] if "x" not in tag and tag != "PRIVATE"}
    unknown = known - set(VR_OF)
    ds = ct()
    for tag in unknown:
        if tag > 0x0002FFFF:
            ds.add_new(tag, "LO", "Zq")
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    file = BytesIO()
    ds.save_as(file, enforce_file_format=True)
    assert not unknown & {int(element.tag) for element in read(cleaner().clean(read_part10(file.getvalue())))}
