"""What is remembered of instances before never hides a value: the search finds what one without a memory finds."""

import random
from dataclasses import replace

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.deid.encoding.elements import element
from pacsflow.deid.proof.originals import Finder
from pacsflow.deid.proof.same_bytes import changed
from pacsflow.deid.proof.search_terms import KINDS
from pacsflow.deid.proof.structure import leaves
from pacsflow.deid.proof.verify import Finished, LeftoverError, Verifier
from pacsflow.errors import RefusalError
from unit.deid.instances import NAME, cleaner, ct, encoded, whole

TEXT = "anything at all that a protocol may say of how the patient lay, and of what was given before and after the exam"


def finder():
    return Finder(frozenset(VR_OF), moved=True)


def told(find, data, *, explicit):
    """All that was found; or that the instance is refused."""
    try:
        sought, uids, times = find(data, explicit=explicit)
    except RefusalError as error:
        return error.reason
    return set(sought.values), sought.charset, sought.dates, uids, times


def mutated(chance, data, pieces):
    """The data with some bytes put in other places of it, the length as it was."""
    new = bytearray(data)
    for _ in range(chance.randrange(4)):
        piece = chance.choice(pieces)
        at = chance.randrange(len(new) - len(piece))
        new[at : at + len(piece)] = piece
    return bytes(new)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("seed", range(20))
def test_a_finder_with_a_memory_finds_what_one_without_finds(seed, syntax):
    chance, remembering, explicit = random.Random(seed), finder(), syntax == ExplicitVRLittleEndian
    source = encoded(ct(ImageComments=TEXT, PatientComments=TEXT), syntax)
    data = source.dataset[: -8 - 128]
    pieces = [
        *(element(tag, VR_OF[tag], b"Quist-%d" % tag, explicit=explicit) for tag in KINDS if VR_OF[tag] != "SQ"),
        element(0x00080030, "TM", b"101112.25 ", explicit=explicit),
        *(b"\x10\0\x10\0", b"\x10\0", b"\0\0\0", b"\x08\0\x05\0CS\x0a\0ISO_IR 100", b"\x10\0\x20\0LO\3\0\0\1\2"),
    ]
    for _ in range(60):
        mutation = mutated(chance, data, pieces)
        assert told(remembering, mutation, explicit=explicit) == told(finder(), mutation, explicit=explicit)


@pytest.mark.parametrize("before", [b"\x10\0", b"\x08\0", b"\x40\0", b"\x10\0\x10\0", b"\x10\0\x10\0\x10\0"])
def test_a_name_behind_a_number_like_its_tag_is_found(before):
    count = {2: ("US", before), 4: ("UL", before), 6: ("US", before)}[len(before)]
    data = element(0x00091001, *count, explicit=True) + element(0x00100010, "PN", NAME.encode(), explicit=True)
    assert (0x00100010, NAME.encode()) in finder()(data, explicit=True).sought.values


def test_days_and_times_of_a_date_with_a_time_are_both_found():
    data = element(0x0008002A, "DT", b"20150512101112.5", explicit=True)
    found = finder()(data, explicit=True)
    assert (found.sought.dates, found.times) == ({b"20150512"}, {b"101112"})


@pytest.mark.parametrize("seed", range(20))
def test_a_verifier_that_knows_the_series_finds_what_a_new_one_finds(seed):
    chance = random.Random(seed)
    source = encoded(ct(ImageComments=TEXT, PatientComments=TEXT, ProtocolName="Thorax " * 8, WindowWidth=["9", "10"]))
    original = source.dataset[: -8 - 128]
    content = whole(cleaner().clean(source))
    start, stop = content.index(b"\x08\0\x05\0CS"), content.index(b"\xe0\x7f\x10\0O")
    clean = Finished(content[:start], content[start:stop], b"", explicit=True)
    pieces = [*NAME.encode().split(b"^"), b"quistgaard", b"774411", b"PID-774411", b"1941-05-23", b"23 May 1941", b"x"]
    pieces += [b"20150512", b"\\774411\\", b"quist-\r\ngaard", "Quistgaard".encode("utf-16-le"), b"101112", b"10:11:12"]
    values = [leaf for leaf in leaves(clean.head, explicit=True) if leaf.stop - leaf.start > len("quistgaard") * 2]
    remembering = verifier()
    for _ in range(3):
        remembering.check(original, clean)
    found = 0
    for _ in range(60):
        leaf, piece = chance.choice(values), chance.choice(pieces)
        at = chance.randrange(leaf.start, leaf.stop - len(piece) + 1) if len(piece) <= leaf.stop - leaf.start else 0
        head = clean.head[:at] + piece + clean.head[at + len(piece) :] if at else clean.head
        verdicts = [verdict(each, original, replace(clean, head=head)) for each in (remembering, verifier())]
        assert verdicts[0] == verdicts[1]
        found += verdicts[0] is not None
    assert found


def verifier():
    return Verifier(frozenset(VR_OF), frozenset(), moved=True)


def verdict(proof, original, finished):
    try:
        proof.check(original, finished)
    except LeftoverError as error:
        return error.path
    except RefusalError as error:
        return error.reason
    return None


@pytest.mark.parametrize("size", [1, 127, 128, 129, 1000, 4096])
def test_spans_hold_every_difference(size):
    chance = random.Random(size)
    old = chance.randbytes(size)
    for _ in range(50):
        new = mutated(chance, old, [b"", chance.randbytes(1)[: size - 1]])
        spans = changed(old, new)
        if spans is not None:
            outside = [at for at in range(size) if not any(start <= at < stop for start, stop in spans)]
            assert all(old[at] == new[at] for at in outside)
    assert changed(old, old) == []
    assert changed(old + b"x", old) is None
