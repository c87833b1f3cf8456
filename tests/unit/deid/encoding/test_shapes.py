"""What is remembered of one instance never changes what is found in another."""

import random

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from pacsflow.deid.encoding.shapes import Shapes
from pacsflow.deid.encoding.walk import NotStrictError, Walk
from pacsflow.deid.proof.structure import Structures, check_structure
from pacsflow.errors import RefusalError
from unit.deid.instances import ct, encoded


def nested(**values):
    ds, item = ct(**values), Dataset()
    item.ReferencedSOPInstanceUID, item.PatientName = "1.2.3.4", "Quistgaard"
    ds.ReferencedImageSequence = Sequence([item, item])
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "secret")
    return bytes(encoded(ds).dataset)


def changed(data, dice):
    """The same number of bytes, a few of them others: header, value, or both."""
    data = bytearray(data)
    for _ in range(dice.randrange(1, 4)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def told(read):
    try:
        return read()
    except (NotStrictError, RefusalError) as error:
        return str(error)


def elements(level, walk, depth=0):
    """All elements, those in sequences too."""
    found = [level.elements]
    for tag, (vr, *_) in level.elements.items():
        if vr == int.from_bytes(b"SQ", "little"):
            found += [elements(item, walk, depth + 1) for item in walk.items_of(level, tag, depth + 1)]
    return found


def test_a_remembered_walk_is_the_walk():
    dice, shapes, data = random.Random(11), Shapes(), nested()
    for number in range(6_000):
        walk = Walk(data if number % 3 == 0 else changed(data, dice), explicit=True)
        assert told(lambda w=walk: elements(shapes.dataset(w), w)) == told(lambda w=walk: elements(w.dataset(), w))


@pytest.mark.parametrize("allowed", [frozenset(), frozenset({(0x0011, "ACME", 1)})])
def test_a_remembered_structure_is_as_strict(allowed):
    dice, structures, data = random.Random(12), Structures(allowed), nested()
    for number in range(6_000):
        piece = data if number % 3 == 0 else changed(data, dice)
        assert told(lambda p=piece: structures.check(p, explicit=True).instance) == told(
            lambda p=piece: check_structure(p, explicit=True, allowed=allowed)
        )


def test_another_creator_or_a_hidden_item_is_not_taken_for_what_was_legal():
    structures, data = Structures(frozenset({(0x0011, "ACME", 1)})), nested(ImageComments="12345678 90123456")
    for _ in range(3):
        assert structures.check(data, explicit=True)
    with pytest.raises(RefusalError, match="private element"):
        structures.check(data.replace(b"ACME", b"ACMF"), explicit=True)
    with pytest.raises(RefusalError, match="items hidden"):
        structures.check(data.replace(b"12345678", b"\xfe\xff\x00\xe0\0\0\0\0"), explicit=True)
