"""Dates, times and ages of one patient fit together afterwards (PS3.15 E.3.6, 45 CFR 164.514(b))."""

from datetime import date, datetime

import pytest
from pydicom import Dataset, uid
from pydicom.sequence import Sequence

from unit.deid.instances import BIRTH, cleaned, ct

MODIFIED, CHARACTERISTICS = "retain-longitudinal-modified-dates", "retain-patient-characteristics"


def day(text):
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def pet():
    """A PET slice whose activity is computed from the time between injection and scan."""
    ds, tracer = ct(SOPClassUID=uid.PositronEmissionTomographyImageStorage, Modality="PT"), Dataset()
    ds.SeriesTime, ds.AcquisitionTime, ds.DecayCorrection, ds.PatientAge = "235000", "235500.25", "START", "074Y"
    tracer.RadiopharmaceuticalStartTime, tracer.RadiopharmaceuticalStopTime = "224000", "224005"
    tracer.RadiopharmaceuticalStartDateTime = "20150512224000.00+0200"
    tracer.RadionuclideHalfLife, tracer.RadionuclideTotalDose = "6586.2", "300000000"
    ds.RadiopharmaceuticalInformationSequence = Sequence([tracer])
    return ds


def decay_seconds(ds):
    """From injection to scan, by times of day and by date and time."""
    tracer = ds.RadiopharmaceuticalInformationSequence[0]
    moments = [
        datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - both of one place
        for text in (
            ds.SeriesDate + ds.SeriesTime,
            ds.SeriesDate + tracer.RadiopharmaceuticalStartTime,
            tracer.RadiopharmaceuticalStartDateTime[:14],
        )
    ]
    return [(moments[0] - other).total_seconds() for other in moments[1:]]


def test_decay_of_a_tracer_is_computed_from_the_same_times():
    old, new = pet(), cleaned(pet(), options=[MODIFIED, CHARACTERISTICS])
    assert decay_seconds(new) == decay_seconds(old) == [4200, 4200]
    assert new.SeriesDate != old.SeriesDate
    assert new.RadiopharmaceuticalInformationSequence[0].RadionuclideHalfLife == 6586.2
    assert (new.AcquisitionTime, new.DecayCorrection, new.PatientAge) == ("235500.25", "START", "074Y")


def test_a_birth_date_that_a_rule_moves_keeps_the_age_at_the_study():
    new = cleaned(ct(), options=[MODIFIED], elements=[{"tag": "PatientBirthDate", "action": "date"}])
    assert new.PatientBirthDate != BIRTH
    assert day(new.StudyDate) - day(new.PatientBirthDate) == date(2015, 5, 12) - day(BIRTH)


def test_dates_of_private_elements_that_are_kept_move_too():
    ds = ct()
    block = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "DA", "20150512")
    new = cleaned(ds, options=[MODIFIED, "retain-safe-private"])
    assert new[0x0019, 0x100C].value == new.StudyDate != "20150512"


@pytest.mark.parametrize("age", ["090Y", "101Y", "999Y", "999M"])
def test_no_age_tells_more_than_that_it_is_over_89(age):
    new = cleaned(ct(PatientAge=age), options=[CHARACTERISTICS])
    assert new.PatientAge == ("090Y" if age != "999M" else "999M")


@pytest.mark.parametrize("option", [MODIFIED, CHARACTERISTICS, "retain-uids", "clean-graphics"])
def test_each_option_adds_its_own_code_and_no_other(option):
    codes = [each.CodeValue for each in cleaned(ct(), options=[option]).DeidentificationMethodCodeSequence]
    alone = [each.CodeValue for each in cleaned(ct()).DeidentificationMethodCodeSequence]
    assert alone == ["113100"]
    assert len(codes) == 2
    assert codes[0] == "113100"


def test_burned_in_text_is_not_denied_where_nobody_looked():
    assert "BurnedInAnnotation" not in cleaned(ct())
    new = cleaned(ct(BurnedInAnnotation="YES"), pixels={"burned_in": "keep"})
    assert new.BurnedInAnnotation == "YES"
