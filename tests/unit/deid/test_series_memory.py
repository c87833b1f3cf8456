"""What is remembered of the instance before never changes what becomes of the next one."""

import random

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedSRStorage

from pacsflow.deid import Source
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, ct, encoded, whole

OPTIONS = [
    {},
    {"options": ["retain-longitudinal-modified-dates", "clean-descriptors", "retain-safe-private"]},
    {"options": ["retain-patient-characteristics", "clean-structured-content", "retain-device-identity"]},
    {"elements": [{"tag": "StudyDescription", "action": "keep"}, {"tag": "InstitutionName", "action": "remove"}]},
]


def image(**values):
    """A slice with items, texts, numbers, codes and private elements."""
    ds = ct(PatientAge="073Y", ProtocolName="Thorax nativ", KVP="120", BodyPartExamined="CHEST", **values)
    code, item = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-D3000", "SRT", "Chest"
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ds.SOPClassUID, "1.3.6.1.4.1.9999.8"
    ds.AnatomicRegionSequence, ds.ReferencedImageSequence = Sequence([code]), Sequence([item, item])
    ds.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x02, "SL", 880)
    ds.private_block(0x0019, "ACME", create=True).add_new(0x01, "LO", "secret")
    ds.DataSetTrailingPadding = bytes(16)
    return bytes(encoded(ds).dataset), ds


def report(years):
    """A content item at the top that measures an age: what becomes of the value hangs on the element beside it."""
    ds, concept, measured, unit = ct(PatientAge="073Y"), Dataset(), Dataset(), Dataset()
    del ds.PixelData
    ds.SOPClassUID, ds.ValueType = EnhancedSRStorage, "NUM"
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = "121033", "DCM", "Subject Age"
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "a", "UCUM", "year"
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = years, Sequence([unit])
    ds.ConceptNameCodeSequence, ds.MeasuredValueSequence = Sequence([concept]), Sequence([measured])
    return bytes(encoded(ds).dataset), ds


def outcome(cleans, source):
    """The finished file, or why there is none."""
    try:
        return whole(cleans.clean(source))
    except RefusalError as error:
        return str(error)


def spoiled(data, dice):
    """As long as before, a few bytes others: of values mostly."""
    data = bytearray(data)
    for _ in range(dice.randrange(1, 4)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(6)
    return bytes(data)


def alone(monkeypatch, cleans, source):
    """The outcome where nothing is remembered."""
    with monkeypatch.context() as patch:
        patch.setattr("pacsflow.deid.cleaner.LARGEST", -1)
        return outcome(cleans, source)


@pytest.mark.parametrize("profile", OPTIONS, ids=["basic", "dates", "content", "elements"])
def test_an_instance_is_cleaned_as_if_it_were_the_only_one(profile, monkeypatch):
    dice, cleans = random.Random(7), cleaner(**profile)
    patients = [
        image(PatientID=f"PID-77441{number}", PatientName=name, StudyInstanceUID=f"1.3.6.1.4.1.9999.1{number}")
        for number, name in enumerate(("Quistgaard^Thorbjorn", "Oehlenschlaeger^Anna", "Quistgaard^Thorbjern"))
    ]
    for number in range(250):
        data, ds = dice.choice(patients[: 1 + number % 3])
        data = data if number % 3 == 0 else spoiled(data, dice)
        source = Source(str(ds.SOPClassUID), "", "1.2.840.10008.1.2.1", data)
        assert outcome(cleans, source) == alone(monkeypatch, cleans, source)


def test_a_value_that_hangs_on_its_neighbours_is_asked_each_time(monkeypatch):
    cleans = cleaner(options=["clean-structured-content", "retain-patient-characteristics"])
    data, ds = report("95")
    for code in (b"121033", b"121034", b"121033", b"121206", b"121033"):
        source = Source(str(ds.SOPClassUID), "", "1.2.840.10008.1.2.1", data.replace(b"121033", code))
        assert outcome(cleans, source) == alone(monkeypatch, cleans, source)


@pytest.mark.parametrize(
    "keywords",
    [["PatientName"], ["PatientID", "StudyInstanceUID"], ["StudyInstanceUID"], ["AccessionNumber"], ["StudyDate"]],
)
def test_the_values_of_another_patient_or_study_do_not_come_out(keywords):
    """The same length, one value another: the result is that of a cleaner that never met the first."""
    options = {"options": ["retain-longitudinal-modified-dates"]}
    first, cleans = ct(StudyDescription="CT Smith"), cleaner(**options)
    other = ct(StudyDescription="CT Smith", **{each: str(first[each].value)[:-1] + "6" for each in keywords})
    for ds in (first, first, first, first, other):
        last = outcome(cleans, encoded(ds))
    assert isinstance(last, bytes)
    assert last == outcome(cleaner(**options), encoded(other))


TOLD = {
    "a name": {"StudyDescription": "seen by Quistgaard today"},
    "an id": {"StudyDescription": "is 774411, seen today .."},
    "a day": {"StudyDescription": "comes 20150512 once more"},
    "a time": {"StudyDescription": "begun at 101112 as asked"},
    "an id as a number": {"SliceLocation": "774411.0"},
    "a day as a number": {"SliceLocation": "20150512"},
    "a UID": {"StudyDescription": " 1.3.6.1.4.1.9999.1.2.4 "},
    "a time that was not sought before": {"StudyTime": "091500.5"},
    "the name of another patient, whose words stood there": {"PatientName": "Wednesday^Thorbjorn."},
}


@pytest.mark.parametrize("values", TOLD.values(), ids=TOLD)
def test_what_is_told_in_a_later_instance_is_found_as_in_the_first(values):
    """Kept elements, as long as in all instances before: the outcome is that of a cleaner that never met those."""
    profile = {
        "options": ["retain-longitudinal-modified-dates"],
        "elements": [{"tag": "StudyDescription", "action": "keep"}, {"tag": "SliceLocation", "action": "keep"}],
    }
    cleans, like = cleaner(**profile), {"StudyDescription": "at 091500 on a Wednesday", "SliceLocation": "100.5000"}
    for number in range(4):
        assert isinstance(outcome(cleans, encoded(ct(**like, SOPInstanceUID=f"1.3.6.1.4.1.9999.1.2.{number}"))), bytes)
    told = encoded(ct(**like | values, SOPInstanceUID="1.3.6.1.4.1.9999.1.2.4"))
    said = outcome(cleans, told)
    assert said == outcome(cleaner(**profile), told)
    assert isinstance(said, str)
