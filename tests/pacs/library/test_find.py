"""Finding from Python, by DIMSE and DICOMweb."""

import datetime as dt

import pytest

import pacsflow
from pacsflow.errors import ArgumentError, IncompleteError
from peers.orthanc import Orthanc


@pytest.fixture
def pacs(node):
    with pacsflow.connect(**node) as connection:
        yield connection


def uids(archive):
    return {
        study: {
            series.attributes["SeriesInstanceUID"]: {i.uid for i in series.instances} for series in one.make_series()
        }
        for study, one in archive.studies.items()
    }


def found(studies):
    return {s.uid: {one.uid: {i.uid for i in one.instances} for one in s.series} for s in studies}


@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_all_levels_are_there_whatever_level_was_asked_for(pacs, archive, level):
    studies = pacs.find(StudyInstanceUID=list(archive.studies), level=level)
    assert found(studies) == uids(archive)
    assert studies[0].series[0].instances[:3] == studies[0].series[0].instances[:3]
    assert [len(studies.to_frame(one)) for one in ("study", "series", "instance")] == [4, 4, 16]
    assert len(studies.to_frame()) == {"study": 4, "series": 4, "instance": 16}[level]


def test_a_frame_has_the_answers_as_text(pacs, archive):
    uid, study = next(iter(archive.studies.items()))
    frame = pacs.find(StudyInstanceUID=uid).to_frame("instance")
    assert set(frame["PatientID"]) == {study.attributes["PatientID"]}, "with its zeros"
    assert set(frame["SOPInstanceUID"]) == set().union(*uids(archive)[uid].values())


def test_another_birth_date_beside_an_identifier_is_an_error_and_not_an_empty_answer(pacs, archive):
    patient = next(iter(archive.studies.values())).attributes["PatientID"]
    with pytest.raises(IncompleteError, match="the birth date of an answer is not the row's"):
        pacs.find(PatientID=patient, PatientBirthDate="19010101")


def dates(archive):
    return sorted(study.attributes["StudyDate"] for study in archive.studies.values())


def test_dates_are_days_years_months_and_ranges(pacs, archive):
    day = dates(archive)[0]
    that_day = [uid for uid, study in archive.studies.items() if study.attributes["StudyDate"] == day]
    that_year = [uid for uid, study in archive.studies.items() if study.attributes["StudyDate"][:4] == day[:4]]
    moment = dt.date(int(day[:4]), int(day[4:6]), int(day[6:]))
    for asked in (day, moment, dt.datetime.combine(moment, dt.time()), (moment, moment), (day, day)):
        assert {study.uid for study in pacs.find(StudyDate=asked)} == set(that_day)
    for asked in (day[:4], f"{day[:4]}0101-{day[:4]}1231", (day[:4], day[:4]), (f"{day[:4]}-01", f"{day[:4]}12")):
        assert {study.uid for study in pacs.find(StudyDate=asked)} == set(that_year)
    assert set(that_day) <= {study.uid for study in pacs.find(StudyDate=f"{day[:4]}-{day[4:6]}")}
    assert len(pacs.find(StudyDate=(moment, None))) == len(archive.studies)
    assert {study.uid for study in pacs.find(StudyDate=(None, moment))} == set(that_day)


def test_a_key_of_series_leaves_studies_without_such_a_series_out(pacs, archive):
    year = ("1990", "2026")
    assert len(pacs.find(StudyDate=year, Modality="MR", level="series")) == len(
        [s for s in archive.studies.values() if any(one.attributes["Modality"] == "MR" for one in s.make_series())]
    )
    assert len(pacs.find(StudyDate=year, Modality="XC", level="series")) == 0


def test_one_image_is_found_by_its_uid(pacs, archive):
    study, series = next(iter(uids(archive).items()))
    wanted = min(next(iter(series.values())))
    [one] = pacs.find(StudyInstanceUID=study, SOPInstanceUID=wanted, level="instance")
    assert [i.uid for s in one.series for i in s.instances] == [wanted]


def test_what_is_included_is_answered_and_what_was_not_is_named(pacs, archive):
    uid = next(iter(archive.studies))
    [study] = pacs.find(StudyInstanceUID=uid, include=["BodyPartExamined", "StudyDescription"], level="series")
    assert study.StudyDescription == archive.studies[uid].attributes["StudyDescription"]
    with pytest.raises(AttributeError, match="did not answer Occupation; name it under `include`"):
        study.Occupation  # noqa: B018


def test_no_value_is_in_what_answers_and_errors_show(pacs, archive):
    studies = pacs.find(StudyInstanceUID=list(archive.studies), level="instance")
    shown = " ".join(map(repr, [studies, *studies, *(s for one in studies for s in one.series), studies[:2], pacs]))
    for study in archive.studies.values():
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber"):
            assert study.attributes[keyword] not in shown


def test_the_same_question_is_answered_from_memory_for_a_while(pacs, archive, monkeypatch):
    uid = next(iter(archive.studies))
    first = pacs.find(StudyInstanceUID=uid, cached=600)
    asked = []
    monkeypatch.setattr(type(pacs), "_find", lambda *_: asked.append(1) or [])
    assert pacs.find(StudyInstanceUID=uid, cached=600) is first
    assert asked == []
    assert len(pacs.find(StudyInstanceUID=uid)) == 0, "not where memory was not asked for"
    assert len(pacs.find(StudyInstanceUID=uid, level="series", cached=600)) == 0, "another question"


def test_a_closed_connection_says_so(node, archive):
    with pacsflow.connect(**node) as pacs:
        [study] = pacs.find(StudyInstanceUID=next(iter(archive.studies)))
    with pytest.raises(ArgumentError, match="the connection is closed") as told:
        study.series  # noqa: B018
    assert any(note.startswith("fix: ") for note in told.value.__notes__)


def test_answers_that_the_node_cuts_are_asked_for_in_pieces_or_are_an_error(tmp_path, archive):
    from pacsflow.simpacs.phantoms import write_phantoms

    (tmp_path / "o").mkdir()
    with Orthanc(tmp_path / "o", LimitFindResults=2, LimitFindInstances=2) as peer:
        peer.load(write_phantoms(tmp_path / "phantoms", archive))
        with pacsflow.connect(host=peer.host, port=peer.port, called_aet=peer.aet) as pacs:
            assert len(pacs.find(StudyDate=("1990", "2026"))) == len(archive.studies)
            with pytest.raises(IncompleteError, match="counts 4 images in a series, but lists 2"):
                pacs.find(StudyInstanceUID=next(iter(archive.studies)), level="instance")
            assert len(list(pacs.datasets(list(archive.studies), raw=True))) == 16, "the series come whole"
