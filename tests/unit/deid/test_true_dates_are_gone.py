"""The exam's days and the patient's, wherever they stand: moved, emptied, or searched for; a shift is never 0."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from pydicom import Dataset
from pydicom.data import get_testdata_files
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage

from pacsflow.deid import compile_profile, read_part10
from pacsflow.deid.compile_rules import OTHER_CALENDAR, table
from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.deid.rules.identity import Identity, IdentityRules
from pacsflow.deid.rules.private_sets import names, private_tags
from pacsflow.errors import RefusalError
from pacsflow.pseudonyms import Assigned
from schemas.deid import DeidProfile
from unit.deid.instances import BIRTH, KEY, cleaned, cleaner, ct, encoded, whole

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
MODIFIED = "retain-longitudinal-modified-dates"
DAY, TIME = "20150512", "101112"
DEVICE_DATES = [
    int(tag, 16)
    for tag, rule in table()["rules"].items()
    if tag.isalnum() and len(tag) == 8 and "x" not in tag
    if VR_OF.get(int(tag, 16)) in ("DA", "DT")
    and rule.split()[1][table()["options"].index("retain-device-identity")] == "K"
]


def profiles():
    """Every shipped profile, and every shipped private set under moved dates."""
    for path in sorted((ROOT / "projects").glob("*/deid.yaml")):
        told = yaml.safe_load(path.read_text("utf-8"))
        yield path.parent.name, told | {"pixels": {"burned_in": "keep"}, "drop": []}
    for name in names():
        yield name, {"options": [MODIFIED], "private": {"keep": [name]}, "pixels": {"burned_in": "keep"}}
    yield (
        "all sets, every option that keeps",
        {
            "options": [
                MODIFIED,
                "retain-device-identity",
                "retain-institution-identity",
                "retain-patient-characteristics",
            ],
            "private": {"keep": names()},
            "pixels": {"burned_in": "keep"},
        },
    )


def made():
    """Instances with the exam's day in every private element of every set, as a text and within bytes."""
    for name in names():
        for vr, value in (("LO", DAY), ("UN", b"at " + DAY.encode() + b" 1"), ("OB", b"\1" + DAY.encode() + b"\2")):
            ds = ct()
            for group, creator, number in sorted(private_tags(name)):
                if creator:
                    ds.private_block(group, creator, create=True).add_new(number, vr, value)
            yield encoded(ds)


def real():
    """All instances at hand: those of pydicom and, where it is there, of ../shared/data."""
    for path in sorted({Path(each) for each in get_testdata_files()} | set(DATA.rglob("*"))):
        if path.is_file() and path.stat().st_size < 1 << 19:
            try:
                yield read_part10(path)
            except RefusalError:
                continue


@pytest.mark.filterwarnings("ignore")
def test_no_true_day_stays_in_any_byte_under_any_shipped_profile_and_set():
    cleaners = {
        name: compile_profile(DeidProfile.model_validate({"key": "${env:K}"} | told), KEY) for name, told in profiles()
    }
    seen = 0
    for source in (*made(), *(each for number, each in enumerate(real()) if number % 9 == 0)):
        days = re.findall(rb"DA\x08\0((?:19|20)\d{6})", bytes(source.dataset)[: 1 << 16])
        for name, ours in cleaners.items():
            try:
                result = whole(ours.clean(source))
            except RefusalError:
                continue
            head = re.sub(rb"D[AT].\0[0-9.\\ ]*|UI.\0[0-9.\\\0]*", b"", result.partition(b"\xe0\x7f\x10\0")[0])
            assert not [day for day in days if day in head], name
            seen += 1
    assert seen > 100


@pytest.mark.parametrize("tag", OTHER_CALENDAR, ids=keyword_for_tag)
def test_birth_and_death_in_another_calendar_go_and_their_copies(tag):
    ds = ct(SoftwareVersions="born S23.02.29")
    ds.add_new(tag, dictionary_VR(tag), "JAPANESE" if tag & 0xFF == 0x35 else "S23.02.29")
    for options in ([], [MODIFIED], ["retain-patient-characteristics"]):
        assert tag not in cleaned(ds, options=options)
    if tag & 0xFF != 0x35:
        assert not cleaned(ds).SoftwareVersions


def test_the_table_has_dates_of_devices():
    assert len(DEVICE_DATES) > 5


@pytest.mark.parametrize("tag", DEVICE_DATES, ids=keyword_for_tag)
def test_dates_that_an_option_keeps_move_with_the_others(tag):
    ds = ct()
    ds.add_new(tag, dictionary_VR(tag), DAY if dictionary_VR(tag) == "DA" else DAY + TIME)
    new = cleaned(ds, options=[MODIFIED, "retain-device-identity"])
    assert str(new[tag].value)[:8] == new.StudyDate != DAY
    assert str(cleaned(ds, options=["retain-device-identity"])[tag].value)[:8] == DAY


@pytest.mark.parametrize(
    "copy",
    ["on 20150512", "12.5.2015", "May 12, 2015", "12. Mai 2015", "20150512101112", "at 10:11:12", "101112.5 scan"],
)
def test_the_exams_day_and_time_in_text_are_emptied(copy):
    for profile in ({"options": [MODIFIED]}, {}):
        assert not re.search(r"\d|Ma[yi]", cleaned(ct(SoftwareVersions=copy), **profile).SoftwareVersions)
        assert not cleaned(ct(SoftwareVersions=copy), unlisted="keep", **profile).SoftwareVersions
    full = cleaned(ct(SoftwareVersions=copy), options=["retain-longitudinal-full-dates"], unlisted="keep")
    assert full.SoftwareVersions == copy


@pytest.mark.parametrize("days", [(-1, 1), (0, 1), (-1, 0), (-30, 30), (0, 365)])
def test_no_patient_has_a_shift_of_no_day(days):
    identity = Identity(KEY, IdentityRules("", days, "2.25", shifts=True))
    found = {identity.person(f"P{number}", "").shift_days for number in range(2000)}
    assert 0 not in found
    assert found <= set(range(days[0], days[1] + 1))


def test_shifts_that_were_not_0_are_what_they_were_before():
    identity = Identity(KEY, IdentityRules("", (-30, 30), "2.25", shifts=True))
    first = [int.from_bytes(identity.digest("shift", "", f"P{number}"), "big") % 61 - 30 for number in range(500)]
    assert 0 in first
    assert all(identity.person(f"P{n}", "").shift_days == days for n, days in enumerate(first) if days)


def test_a_range_of_0_alone_is_a_mistake():
    with pytest.raises(ValueError, match="0 leaves the true dates"):
        cleaner(dates={"days": [0, 0]})


def test_a_shift_of_0_from_a_table_or_a_service_refuses_the_row():
    for table_of_days, given in (({"A": 0}, None), (None, lambda *_: Assigned("P1", 0))):
        ways = IdentityRules("", (-9, -1), "2.25", shifts=True, table=table_of_days)
        with pytest.raises(RefusalError, match="day shift is 0"):
            Identity(KEY, ways, given).person("A", "")


def test_a_birth_date_that_is_moved_by_rule_is_emptied_over_89():
    rule = [{"tag": "PatientBirthDate", "action": "date"}]
    exam = date(2015, 5, 12)
    for years, stays in ((89, True), (91, False)):
        birth = (exam - timedelta(days=int(365.25 * years))).strftime("%Y%m%d")
        new = cleaned(ct(PatientBirthDate=birth), options=[MODIFIED], elements=rule)
        assert bool(new.PatientBirthDate) == stays


def content(concept, **values):
    name, item = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = concept, "DCM", "x"
    item.RelationshipType, item.ConceptNameCodeSequence = "CONTAINS", Sequence([name])
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize(("age", "unit", "expected"), [(95, "a", 90), (89, "a", 89), (1200, "mo", 1080), (30, "d", 30)])
@pytest.mark.parametrize("more", [[], ["clean-structured-content"]], ids=["plain", "structured"])
def test_the_age_in_a_report_is_cut_or_goes_as_the_headers(age, unit, expected, more):
    units, measured = Dataset(), Dataset()
    units.CodeValue, units.CodingSchemeDesignator, units.CodeMeaning = unit, "UCUM", unit
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = age, Sequence([units])
    measured.FloatingPointValue = float(age)
    item = content("121033", ValueType="NUM", MeasuredValueSequence=Sequence([measured]))
    ds = ct(SOPClassUID=ComprehensiveSRStorage, Modality="SR", ContentSequence=Sequence([item]))
    (new,) = cleaned(ds, options=["retain-patient-characteristics", *more]).ContentSequence
    assert new.MeasuredValueSequence[0].NumericValue == expected
    assert new.MeasuredValueSequence[0].get("FloatingPointValue", expected) == expected
    assert not cleaned(ds, options=more).ContentSequence


def test_the_birth_date_in_a_report_goes_as_the_headers():
    item = content("111060", ValueType="DATE", Date=BIRTH)
    for options in ([MODIFIED], [MODIFIED, "clean-structured-content"]):
        ds = ct(SOPClassUID=ComprehensiveSRStorage, Modality="SR", ContentSequence=Sequence([item]))
        assert not any(each.get("Date") for each in cleaned(ds, options=options).ContentSequence)


@pytest.mark.parametrize("time", ["113100", "113107", "113100.5"])
def test_a_study_at_a_time_like_the_code_of_a_method_is_not_refused(time):
    made = cleaned(ct(StudyTime=time), options=[MODIFIED])
    assert "113107" in [item.CodeValue for item in made.DeidentificationMethodCodeSequence]
