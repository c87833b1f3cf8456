"""Measures are not taken for days: a birth date that equipment writes where it knows none empties nothing."""

import pytest

from unit.deid.instances import cleaner, ct, encoded, read

DAYS = ("19700101", "19691231", "19000101", "19720229", "18500101", "20180918")
MEASURES = {
    "ImagePositionPatient": ["-324.00000000007", "-323.99999999993", "16"],
    "RepetitionTime": "2435.37",
    "SliceLocation": "86399.123456",
    "ExposureTime": "63072000",
}


@pytest.mark.parametrize("birth", DAYS)
@pytest.mark.parametrize("exam", DAYS)
def test_measures_stay_whatever_the_days_are(birth, exam):
    dataset = ct()
    dataset.PatientBirthDate, dataset.StudyDate = birth, exam
    for keyword, value in MEASURES.items():
        setattr(dataset, keyword, value)
    cleaned = read(cleaner().clean(encoded(dataset)))
    assert {keyword: cleaned.get(keyword) for keyword in MEASURES} == {k: dataset.get(k) for k in MEASURES}
