"""Every file at hand under every shipped profile and set: no true day, time, id or name in any byte but the pictures."""

import re
import struct
from functools import cache
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_files

from pacsflow.deid import compile_profile, read_part10
from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.deid.proof.search_terms import PLACEHOLDERS
from pacsflow.deid.vocabulary import device_words, vocabulary
from pacsflow.errors import RefusalError
from pacsflow.pseudonyms.patient_ids import placeholder
from schemas.deid import DeidProfile
from unit.deid.instances import KEY, whole
from unit.deid.test_true_dates_are_gone import DATA, profiles

TIMED = re.compile(rb"(?:DA|DT|TM)..[0-9.:+\- \\\0]*|UI..[0-9.\\]*\0?", re.DOTALL)
"""Moved days, times of day, new UIDs."""
MEASURED = re.compile(rb"(?:DS|IS)..[0-9.eE+\- \\]*", re.DOTALL)
"""Numbers, in which six digits are no time of day."""
IMPLICIT = "1.2.840.10008.1.2"
LARGEST = 4 << 20
ORDINARY = vocabulary() | device_words() | PLACEHOLDERS
QUICK = 12
"""Of so many files one is tried where time is short."""
_WORD = re.compile(r"[^\W\d_]{4,}")


@cache
def shipped():
    """Name -> cleaner."""
    told = {name: {"key": "${env:K}"} | each for name, each in profiles()}
    return {name: compile_profile(DeidProfile.model_validate(each), KEY) for name, each in told.items()}


def files():
    """Paths of all DICOM files at hand that are not too large."""
    for path in sorted({Path(each) for each in get_testdata_files()} | set(DATA.rglob("*"))):
        if path.is_file() and path.stat().st_size < LARGEST:
            yield path


def told(path):
    """(days, times to the second, ids and words of names), lower-case bytes, as pydicom reads them from the header."""
    days, times, names = set(), set(), set()
    for each in dcmread(path, stop_before_pixels=True, force=True).iterall():
        text = str(each.value or "")
        if each.VR in ("DA", "DT") and each.tag.group in (8, 0x10, 0x20, 0x40):
            days.update(re.findall(r"(?<!\d)(?:19|20)\d{6}", text))
        if each.VR in ("TM", "DT") and each.tag.group == 8:
            times.update(time for time in re.findall(r"(\d{6})(?:\.\d*)?$", text) if not time.endswith("00"))
        if each.keyword in ("PatientName", "ReferringPhysicianName", "OperatorsName"):
            names.update(word.lower() for word in _WORD.findall(text) if word.lower() not in ORDINARY)
        if each.keyword in ("PatientID", "AccessionNumber") and len(text) > 5 and not placeholder(text):
            names.add(text.lower())
    return tuple({text.encode() for text in found if text.isascii()} for found in (days, times, names))


def without(data, vrs):
    """The bytes of an implicit dataset without the elements of some VRs, where their tags and lengths stand."""
    tags = b"|".join(re.escape(struct.pack("<HH", tag >> 16, tag & 0xFFFF)) for tag in timed(vrs) if tag < 0x7FE00000)
    return re.sub(rb"(?:%s).\0\0\0[0-9.:eE+\- \\\0]*" % tags, b"|", data, flags=re.DOTALL)


@cache
def timed(vrs):
    return [tag for tag, vr in VR_OF.items() if vr in vrs]


def left(out, true, *, implicit=False):
    """What of the true values stands in the finished bytes before the pixel data."""
    days, times, names = true
    head = out.partition(b"\xe0\x7f\x10\0")[0]
    text = without(head, ("DA", "DT", "TM", "UI")) if implicit else TIMED.sub(b"|", head)
    numbers = without(text, ("DS", "IS")) if implicit else MEASURED.sub(b"|", text)
    found = [day for day in days if day in text]
    found += [time for time in times if re.search(rb"(?<![0-9.])%s(?![0-9])" % time, numbers)]
    return found + [
        name for name in names if re.search(rb"(?<![a-z0-9])%s(?![a-z0-9])" % re.escape(name), text.lower())
    ]


def search(every):
    """How many results were searched; asserts that nothing was found in any."""
    seen = 0
    for path in list(files())[::every]:
        try:
            source, true = read_part10(path), told(path)
        except Exception:  # noqa: BLE001 - what one of the two cannot read is tried elsewhere
            continue
        for name, cleaner in shipped().items():
            try:
                found = left(whole(cleaner.clean(source)), true, implicit=source.transfer_syntax_uid == IMPLICIT)
            except RefusalError:
                continue
            assert not found, (path.name, name)
            seen += 1
    return seen


@pytest.mark.filterwarnings("ignore")
def test_nothing_true_stays_in_some_files():
    assert search(QUICK) > 100


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_nothing_true_stays_in_any_file(shared_data):
    assert shared_data.is_dir()
    assert search(1) > 3000


def test_the_search_finds_what_is_there():
    assert left(b"LO\x08\x0020150512", ({b"20150512"}, set(), set()))
    assert left(b"SH\x06\x00101112", (set(), {b"101112"}, set()))
    assert left(b"LO\x0a\x00Quistgaard", (set(), set(), {b"quistgaard"}))
    assert not left(b"DA\x08\x0020150512TM\x06\x00101112DS\x06\x00101112", ({b"20150512"}, {b"101112"}, set()))
