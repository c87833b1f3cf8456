"""Whatever an identifier looks like, a copy of it elsewhere is found: emptied or the file refused, never passed on."""

import itertools

import pytest
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsflow.deid import Source
from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.deid.encoding.elements import element
from pacsflow.deid.proof.search_terms import KINDS
from pacsflow.deid.proof.structure import check_structure
from pacsflow.deid.rules.private_sets import private_tags
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaned, cleaner, ct, encoded, read, whole

KEPT = {"options": ["retain-device-identity"], "unlisted": "keep"}
"""What the search finds by itself, where no list of harmless words goes first."""
OURS = cleaner(**KEPT)
PADDINGS = {
    "space": b"%s ",
    "two NULs": b"%s\0\0",
    "NULs before": b"\0\0%s",
    "NUL and rubbish": b"%s\0\1\2\x7f",
    "control inside": b"%s\x01\x1f",
    "tabs": b"\t%s\t ",
}
CHARSETS = {
    b"ISO_IR 100": ("Quørsten^Åsbjørn", "latin-1"),
    b"ISO_IR 192": ("Quørsten^Åsbjørn", "utf-8"),
    b"ISO_IR 144": ("Квордин^Ульяна", "iso8859_5"),
    b"ISO_IR 126": ("Παπαδόξης^Ελένη", "iso8859_7"),
    b"ISO_IR 127": ("قباني^نزار", "iso8859_6"),
    b"ISO_IR 138": ("שרון^דבורה", "iso8859_8"),
    b"ISO_IR 148": ("Çavuşoğlu^İpek", "iso8859_9"),
    b"ISO_IR 166": ("นามสมมุติ^ชื่อ", "tis_620"),
    b"GB18030": ("欧阳^小东", "gb18030"),
    b"GBK": ("欧阳^小东", "gbk"),
}


def planted(tag, value, copy, *, where=0x00181020, charset=b"ISO_IR 100", syntax=ExplicitVRLittleEndian):
    """A CT with raw bytes in an identifier and in another element, by itself."""
    explicit = syntax == ExplicitVRLittleEndian
    base = ct()
    for other in (*KINDS, where, 0x00080005):
        if other in base:
            del base[other]
    source = encoded(base, syntax)
    extra = {tag: value, where: copy, 0x00080005: charset}
    whole_elements = [(each, element(each, VR_OF[each], content, explicit=explicit)) for each, content in extra.items()]
    pieces = dict(whole_elements)
    for elem in base:
        alone = Dataset()
        alone.add(DataElement(elem.tag, elem.VR, elem.value))
        alone_source = _bytes(alone, syntax)
        pieces[int(elem.tag)] = alone_source
    return Source(
        source.sop_class_uid, source.sop_instance_uid, str(syntax), b"".join(pieces[each] for each in sorted(pieces))
    )


def _bytes(ds, syntax):
    fp = DicomBytesIO()
    fp.is_little_endian, fp.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    write_dataset(fp, ds)
    return fp.getvalue()


def passed(source, secret):
    """Whether the secret's bytes are in what comes out."""
    try:
        result = whole(OURS.clean(source))
    except RefusalError:
        return False
    return secret.lower() in result.lower()


def secret_of(kind):
    return {
        "name": b"Qvorstenbrek",
        "id": b"ZX-90417-Q",
        "place": b"Spital Qvorstenau",
        "birth date": b"19410523",
    }[kind]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
@pytest.mark.parametrize("padding", PADDINGS.values(), ids=PADDINGS)
@pytest.mark.parametrize("tag", KINDS, ids=lambda tag: f"{tag:08x}")
def test_every_identifier_in_every_padding_is_found_elsewhere(tag, padding, syntax):
    secret = secret_of(KINDS[tag])
    for copy in (b"seen by %s today" % secret, secret, secret + b"\0hidden"):
        assert not passed(planted(tag, padding % secret, copy, syntax=syntax), secret)


@pytest.mark.parametrize("charset", CHARSETS, ids=lambda each: each.decode())
@pytest.mark.parametrize("padding", PADDINGS.values(), ids=PADDINGS)
def test_names_in_every_character_set_and_padding_are_found(charset, padding):
    name, codec = CHARSETS[charset]
    family, given = name.split("^")
    for copy in (f"for {family}", f"{family}{given}", f"{family} {given}", f"x {given} {family}"):
        secret = family.encode(codec)
        source = planted(0x00100010, padding % name.encode(codec), copy.encode(codec), charset=charset)
        assert not passed(source, secret)


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        (b"LI^O", b"Mr LI"),
        (b"LI^O", b"LI O"),
        (b"LI^O", b"O, LI"),
        (b"NG", b"patient NG seen"),
        (b"WU", b"WU"),
        (b"BAUER^EVA", b"ebauer01"),
        (b"BAUER^EVA", b"BAUERE_t1"),
        (b"BAUER^EVA", b"BauerEva"),
        (b"Qvorstenbrek^Anna", b"Qvorsten-\r\nbrek"),
        (b"Qvorstenbrek^Anna", b"Qvorsten\nbrek"),
        (b"Qvorstenbrek^Anna", b"v1\0Qvorstenbrek"),
        (b"Q\0v\0o\0r\0s\0t\0e\0n\0", b"seen: Qvorsten"),
        (b"Qvorsten\\Meier-Quist", b"Quist"),
    ],
)
def test_short_glued_broken_and_strange_names_are_found(name, copy):
    source = planted(0x00100010, name, copy, where=0x00181020)
    new = read(OURS.clean(source))
    assert not new.get("SoftwareVersions")


@pytest.mark.parametrize(
    "copy",
    [
        *("29 Feb 1948", "29. Februar 1948", "1948 February 29", "Feb 29, 1948", "29th of February 1948"),
        *("29 février 1948", "29 de febrero de 1948", "29 febbraio 1948", "29feb48", "29.2.48", "48-02-29"),
        *("2/29/1948", "29/02/48", "29021948", "480229", "290248", "29 02 1948", "19480229101112"),
    ],
)
def test_birth_dates_are_found_in_words_and_in_any_order(copy):
    new = cleaned(ct(PatientBirthDate="19480229", SoftwareVersions=f"v {copy} x"), **KEPT)
    assert not new.SoftwareVersions


@pytest.mark.parametrize("copy", ["29 Feb 1947", "30.2.48", "syngo MR E11", "128*128", "2.4.8.29", "VB17A 48"])
def test_other_text_with_numbers_stays(copy):
    new = cleaned(ct(PatientBirthDate="19480229", SoftwareVersions=copy), **KEPT)
    assert new.SoftwareVersions == copy


@pytest.mark.parametrize(
    ("patient_id", "copy"),
    [("4711", "v 4711 x"), ("042", "id 042"), ("PID-774411", "v 774411"), ("A-7", "A7"), ("77.44.11", "77 44 11 x")],
)
def test_short_ids_and_their_numbers_are_found(patient_id, copy):
    assert not cleaned(ct(PatientID=patient_id, SoftwareVersions=copy), **KEPT).SoftwareVersions


def test_numeric_ids_are_found_in_numbers():
    ds = ct(PatientID="0047110815")
    ds.AcquisitionNumber, ds.TriggerTime, ds.InstanceNumber = 47110815, "47110815.0", 4711
    new = cleaned(ds)
    assert (new.AcquisitionNumber, new.TriggerTime, new.InstanceNumber) == (None, None, 4711)


@pytest.mark.parametrize("value", [b"\x01\x02\x03\x04", b"\x7f\x7f", b"\x02^\x02"])
@pytest.mark.parametrize("tag", [0x00100010, 0x00100020, 0x00080080])
def test_an_identifier_that_gives_nothing_to_search_for_refuses_the_file(tag, value):
    with pytest.raises(RefusalError, match="cannot be searched for"):
        OURS.clean(planted(tag, value, b"nothing"))


@pytest.mark.parametrize("value", [b"", b"  ", b"\0\0", b"^^^^", b"-", b"ANONYMOUS", b"7"])
def test_an_identifier_that_says_nothing_refuses_nothing(value):
    assert read(cleaner(**KEPT).clean(planted(0x00100020, value, b"v2"))).SoftwareVersions == "v2"


def test_what_an_earlier_tool_wrote_is_searched_and_our_own_marking_is_not():
    prior = "done for Quistgaard on 20150512"
    new = cleaned(ct(DeidentificationMethod=prior))
    assert "Quistgaard" not in str(new.DeidentificationMethod)
    assert "2015" not in new.DeidentificationMethod[0]
    assert new.DeidentificationMethod[1].startswith("PACSFLOW")
    assert "tool X 1" in cleaned(ct(DeidentificationMethod="tool X 1")).DeidentificationMethod
    assert cleaned(ct(PatientName="Profile^Pacsflow")).DeidentificationMethod[0].startswith("PACSFLOW")


@pytest.mark.parametrize(
    ("institution", "maker", "stays"),
    [
        ("Spital Qvorstenau", "Spital Qvorstenau", False),
        ("GE MEDICAL SYSTEMS", "GE MEDICAL SYSTEMS", True),
        ("Philips Healthcare", "Philips Healthcare", True),
        ("Klinikum Brown", "Klinikum Brown", False),
    ],
)
def test_of_manufacturers_only_known_vendors_are_exempt(institution, maker, stays):
    new = cleaned(ct(InstitutionName=institution, Manufacturer=maker), unlisted="keep")
    assert bool(new.Manufacturer) == stays


def test_one_hit_empties_that_element_and_no_other_of_its_name():
    ds = ct()
    codes = [("121058", "DCM", "of Quistgaard"), ("T-1", "99X", "room of Quistgaard"), ("T-2", "99X", "left")]
    ds.ViewCodeSequence = Sequence([_code(*code) for code in codes])
    new = cleaned(ds, unlisted="keep")
    assert [each.CodeMeaning for each in new.ViewCodeSequence] == ["Procedure reported", "ANON", "left"]


def _code(value, scheme, meaning):
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def test_every_pair_of_an_identifier_and_a_kept_text_element():
    kept = (0x00181020, 0x00081090, 0x00280301, 0x00081010)
    for tag, where in itertools.product(KINDS, kept):
        secret = secret_of(KINDS[tag])
        assert not passed(planted(tag, secret + b"\0\0", b"x " + secret, where=where), secret)


@pytest.mark.parametrize("copy", ["v774411", "x_774411b", "PID774411", "A-774411/2", "no774411"])
def test_the_digits_of_an_id_are_found_behind_any_prefix(copy):
    new = cleaned(ct(PatientID="PID-774411", SoftwareVersions=copy), **KEPT)
    assert not new.SoftwareVersions
    assert cleaned(ct(PatientID="PID-774411", SoftwareVersions="v7744115"), **KEPT).SoftwareVersions == "v7744115"


@pytest.mark.parametrize("copy", ["12 05 15", "15 05 12 axial", "10 12 05 15", "23 05 41", "41 05 23", "05 23 41 x"])
def test_days_in_pairs_of_digits_are_found(copy):
    profile = KEPT | {"options": ["retain-device-identity", "retain-longitudinal-modified-dates"]}
    assert not cleaned(ct(SoftwareVersions=copy), **profile).SoftwareVersions
    assert cleaned(ct(SoftwareVersions="12 06 15"), **profile).SoftwareVersions == "12 06 15"


@pytest.mark.parametrize(
    ("institution", "copy", "gone"),
    [
        ("Klinikum Nordstadt", "Nordstadt protocol", True),
        ("Universitätsspital Qvorstenau", "head QVORSTENAU 3", True),
        ("Klinikum Qvorstenau", "Klinikum", False),
        ("General Hospital", "general head", False),
        ("GE MEDICAL SYSTEMS", "medical", False),
    ],
)
def test_words_by_which_an_institution_is_known_are_found_alone(institution, copy, gone):
    new = cleaned(ct(InstitutionName=institution, SoftwareVersions=copy), **KEPT)
    assert (not new.SoftwareVersions) == gone


@pytest.mark.parametrize("copy", ["Doctor Wu", "Wu Li", "head Li Wu", "Professor WU, thorax"])
def test_short_names_beside_a_title_or_another_part_are_found(copy):
    assert not cleaned(ct(PatientName="Wu^Li", SoftwareVersions=copy), **KEPT).SoftwareVersions


@pytest.mark.parametrize("number", [0x0001, 0x000A, 0x000F, 0x010A, 0x0F0A])
def test_private_elements_that_no_creator_can_have_never_pass(number):
    ds = ct()
    ds.add_new(0x00190000 | number, "LO", "anything")
    ds.add_new(0x0019100A, "US", 7)
    new = cleaned(ds, options=["retain-safe-private"], private={"keep": ["nifti-without-creator"]})
    assert 0x00190000 | number not in new
    assert 0x0019100A in new
    data = element(0x00080018, "UI", b"1.2.3\0", explicit=True) + element(
        0x00190000 | number, "LO", b"ab", explicit=True
    )
    with pytest.raises(RefusalError, match="private element"):
        check_structure(data, explicit=True, allowed=private_tags("nifti-without-creator"))
