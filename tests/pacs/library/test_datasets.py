"""Datasets from Python, by DIMSE and DICOMweb: de-identified, whole, or an error."""

import threading
import time

import pytest

import pacsflow
from pacsflow.errors import ArgumentError, BusyError, IncompleteError
from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.phantoms import write_phantoms


def ran(folder):
    """The project's run: SOP Instance UID -> its delivered dataset."""
    import pydicom

    assert pacsflow.Project.load(folder).run().done
    out = folder.parent / "data" / "out"
    return {path.stem: pydicom.dcmread(path) for path in out.rglob("*.dcm")}


def by_uid(datasets):
    return {str(one.SOPInstanceUID): one for one in datasets}


def test_what_comes_is_what_a_run_of_the_project_delivers(folder, archive):
    delivered = ran(folder)
    with pacsflow.connect(folder) as pacs:
        found = by_uid(pacs.datasets(pacs.find(StudyInstanceUID=list(archive.studies))))
        alone = by_uid(pacs.datasets(list(archive.studies)))
    assert found == alone == delivered
    assert all(found[uid].file_meta == delivered[uid].file_meta for uid in found)
    assert {one.PatientIdentityRemoved for one in found.values()} == {"YES"}


def test_raw_datasets_are_what_the_pacs_holds(node, archive):
    with pacsflow.connect(**node) as pacs:
        came = by_uid(pacs.datasets(list(archive.studies), raw=True))
    whole = {i.uid for study in archive.studies.values() for s in study.make_series() for i in s.instances}
    assert came.keys() == whole
    assert {one.PatientID for one in came.values()} == {s.attributes["PatientID"] for s in archive.studies.values()}


def test_studies_series_and_instances_by_answers_and_by_uids(node, archive):
    uid = next(iter(archive.studies))
    with pacsflow.connect(**node) as pacs:
        [study] = pacs.find(StudyInstanceUID=uid, level="instance")
        series = study.series[0]
        three = [one.uid for one in series.instances[:3]]
        for what, number in (
            (study, 4),
            (series, 4),
            (series.instances[:3], 3),
            (series.instances[0], 1),
            ([study, series, series.instances[0]], 4),
            (uid, 4),
            ((uid,), 4),
            ((uid, series.uid), 4),
            ((uid, series.uid, three[0]), 1),
            ([(uid, series.uid, one) for one in three], 3),
            (iter([uid]), 4),
            ([], 0),
        ):
            came = [str(one.SOPInstanceUID) for one in pacs.datasets(what, raw=True)]
            assert len(came) == len(set(came)) == number
        assert {*three} == {str(d.SOPInstanceUID) for d in pacs.datasets(series.instances[:3], raw=True)}


@pytest.mark.parametrize("wrong", [3, None, "PATIENT", ("1.2", "1.3", "1.4", "1.5"), {"a": 1}, [b"1.2"]])
def test_what_is_neither_an_answer_nor_a_uid_is_an_error_at_once(node, wrong):
    with pacsflow.connect(**node) as pacs, pytest.raises(ArgumentError) as told:
        pacs.datasets(wrong, raw=True)
    assert "PATIENT" not in str(told.value)


def test_without_a_project_raw_must_be_said(node, archive, tmp_path):
    with pacsflow.connect(**node) as pacs:
        for call in (lambda: pacs.datasets(list(archive.studies)), lambda: pacs.download([], tmp_path / "out")):
            with pytest.raises(ArgumentError, match="no project whose profile") as told:
                call()
            assert "say raw=True" in told.value.fix
    assert not (tmp_path / "out").exists()


def test_leaving_the_loop_breaks_the_retrieval_off_and_the_connection_goes_on(node, tmp_path, store):
    many = phantom_archive(1, seed=77, matrix=64, images=60)
    store.load(write_phantoms(tmp_path / "many", many))
    [uid] = many.studies
    with pacsflow.connect(**node) as pacs:
        stream = pacs.datasets(uid, raw=True)
        next(stream)
        stream.close()
        assert not [one for one in threading.enumerate() if one.name == "pacsflow datasets"]
        for _ in pacs.datasets(uid, raw=True):
            break
        assert len(list(pacs.datasets(uid, raw=True))) == 60


def test_an_error_in_the_loop_is_the_callers_own(node, archive):
    with pacsflow.connect(**node) as pacs, pytest.raises(ZeroDivisionError):
        sum(1 / 0 for _ in pacs.datasets(list(archive.studies), raw=True))


def test_few_wait_in_memory_while_the_caller_takes_its_time(node, tmp_path, store, monkeypatch):
    from pacsflow.library import stream

    many = phantom_archive(1, seed=78, matrix=64, images=40)
    store.load(write_phantoms(tmp_path / "many", many))
    waiting = []
    put = stream.Pipe.put
    monkeypatch.setattr(stream, "WAITING_BYTES", 30_000)
    monkeypatch.setattr(stream.Pipe, "put", lambda self, piece: (put(self, piece), waiting.append(self._bytes))[0])
    with pacsflow.connect(**node) as pacs:
        came = 0
        for _ in pacs.datasets(list(many.studies), raw=True):
            came += 1
            time.sleep(0.01)
    assert came == 40
    assert max(waiting) <= 30_000


def test_a_refused_image_is_an_error_at_the_end_and_the_others_come(folder, archive):
    import json

    profile = json.loads((folder / "deid.yaml").read_text())
    number = next(iter(archive.studies.values())).make_series()[0].instances[0]
    (folder / "deid.yaml").write_text(json.dumps({**profile, "drop": [{"InstanceNumber": "1"}]}))
    with pacsflow.connect(folder) as pacs:
        came = []
        with pytest.raises(IncompleteError, match="were refused") as told:
            came.extend(pacs.datasets(list(archive.studies)))
    assert number.uid not in str(told.value)
    assert told.value.refused > 0
    assert told.value.missing == 0
    assert len(came) + told.value.refused == 16
    assert all(why.startswith("dropped") for why in told.value.reasons)


def test_a_study_that_is_not_there_is_an_error_and_the_others_come(node, archive):
    uid = next(iter(archive.studies))
    with pacsflow.connect(**node) as pacs:
        came = []
        with pytest.raises(IncompleteError, match="the node has no such study") as told:
            came.extend(pacs.datasets(["1.2.3.4", uid, ("1.2.5",)], raw=True))
    assert len(came) == 4
    assert told.value.reasons == {"the node has no such study": 2}


def test_an_instance_that_went_away_is_missing_and_the_others_come(node, store, tmp_path):
    gone = phantom_archive(1, seed=79, matrix=16, images=5)
    store.load(write_phantoms(tmp_path / "gone", gone))
    [uid] = gone.studies
    with pacsflow.connect(**node) as pacs:
        [study] = pacs.find(StudyInstanceUID=uid, level="instance")
        lost = study.series[0].instances[2].uid
        forget(store, lost)
        came = []
        with pytest.raises(IncompleteError, match="did not come") as told:
            came.extend(pacs.datasets(study.series[0].instances, raw=True))
    assert told.value.missing == 1
    assert lost not in str(told.value)
    assert len(came) == 4
    store.load(write_phantoms(tmp_path / "gone", gone))


def forget(store, uid):
    import urllib.request

    [found] = store.post("/tools/lookup", uid.encode())
    request = urllib.request.Request(f"{store.url}/instances/{found['ID']}", method="DELETE")
    urllib.request.urlopen(request, timeout=60).close()


def test_several_threads_ask_at_once(node, archive):
    with pacsflow.connect(**node) as pacs:
        came = {}

        def ask(uid):
            came[uid] = len(list(pacs.datasets(uid, raw=True)))

        threads = [threading.Thread(target=ask, args=(uid,)) for uid in archive.studies]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert came == dict.fromkeys(archive.studies, 4)


def test_questions_are_answered_while_datasets_come(node, archive):
    with pacsflow.connect(**node) as pacs:
        studies = pacs.find(StudyInstanceUID=list(archive.studies))
        seen = [study.series[0].uid for study, _ in zip(studies, pacs.datasets(studies, raw=True), strict=False)]
    assert len(seen) == 4


def test_all_works_while_an_event_loop_is_running(folder, archive):
    import asyncio

    async def cell():
        with pacsflow.connect(folder) as pacs:
            studies = pacs.find(StudyInstanceUID=list(archive.studies), level="series")
            number = len(list(pacs.datasets(studies)))
        return number, pacsflow.Project.load(folder).run().state

    assert asyncio.run(cell()) == (16, "done")


def test_asking_in_a_loop_that_holds_the_only_association_is_an_error_at_once(node, archive, tmp_path, monkeypatch):
    from pacsflow.library import stream

    monkeypatch.setattr(stream, "WAITING_BYTES", 1)
    uids = list(archive.studies)
    with pacsflow.connect(**{**node, "limits": {"associations": 1}}) as pacs:
        [study] = pacs.find(StudyInstanceUID=uids[0])
        images = pacs.datasets(uids, raw=True)
        next(images)
        for ask in (
            lambda: study.series,
            lambda: next(pacs.datasets(study, raw=True)),
            lambda: pacs.download(study, tmp_path / "out", raw=True),
        ):
            with pytest.raises(BusyError, match=r"unfinished datasets\(\)"):
                ask()
        assert len(list(images)) == 15
        assert len(study.series) == 1
