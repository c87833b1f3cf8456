"""Broken input: no output holds the patient's name, nothing but a refusal is raised.

20,000 mutations with every `make test`, a million with `make soak`.
"""

import random
import re
import warnings

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsflow.deid import Source
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, ct, encoded, whole

NAME = b"Quistgaard"
SAID = re.compile(rb"\x10\0\x10\0(?:PN..|....)" + NAME, re.DOTALL)
"""Patient's Name, top level or nested. Where no tag says any more whose name it is, nobody can tell it from a word."""


def nested():
    ds, item = ct(), Dataset()
    item.PatientName, item.SeriesDescription = "Quistgaard^T", "Quistgaard"
    ds.ReferencedImageSequence = Sequence([item])
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "Quistgaard")
    return ds


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


def leaks(count, seed, syntax):
    dice, profile = random.Random(seed), cleaner(options=["retain-longitudinal-modified-dates", "clean-descriptors"])
    source = encoded(nested(), syntax)
    # flips inside the name itself make another name: the search is for the untouched one
    found = cleaned = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(count):
            data = mutated(source.dataset, dice)
            broken = Source(source.sop_class_uid, source.sop_instance_uid, str(syntax), data)
            try:
                found += NAME in whole(profile.clean(broken)) and SAID.search(data) is not None
                cleaned += 1
            except RefusalError:
                continue
    assert cleaned > count // 10, "most of what was tried never came as far as an output"
    return found


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_mutated_headers_leak_nothing_and_crash_nothing(syntax):
    assert leaks(10_000, 7, syntax) == 0


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("seed", range(10))
def test_a_million_mutated_headers_leak_nothing(syntax, seed):
    assert leaks(50_000, seed, syntax) == 0
