"""Names in all scripts, and references between instances after de-identification."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file

from pacsflow.deid import read_part10
from pacsflow.deid.rules.dates import moved_date, moved_datetime
from pacsflow.deid.rules.identity import Identity, IdentityRules
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaned, cleaner, ct, encoded, read, whole

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
NAMES = [
    ("ISO_IR 192", "Yamada^Tarou=山田^太郎=やまだ^たろう", "山田".encode()),
    (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "山田".encode("iso2022_jp")[3:-3]),
    ("ISO_IR 144", "Иванов^Дмитрий", "Дмитрий".encode("iso8859_5")),
    ("ISO_IR 126", "Διονυσιος", "Διον".encode("iso8859_7")),
    ("ISO_IR 100", "Buc^Jérôme", "Jérôme".encode("latin-1")),
    ("GB18030", "Wang^XiaoDong=王^小东", "小东".encode("gb18030")),
    (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "길동".encode("euc_kr")),
]


@pytest.mark.parametrize(("charset", "name", "part"), NAMES)
def test_names_leave_in_every_script(charset, name, part):
    ds = ct(SpecificCharacterSet=charset, PatientName=name, PatientComments=name)
    source = encoded(ds)
    assert part in source.dataset
    data = whole(cleaner().clean(source))
    assert part not in data
    assert name.split("=")[0].split("^")[0].encode() not in data


@pytest.mark.parametrize(("charset", "name", "part"), NAMES)
def test_names_a_rule_keeps_in_another_place_are_found(charset, name, part):
    ds = ct(SpecificCharacterSet=charset, PatientName=name, PatientComments=name)
    with pytest.raises(RefusalError, match="original value remains"):
        cleaner(elements=[{"tag": "PatientComments", "action": "keep"}]).clean(encoded(ds))


def test_an_id_in_another_script_has_a_pseudonym_by_what_it_says_not_by_its_bytes():
    ids = [ct(SpecificCharacterSet=charset, PatientID="Ä77") for charset in ("ISO_IR 192", "ISO_IR 100")]
    pseudonyms = {cleaner().clean(encoded(ds)).person.pseudonym for ds in ids}
    assert pseudonyms == {cleaner().person("Ä77").pseudonym}


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize("name", ["sr-example/seg.dcm", "sr-example/sr.dcm", "sr-example/rwvm.dcm"])
def test_segmentations_and_reports_still_name_the_images_they_are_about(name):
    source = read_part10(DATA / "dcmqi" / name)
    profile = cleaner(options=["retain-longitudinal-modified-dates", "clean-structured-content"])
    old, new = dcmread(DATA / "dcmqi" / name, stop_before_pixels=True), read(profile.clean(source))
    before, after = ([e.value for e in ds.iterall() if e.keyword == "ReferencedSOPInstanceUID"] for ds in (old, new))
    assert before
    assert after
    assert set(after) <= {profile.uid(uid) for uid in before}  # Table E.3.4-1 takes some items of a report out


def test_a_structure_set_still_names_its_frame_of_reference_and_images():
    path = Path(get_testdata_file("rtstruct.dcm"))
    old = dcmread(path, force=True)
    new = cleaned(old)
    keywords = ("ReferencedSOPInstanceUID", "FrameOfReferenceUID", "ReferencedFrameOfReferenceUID")
    before, after = ([e.value for e in ds.iterall() if e.keyword in keywords] for ds in (old, new))
    assert before
    assert after == [cleaner().uid(uid) for uid in before]


@given(
    st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,9})){2,8}", fullmatch=True),
    st.sampled_from(["2.25", "1.2.826.0.1.3680043"]),
)
def test_new_uids_are_legal_and_their_own(uid, root):
    identity = Identity(b"k" * 32, IdentityRules("", (-365, -1), root, shifts=True))
    new = identity.uid(uid)
    assert len(new) <= 64
    assert new.startswith(f"{root}.")
    assert all(part == "0" or part[0] != "0" for part in new.split("."))
    assert new == identity.uid(uid) != Identity(b"l" * 32, IdentityRules("", (-365, -1), root, shifts=True)).uid(uid)


def test_well_known_uids_stay_and_what_only_looks_like_one_does_not():
    assert cleaner().uid("1.2.840.10008.1.2.1") == "1.2.840.10008.1.2.1"
    assert cleaner().uid("1.2.840.10008.774411") != "1.2.840.10008.774411"


@given(st.dates(min_value=date(1900, 1, 1)), st.integers(-3650, 3650))
def test_a_moved_date_moves_back(day, days):
    text = day.strftime("%Y%m%d").encode().rjust(8, b"0")
    moved = moved_date(text, days)
    assert moved == b"" or moved_date(moved, -days) == text
    assert moved_datetime(text + b"101112.25+0100", days) == (moved + b"101112.25+0100" if moved else b"")


@given(st.binary(max_size=30))
def test_no_bytes_make_a_date_fail(value):
    assert moved_date(value, 3) == b"" or len(moved_date(value, 3)) == 8
    moved_datetime(value, 3)
