"""Every attribute of PS3.15 Table E.1-1 filled with a marker, top level and two sequences deep: what survives."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from pacsflow.deid.dictionary import VR_OF
from pacsflow.deid.profile import table
from unit.deid.instances import cleaner, ct, encoded, read, whole

OPTIONS = tuple(table()["options"])
TAGS = [int(tag, 16) for tag in table()["rules"] if "x" not in tag and tag != "PRIVATE"]
LISTED = [tag for tag in TAGS if VR_OF.get(tag) not in (None, "SQ") and tag < 0xFFFA0000]
BINARY = {"OB", "UN", "OW"}


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


@pytest.fixture(scope="module")
def instance():
    ds = marked(ct())
    ds.SharedFunctionalGroupsSequence = Sequence([Dataset()])
    ds.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = Sequence([marked(Dataset())])
    ds.add_new(0x60003000, "OW", b"ZqOverlay.")
    ds.add_new(0x60004000, "LT", "ZqComment")
    ds.add_new(0x50003000, "OW", b"ZqCurves")
    ds.add_new(0x00091001, "UN", b"ZqNoCreator.")
    block = ds.private_block(0x0011, "ACME", create=True)
    block.add_new(1, "UN", b"ZqPrivat")
    block.add_new(2, "SQ", Sequence([marked(Dataset())]))
    return encoded(ds)


def survivors(ds):
    """Tags whose marker is still there, in this dataset alone."""
    return {int(e.tag) for e in ds if int(e.tag) in LISTED and e.VR != "SQ" and e.value == marker(int(e.tag))}


def kept_by(option):
    """Attributes that the option's column keeps; times of day stay under a day shift."""
    column, found = OPTIONS.index(option), set()
    for tag in LISTED:
        letter = table()["rules"][f"{tag:08X}"].split(" ")[1][column]
        if letter == "K" or (letter == "C" and VR_OF[tag] == "TM"):
            found.add(tag)
    return found


def test_basic_profile_leaves_none(instance):
    data = whole(cleaner().clean(instance))
    new = read(cleaner().clean(instance))
    assert survivors(new) == set()
    assert survivors(new.SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0]) == set()
    assert b"Zq" not in data
    assert b"ZQ" not in data


@pytest.mark.parametrize("option", [option for option in OPTIONS if option != "retain-safe-private"])
def test_an_option_leaves_what_its_column_keeps_and_no_more(instance, option):
    new = read(cleaner(options=[option]).clean(instance))
    for ds in (new, new.SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0]):
        assert survivors(ds) == kept_by(option)
    assert not [element for element in new.iterall() if element.tag.is_private]


def test_no_attribute_of_the_table_is_without_a_rule():
    known = {int(tag, 16) for tag in table()["rules"] if "x" not in tag and tag != "PRIVATE"}
    unknown = known - set(VR_OF)
    ds = ct()
    for tag in unknown:
        if tag > 0x0002FFFF:
            ds.add_new(tag, "LO", "Zq")
    new = read(cleaner().clean(encoded(ds)))
    assert not unknown & {int(element.tag) for element in new}
