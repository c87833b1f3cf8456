"""Attributes that Table E.1-1 does not list: names of unknown people go, what is technical stays."""

import logging
import struct
import warnings
from collections import Counter
from contextlib import suppress

import pytest
from pydicom import Dataset, dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.errors import InvalidDicomError
from pydicom.sequence import Sequence

from pacsflow.deid import Person, Source
from pacsflow.deid.compile_rules import OTHER_CALENDAR, table
from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.deid.rules.actions import KEPT, Case
from pacsflow.deid.rules.free_text import Scrubber
from pacsflow.deid.rules.identity import Identity, IdentityRules
from pacsflow.deid.rules.unlisted import BINARY, TEXT, cleaning, reviewed, terms
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaned, cleaner, ct, encoded

MARK = b"ZOBRIST"
"""A name that nobody told the cleaner of."""
WIDE = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
MARKING = frozenset((0x00120062, 0x00120063, 0x00120064, 0x00280303))
PLACED = MARKING | {0x00100010, 0x00100020, 0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E}
"""Name and id hold the pseudonym; character set and the four UIDs make the instance what it is."""
PICTURE = {0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011, *range(0x00280100, 0x00280104)}
"""What pixel data is read by; an instance in which one of them is no number is refused."""
DOCUMENT = 0x00420011
SHARED = 0x52009229
"""Shared Functional Groups Sequence, which holds the marked elements at depth."""
LISTED = {tag for tag in VR_OF if f"{tag:08X}" in table()["rules"]}
EVERY = [tag for tag in sorted(VR_OF) if tag not in PLACED | PICTURE | {SHARED, DOCUMENT} and tag < 0x7FE00000]
WRITTEN = [tag for tag in EVERY if VR_OF[tag] not in BINARY | {"SQ", "UI"}]


def element(tag, vr, value):
    """An explicit little-endian element, whatever the attribute's VR should be."""
    value += b" " * (len(value) % 2)
    size = struct.pack("<HI", 0, len(value)) if vr in WIDE else struct.pack("<H", len(value))
    return struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode()) + size + value


def item(content):
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def elements(data):
    """Tag and bytes of each element."""
    pos = 0
    while pos < len(data):
        group, number, vr = struct.unpack_from("<HH2s", data, pos)
        wide = vr.decode() in WIDE
        (length,) = struct.unpack_from("<I" if wide else "<H", data, pos + (8 if wide else 6))
        stop = pos + (12 if wide else 8) + length
        yield group << 16 | number, data[pos:stop]
        pos = stop


def result(marked, depth, **profile):
    """The finished bytes of a CT slice with these elements (tag -> bytes) in so many sequences."""
    own = encoded(ct())
    content = marked
    for _ in range(depth):
        inside = b"".join(content[tag] for tag in sorted(content))
        content = {SHARED: element(SHARED, "SQ", item(inside))}
    parts = dict(elements(own.dataset)) | content
    data = b"".join(parts[tag] for tag in sorted(parts))
    source = Source(own.sop_class_uid, own.sop_instance_uid, own.transfer_syntax_uid, data)
    return b"".join(map(bytes, cleaner(**profile).clean(source).parts))


def marks(tags, vr=""):
    return {tag: element(tag, vr or VR_OF[tag], MARK + b" URSINA") for tag in tags}


@pytest.mark.parametrize("options", [[], ["clean-descriptors", "retain-longitudinal-modified-dates"]])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_no_attribute_of_ps3_6_keeps_the_name_of_somebody_unknown(depth, options):
    assert len(WRITTEN) > 2000
    assert MARK not in result(marks(WRITTEN), depth, options=options)


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("vr", ["LO", "SH", "ST", "LT", "UT", "UC", "UR", "CS", "PN", "DS", "IS", "TM", "DA", "AE"])
def test_no_attribute_that_is_encoded_with_another_vr_keeps_it(vr, depth):
    others = [tag for tag in EVERY if VR_OF[tag] != "UI"]
    assert MARK not in result(marks(others, vr), depth)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_no_attribute_that_is_no_sequence_hides_it_in_one(depth):
    inside = item(element(0x00189423, "LO", MARK))
    hidden = {tag: element(tag, "SQ", inside) for tag in EVERY if VR_OF[tag] not in ("SQ", "UI")}
    assert MARK not in result(hidden, depth)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_uids_that_the_standard_does_not_register_are_mapped_wherever_they_stand(depth):
    tags = [tag for tag in EVERY if VR_OF[tag] == "UI"]
    uids = {tag: f"1.2.756.5.99.{tag}" for tag in tags}
    done = result({tag: element(tag, "UI", uid.encode()) for tag, uid in uids.items()}, depth)
    assert [keyword_for_tag(tag) for tag, uid in uids.items() if uid.encode() in done] == []


@pytest.mark.parametrize("tag", sorted(PICTURE | {DOCUMENT}))
def test_what_is_not_marked_above_goes_within_items_and_is_refused_or_gone_at_the_top(tag):
    assert MARK not in result(marks([tag], "LO"), 1)
    with suppress(RefusalError):
        assert MARK not in result(marks([tag], "LO"), 0)


def test_references_follow_what_they_refer_to():
    ds = ct(FiducialUID="1.2.3.4.5", ReferencedFiducialUID="1.2.3.4.5", FrameOfReferenceUID="1.2.3.9")
    ds.VolumeFrameOfReferenceUID = "1.2.3.9"
    new = cleaned(ds)
    assert new.FiducialUID == new.ReferencedFiducialUID != "1.2.3.4.5"
    assert new.FrameOfReferenceUID == new.VolumeFrameOfReferenceUID != "1.2.3.9"
    assert cleaned(ds, options=["retain-uids"]).ReferencedFiducialUID == "1.2.3.4.5"


def test_uids_of_classes_and_transfer_syntaxes_stay():
    ds = ct(ContextUID="1.2.840.10008.6.1.508", RelatedGeneralSOPClassUID="1.2.840.10008.5.1.4.1.1.2")
    new = cleaned(ds)
    assert (new.ContextUID, new.RelatedGeneralSOPClassUID) == (ds.ContextUID, ds.RelatedGeneralSOPClassUID)


def test_every_reviewed_attribute_is_unlisted_text_and_has_its_reason():
    for tag, (how, reason) in reviewed().items():
        assert tag not in LISTED, keyword_for_tag(tag)
        assert VR_OF[tag] in TEXT | {"CS"}
        assert how
        assert len(reason) > 20


def test_coded_strings_of_the_standard_stay_in_every_attribute_that_has_a_list():
    ds = ct()
    wanted = {}
    for tag, vr in VR_OF.items():
        values = terms(tag)
        if (
            vr == "CS"
            and tag not in LISTED | MARKING | OTHER_CALENDAR.keys()
            and keyword_for_tag(tag) not in ds
            and len(values) < 200
        ):
            wanted[tag] = sorted(values)
            ds.add_new(tag, "CS", wanted[tag])
    new = cleaned(ds, verify="off", pixels={"burned_in": "keep"})
    lost = {keyword_for_tag(tag) for tag, values in wanted.items() if tag not in new or _values(new[tag]) != values}
    assert len(wanted) > 400
    assert lost == set()


def _values(elem):
    return [elem.value] if isinstance(elem.value, str) else list(elem.value)


def test_a_rule_opens_an_attribute_by_its_name_and_exceeds_nothing():
    ds = ct(AcquisitionProtocolName="Protocol of Zobrist", FiducialUID="1.2.3.4.5")
    assert "Zobrist" not in str(cleaned(ds).get("AcquisitionProtocolName", ""))
    opened = cleaned(ds, elements=[{"tag": "AcquisitionProtocolName", "action": "keep"}])
    assert opened.AcquisitionProtocolName == "Protocol of Zobrist"
    assert "113100" in [item.CodeValue for item in opened.DeidentificationMethodCodeSequence]


def test_all_text_goes_or_all_stays_where_the_profile_says_so():
    ds = ct(SequenceName="*tfl3d1_16ns", ContactDisplayName="Zobrist", ScanOptions="ZOBRIST")
    assert "SequenceName" not in cleaned(ds, unlisted="remove")
    assert cleaned(ds).SequenceName == "*tfl3d1_16ns"
    kept = cleaned(ds, unlisted="keep")
    assert (kept.SequenceName, kept.ContactDisplayName, kept.ScanOptions) == ("*tfl3d1_16ns", "Zobrist", "ZOBRIST")


def test_several_values_keep_their_places():
    new = cleaned(ct(ImageType=["ORIGINAL", "PRIMARY", "ZOBRIST", "MOSAIC", "CT_SOM5 SPI"]))
    assert list(new.ImageType) == ["ORIGINAL", "PRIMARY", "", "MOSAIC", "CT_SOM5 SPI"]


def test_what_the_standard_needs_has_a_value_afterwards():
    segment, kind = Dataset(), Dataset()
    kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning = "ZOBRIST", "ZOBRIST", "Zobrist Ursina"
    segment.SegmentNumber, segment.SegmentLabel, segment.SegmentAlgorithmType = 1, "Zobrist", "ZOBRIST"
    segment.SegmentedPropertyTypeCodeSequence = Sequence([kind])
    segment.TrackingID = "Tumour of Zobrist"
    ds = ct(ContentLabel="ZOBRIST")
    ds.SegmentSequence = Sequence([segment])
    new = cleaned(ds)
    one = new.SegmentSequence[0]
    type_1 = [new.ContentLabel, one.SegmentLabel, one.SegmentAlgorithmType, one.TrackingID]
    code = one.SegmentedPropertyTypeCodeSequence[0]
    assert all([*type_1, code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning])
    assert "ZOBRIST" not in str(new).upper()


def test_labels_that_parts_refer_to_each_other_by_stay_the_same_and_apart():
    def layer(name):
        item = Dataset()
        item.GraphicLayer = name
        return item

    ds = ct()
    ds.GraphicLayerSequence = Sequence([layer("ZOBRIST"), layer("URSINA"), layer("LAYER1")])
    ds.GraphicAnnotationSequence = Sequence([layer("ZOBRIST")])
    new = cleaned(ds, options=["clean-graphics"])
    names = [item.GraphicLayer for item in new.GraphicLayerSequence]
    assert len(set(names)) == 3
    assert names[2] == "LAYER1"
    assert "ZOBRIST" not in names
    if "GraphicAnnotationSequence" in new:
        assert new.GraphicAnnotationSequence[0].GraphicLayer == names[0]


@pytest.mark.parametrize(
    ("value", "scheme", "meaning"),
    [
        ("121071", "DCM", "Finding"),
        ("T-D1100", "SRT", "Head"),
        ("69536005", "SCT", "Head"),
        ("10200004", "SCT", "Liver"),
        ("mm", "UCUM", "millimeter"),
        ("99001", "99SIEMENS", "White matter"),
    ],
)
def test_codes_stay(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    ds = ct()
    ds.AnatomicRegionSequence = Sequence([item])
    new = cleaned(ds).AnatomicRegionSequence[0]
    assert (new.CodeValue, new.CodingSchemeDesignator, new.CodeMeaning) == (value, scheme, meaning)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("Manufacturer", "Philips Medical Systems"),
        ("Manufacturer", "GE MEDICAL SYSTEMS"),
        ("ManufacturerModelName", "Discovery MR750w"),
        ("ManufacturerModelName", "SOMATOM Definition AS+"),
        ("SequenceName", "*epfid2d1_64"),
        ("PulseSequenceName", "*tfl3d1_16ns"),
        ("ConvolutionKernel", "B30f"),
        ("ReceiveCoilName", "HeadNeck_64"),
        ("ScanOptions", "HELICAL MODE"),
        ("BodyPartExamined", "WHOLE BODY"),
        ("ImagedNucleus", "1H"),
        ("FilterType", "LARGE BOWTIE FIL"),
        ("RescaleType", "HU"),
        ("ReconstructionMethod", "PSF+TOF 4i21s"),
        ("SoftwareVersions", "syngo MR B17"),
    ],
)
def test_what_conversion_and_physics_need_stays(keyword, value):
    new = cleaned(ct(**{keyword: value}), options=["retain-device-identity"])
    assert new[keyword].value == value


@pytest.mark.parametrize("value", ["1.5", " -2.0e-3 ", "+4", ".5", "3.", ""])
def test_numbers_stay_however_they_are_written(value):
    assert MARK not in result({0x00180050: element(0x00180050, "DS", MARK)}, 0)
    assert value.strip().encode() in result({0x00180050: element(0x00180050, "DS", value.encode())}, 0)


@pytest.mark.parametrize(
    ("own", "wrong"),
    [
        ({"patterns": [".*"]}, "fits any word"),
        ({"patterns": [r"[A-Z]\w+"]}, "fits any word"),
        ({"patterns": [r"\d+"]}, "fits any word"),
        ({"patterns": ["("]}, "not a regular expression"),
        ({"words": ["x"]}, "at least 2"),
    ],
)
def test_a_vocabulary_that_keeps_everything_is_a_mistake(own, wrong):
    with pytest.raises(ValueError, match=wrong):
        cleaner(vocabulary=own)


def test_the_profile_says_what_words_it_keeps():
    said = cleaner(vocabulary={"words": ["leopard"], "patterns": [r"ACRIN\d{4}"]}).describe()
    assert any("leopard, ACRIN" in sentence for sentence in said)


PHYSICS = (
    *("SequenceName", "PulseSequenceName", "ImagedNucleus", "FilterType", "RescaleType", "ReconstructionMethod"),
    *(
        "AttenuationCorrectionMethod",
        "ScatterCorrectionMethod",
        "ContrastBolusRoute",
        "SequenceVariant",
        "ScanningSequence",
    ),
    *(
        "MRAcquisitionType",
        "PatientPosition",
        "PhaseEncodingDirection",
        "InPlanePhaseEncodingDirection",
        "PhotometricInterpretation",
    ),
    *(
        "Units",
        "DecayCorrection",
        "SeriesType",
        "FrameType",
        "ComplexImageComponent",
        "AcquisitionContrast",
        "ValueType",
    ),
)


def test_real_headers_keep_geometry_and_physics(shared_data):
    seen, lost = Counter(), Counter()
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    case = Case(
        Identity(bytes(32), IdentityRules("", (1, 2), "2.25", shifts=True)),
        Person("", "", "P", 1),
        Scrubber(),
        ["utf-8"],
    )
    for path in sorted(path for path in shared_data.rglob("*") if path.is_file() and "Invalid" not in path.name)[::4]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for vr, keyword, action, value in looked_at(dcmread(path, stop_before_pixels=True)):
                    group = vr if vr in ("CS", "DS", "IS") else "text"
                    kind = keyword if keyword in PHYSICS else group
                    seen[kind] += 1
                    lost[kind] += action(vr, value, case) is not KEPT
        except (InvalidDicomError, OSError, ValueError, EOFError, AttributeError):
            continue
    assert seen["DS"] > 1000
    assert {kind: lost[kind] for kind in (*PHYSICS, "DS", "IS") if lost[kind]} == {}
    assert lost["CS"] / seen["CS"] < 0.01


def looked_at(ds):
    """The values of unlisted attributes, sequences inside too, as they are encoded."""
    for elem in ds.iterall():
        tag = int(elem.tag)
        action = cleaning(tag) if tag in VR_OF and tag not in LISTED | MARKING and VR_OF[tag] != "SQ" else None
        if action and elem.VR in TEXT | {"CS", "DS", "IS"} and elem.value not in (None, ""):
            values = [elem.value] if isinstance(elem.value, str) else list(elem.value) if elem.VM > 1 else [elem.value]
            yield elem.VR, elem.keyword, action, "\\".join(str(value) for value in values).encode()


@pytest.mark.parametrize(
    "value", ["1941-05-23", "12.05.2015", "12-05-15", "0 23 1941", "1+2", "-1-2", "021 314 11", "1\\2.3.4"]
)
def test_digits_and_signs_that_are_no_number_do_not_stay_as_one(value):
    content = result({0x00201041: element(0x00201041, "DS", value.encode())}, 0)
    assert value.encode() not in content
    kept = result({0x00201041: element(0x00201041, "DS", rb"-1.5\+2\ 3.25 \1e-3")}, 0)
    assert rb"-1.5\+2\ 3.25 \1e-3" in kept
