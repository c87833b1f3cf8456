"""Broken input: no output holds the patient's name, nothing but a refusal is raised.

20,000 mutations with every `make test`, a million with `make soak`.
"""

import random
import re
import warnings
from io import BytesIO

import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from pacsflow.deid import Source
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, ct, encoded, whole

NAME = b"Quistgaard"
SAID = re.compile(rb"\x10\0\x10\0(?:PN..|....)" + NAME, re.DOTALL)
"""Patient's Name, at any depth. Where its tag is destroyed everywhere, nobody can tell the name from a word."""
OPTIONS = ["retain-longitudinal-modified-dates", "clean-descriptors", "retain-safe-private"]


def image():
    """A slice with the name in a sequence and in private elements, some of which are kept."""
    ds, item = ct(PatientName="Quistgaard^T", SeriesDescription="Chest of Quistgaard"), Dataset()
    item.PatientName, item.SeriesDescription = "Quistgaard^T", "Quistgaard"
    ds.ReferencedImageSequence = Sequence([item])
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "Quistgaard")
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")
    return ds


def compressed():
    """The same with encapsulated pixel data."""
    ds = image()
    stream = BytesIO()
    Image.new("L", (8, 8), 99).save(stream, "JPEG")
    ds.PixelData, ds.BitsAllocated, ds.BitsStored, ds.HighBit = encapsulate([stream.getvalue()]), 8, 8, 7
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def report():
    """Structured content: the name as person, as text, three deep."""
    ds = ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33", Modality="SR", ValueType="CONTAINER")
    del ds.PixelData
    content = []
    for depth in range(3):
        item, concept = Dataset(), Dataset()
        concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = "121071", "DCM", "Finding"
        item.ValueType, item.ConceptNameCodeSequence = "TEXT", Sequence([concept])
        item.TextValue, item.PersonName = f"nodule of Quistgaard {depth}", "Quistgaard^T"
        item.ContentSequence = Sequence(content)
        content = [item]
    ds.ContentSequence = Sequence(content)
    return ds


KINDS = [
    (image, ExplicitVRLittleEndian),
    (image, ImplicitVRLittleEndian),
    (compressed, JPEGBaseline8Bit),
    (report, ExplicitVRLittleEndian),
    (report, ImplicitVRLittleEndian),
]


def mutated(data, dice):
    """One of: bits flipped, a piece cut, a piece doubled, a length that lies, the end missing."""
    data = bytearray(data)
    pos = dice.randrange(len(data) - 16)
    match dice.randrange(5):
        case 0:
            for _ in range(dice.randrange(1, 5)):
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        case 1:
            del data[pos : pos + dice.randrange(1, 16)]
        case 2:
            data[pos:pos] = data[pos : pos + dice.randrange(1, 16)]
        case 3:
            data[pos : pos + 2] = dice.randrange(0x10000).to_bytes(2, "little")
        case 4:
            del data[pos:]
    return bytes(data)


def leaks(count, seed, kind, syntax):
    """Outputs that hold the name, of `count` mutations; the untouched instance passes by now and then."""
    dice, profile = random.Random(seed), cleaner(options=OPTIONS)
    source = encoded(kind(), syntax)
    found = cleaned = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(count):
            if number % 100 < 2:
                profile.clean(source)
            data = mutated(source.dataset, dice)
            broken = Source(source.sop_class_uid, source.sop_instance_uid, str(syntax), data)
            try:
                found += NAME in whole(profile.clean(broken)) and SAID.search(data) is not None
                cleaned += 1
            except RefusalError:
                continue
    assert cleaned > count // 10, "most of what was tried never came as far as an output"
    return found


@pytest.mark.parametrize(("kind", "syntax"), KINDS)
def test_mutated_headers_leak_nothing_and_crash_nothing(kind, syntax):
    assert leaks(4_000, 7, kind, syntax) == 0


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("kind", "syntax"), KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_a_million_mutated_headers_leak_nothing(kind, syntax, seed):
    assert leaks(50_000, seed, kind, syntax) == 0
