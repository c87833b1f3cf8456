"""Names in every character set of PS3.3 C.12.1.1.2: none survives in any encoding, what is left is legal for its VR."""

import os
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import charset, config
from pydicom.datadict import dictionary_VR
from pydicom.valuerep import validate_value

from documents import ROOT
from pacsflow.deid.encoding.charsets import encodings
from pacsflow.deid.rules.dates import moved_date, moved_datetime, shifted, year_only
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, ct, encoded, read, whole

LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
KANJI, KANA = "山田太郎鈴木佐藤高橋渡辺東京", "やまだたろうすずき"
HANGUL, HAN = "홍길동김희중이순신", "王小东张伟李娜刘洋陈静"
SETS = {
    "ISO_IR 100": ("latin-1", LATIN + "éèüöäßñçøåÿÐ"),
    "ISO_IR 101": ("iso8859_2", LATIN + "ąćęłńśźżčřšťž"),
    "ISO_IR 109": ("iso8859_3", LATIN + "ĦĤİĞĴħĥğĵ"),
    "ISO_IR 110": ("iso8859_4", LATIN + "āēīōūķļņŗš"),
    "ISO_IR 148": ("iso8859_9", LATIN + "ğışöüçĞİŞ"),
    "ISO_IR 144": ("iso8859_5", "ИвановДмитрийюяжщЯЖ"),
    "ISO_IR 127": ("iso8859_6", "قبانينزارمحمدعلي"),
    "ISO_IR 126": ("iso8859_7", "ΔιονυσιοςΠαπαδόπουλος"),
    "ISO_IR 138": ("iso8859_8", "שרוןדבורהכהן"),
    "ISO_IR 166": ("iso8859_11", "นามสกุลสมชาย"),
    "ISO_IR 192": ("utf-8", LATIN + KANJI + HANGUL + HAN + "Ивановقبانيशर्मा"),
    "GB18030": ("gb18030", LATIN + HAN + "㐀䶵"),
    "GBK": ("gbk", LATIN + HAN),
    "\\ISO 2022 IR 87": ("iso2022_jp", KANJI + KANA),
    "\\ISO 2022 IR 159": ("iso2022_jp_2", "丂丄丅丌丒"),
    "ISO 2022 IR 13\\ISO 2022 IR 87": ("iso2022_jp", KANJI),
    "\\ISO 2022 IR 149": ("euc_kr", HANGUL),
    "\\ISO 2022 IR 58": ("gb2312", HAN),
    "ISO 2022 IR 100\\ISO 2022 IR 144": ("iso8859_5", "ИвановДмитрий"),
}
ENCODINGS = ("utf-8", "utf-16-le", "latin-1", "shift_jis", "euc_jp", "gb18030", "gbk", "euc_kr", "big5", "cp1251")
OPTIONS = ["retain-longitudinal-modified-dates", "clean-descriptors", "retain-patient-characteristics"]
QUICK = settings(derandomize=True, max_examples=25, deadline=None, database=None)
CASES = [(charset, *how) for charset, how in SETS.items()]


@st.composite
def names(draw):
    """(Specific Character Set, its encoding, family and given name that it can write)."""
    charset, encoding, alphabet = draw(st.sampled_from(CASES))
    words = st.text(alphabet, min_size=4, max_size=8)
    return charset.split("\\"), encoding, draw(words), draw(words)


def spelled(word, encoding):
    """The word in its own and all other encodings that can write it, in any case."""
    forms = {word, word.lower(), word.upper()}
    found = set()
    for form in forms:
        for each in (encoding, *ENCODINGS):
            try:
                found.add(form.encode(each))
            except UnicodeEncodeError:
                continue
    return {raw for raw in found if len(raw) > 3}


def assert_legal(ds):
    """Every value of the dataset is one that its VR allows (PS3.5 6.2)."""
    for element in ds.iterall():
        if element.VR not in ("SQ", "OB", "OW") and element.value not in (None, ""):
            values = element.value if element.VM > 1 else [element.value]
            for value in values:
                validate_value(element.VR, str(value) if element.VR in ("PN", "DS", "IS") else value, config.RAISE)


@settings(QUICK, max_examples=120)
@given(names())
def test_no_name_survives_in_any_encoding(drawn):
    charset, encoding, family, first = drawn
    ds = ct(SpecificCharacterSet=charset, PatientName=f"{family}^{first}")
    ds.StudyDescription = ds.ImageComments = f"{first} {family}"[:64]
    ds.FilterType = family  # an attribute that the standard keeps
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", family)
    cleaned = cleaner(options=OPTIONS).clean(encoded(ds))
    data, new = whole(cleaned), read(cleaned)
    for word in (family, first):
        assert not [raw for raw in spelled(word, encoding) if raw in data]
    assert_legal(new)


@QUICK
@given(names())
def test_a_rule_that_keeps_a_name_elsewhere_is_found_out(drawn):
    charset, _, family, first = drawn
    ds = ct(SpecificCharacterSet=charset, PatientName=f"{family}^{first}", PatientComments=f"{first} {family}")
    with pytest.raises(RefusalError, match="original value remains"):
        cleaner(elements=[{"tag": "PatientComments", "action": "keep"}]).clean(encoded(ds))


def texts(vr):
    """Legal, partial and illegal values of DA, DT or TM."""
    days = st.dates(date(1800, 1, 1), date(2200, 1, 1)).map(lambda day: day.strftime("%Y%m%d").rjust(8, "0"))
    times = st.times().map(lambda time: time.strftime("%H%M%S.%f"))
    parts = st.sampled_from(["", "2020", "202001", "20200230", "20201301", "2020-01-01", "99999999", "00000000", "X"])
    zones = st.sampled_from(["", "+0100", "-0330", "+9", "&0000"])
    whole_ = {"DA": days, "TM": times, "DT": st.tuples(days, times, zones).map("".join)}[vr]
    return st.one_of(whole_, parts, st.text("0123456789.+-: ", max_size=26))


@pytest.mark.parametrize(
    "keyword", ["StudyDate", "PatientBirthDate", "AcquisitionDateTime", "StudyTime", "ContentTime"]
)
@QUICK
@given(data=st.data())
def test_what_is_left_of_any_date_is_a_legal_one_or_nothing(keyword, data):
    vr = dictionary_VR(keyword)
    value, days = data.draw(texts(vr)).encode(), data.draw(st.integers(-40000, 40000))
    if vr == "TM":
        return
    for left in (shifted(vr, value, days), year_only(vr, value)):
        if left:
            validate_value(vr, left.decode(), config.RAISE)
    moved = (moved_date if vr == "DA" else moved_datetime)(value.strip(), days)
    back = (moved_date if vr == "DA" else moved_datetime)(moved, -days)
    assert not moved or back == value.strip() or vr == "DA"


@QUICK
@given(
    st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(-3650, 3650)
)
def test_intervals_stay(first, second, days):
    old = [f"{day:%Y%m%d}" for day in (first, second)]
    new = [moved_date(text.encode(), days).decode() for text in old]
    parsed = [date(int(text[:4]), int(text[4:6]), int(text[6:])) for text in new]
    assert parsed[1] - parsed[0] == second - first


def test_processes_give_the_same_bytes_in_any_order(tmp_path):
    """Two fresh processes with other hash seeds, one of which takes the files the other way round."""
    for number in range(12):
        ds = ct(
            SOPInstanceUID=f"1.3.6.1.4.1.9999.8.{number}",
            StudyInstanceUID=f"1.2.3.{number % 3}",
            PatientID=f"P-{number % 3}-774411",
        )
        ds.SeriesDescription = f"Thorax of Quistgaard {number}"
        (tmp_path / f"{number:02}.raw").write_bytes(encoded(ds).dataset)
    program = (
        "import hashlib, pathlib, sys\n"
        "from unit.deid.instances import cleaner, whole\nfrom pacsflow.deid import Source\n"
        f"profile = cleaner(options={OPTIONS!r})\n"
        "files = sorted(pathlib.Path(sys.argv[1]).iterdir(), reverse=sys.argv[2] == 'back')\n"
        "for file in files:\n"
        "    source = Source('1.2.840.10008.5.1.4.1.1.2', '', '1.2.840.10008.1.2.1', file.read_bytes())\n"
        "    print(file.name, hashlib.sha256(whole(profile.clean(source))).hexdigest())\n"
    )
    told = []
    for seed, order in (("1", "on"), ("2", "back")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "tests")}
        argv = [sys.executable, "-c", program, tmp_path, order]
        told.append(subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout.splitlines())
    assert told[0] == told[1][::-1]
    assert len(set(told[0])) == 12


@pytest.mark.parametrize("term", ["", *SETS, "ISO_IR 6", "ISO_IR 13", "no such set"])
def test_python_names_of_sets_are_those_of_pydicom(term):
    alone = [term] if term in charset.python_encoding else ["ISO_IR 100"]
    if "\\" not in term:
        assert encodings(term.encode()) == list(charset.convert_encodings(alone))
    assert encodings(f"{term} ".encode()) == encodings(term.encode())
