"""Downloads and runs of projects from Python, by DIMSE and DICOMweb: the files of a run, nothing fetched twice."""

import json
import threading
import warnings

import pytest

import pacsflow
from pacsflow.errors import ArgumentError, BusyError, IncompleteError, PacsflowWarning
from pacsflow.library.download import MARK, PLACE


def counted(out):
    record = json.loads(out.joinpath(*PLACE, "report", "run.json").read_text())
    return record["traffic"]["retrievals"]


def test_files_are_those_of_a_run_and_are_not_fetched_twice(folder, archive, tmp_path, files):
    project = pacsflow.Project.load(folder)
    assert project.validate() == []
    assert project.plan().totals["studies"] == 4
    assert project.run().rows == {"complete": 4}
    out = tmp_path / "down"
    with pacsflow.connect(folder) as pacs:
        studies = pacs.find(StudyInstanceUID=list(archive.studies), level="series")
        first = pacs.download(studies, out)
        before = counted(out)
        again = pacs.download(studies, out)
    assert first.complete
    assert again.complete
    assert files(out) == files(tmp_path / "data" / "out")
    assert {str(path.relative_to(out)) for path in first.files} == files(out).keys()
    assert counted(out) == before > 0, "the second asked for no image"
    assert [(s.status, s.expected, s.received) for s in again.studies] == [("complete", 4, 4)] * 4
    assert not (tmp_path / "data" / "out" / ".pacsflow" / "download").exists()


def test_raw_files_are_laid_out_as_wished(node, archive, tmp_path):
    uid, study = next(iter(archive.studies.items()))
    with pacsflow.connect(**node) as pacs:
        result = pacs.download(uid, tmp_path / "out", raw=True, layout="{patient}/{series}", workers=2)
    assert {path.parts[-3] for path in result.files} == {study.attributes["PatientID"]}
    assert all(path.is_file() for path in result.files)
    assert (tmp_path / "out").joinpath(*PLACE).stat().st_mode & 0o077 == 0


def test_a_second_download_takes_nothing_of_the_first_away(node, archive, tmp_path, files):
    first, second, *_ = archive.studies
    with pacsflow.connect(**node) as pacs:
        one = pacs.find(StudyInstanceUID=first, level="series")[0]
        pacs.download(one.series[0], tmp_path / "out", raw=True)
        held = files(tmp_path / "out")
        two = pacs.download(second, tmp_path / "out", raw=True)
    assert len(two.studies) == 1
    assert held.items() < files(tmp_path / "out").items()
    assert len(files(tmp_path / "out")) == 8


def test_a_folder_of_another_kind_and_one_that_is_not_ours_are_refused(folder, archive, tmp_path):
    uid = next(iter(archive.studies))
    with pacsflow.connect(folder) as pacs:
        pacs.download(uid, tmp_path / "out")
        with pytest.raises(ArgumentError, match="of another kind"):
            pacs.download(uid, tmp_path / "out", raw=True)
        foreign = (tmp_path / "foreign").joinpath(*PLACE)
        foreign.mkdir(parents=True)
        (foreign / "thesis.txt").write_text("mine")
        with pytest.raises(ArgumentError, match="not of pacsflow"):
            pacs.download(uid, tmp_path / "foreign")
        assert (foreign / "thesis.txt").read_text() == "mine"
        assert not (foreign / MARK).exists()
        (tmp_path / "repository" / ".git").mkdir(parents=True)
        with pytest.raises(ArgumentError, match="inside the git checkout"):
            pacs.download(uid, tmp_path / "repository" / "out")
        with pytest.raises(ArgumentError, match=r"unknown field \{name\}"):
            pacs.download(uid, tmp_path / "other", layout="{name}/{series}")


def test_single_instances_come_by_answers_and_by_uids_and_more_later(folder, archive, tmp_path, files):
    first, second, *_ = archive.studies
    assert pacsflow.Project.load(folder).run().done
    with pacsflow.connect(folder) as pacs:
        found = pacs.find(StudyInstanceUID=[first, second], level="instance")
        images = {study.uid: list(study.series[0].instances) for study in found}
        by_uid = (second, found[1].series[0].uid, images[second][0].uid) if found[1].uid == second else None
        by_uid = by_uid or (second, found[0].series[0].uid, images[second][0].uid)
        one = pacs.download([*images[first][:2], by_uid], tmp_path / "down")
        assert one.complete
        assert [(s.uid, s.expected, s.received) for s in one.studies] == [(first, 2, 2), (second, 1, 1)]
        assert len(one.files) == 3
        before = counted(tmp_path / "down")
        assert pacs.download(images[first][0], tmp_path / "down").complete
        assert counted(tmp_path / "down") == before, "what is there is not asked for again"
        more = pacs.download(images[first][2], tmp_path / "down")
        assert [(s.expected, s.received) for s in more.studies] == [(3, 3)]
        assert pacs.download(images[first][0].series, tmp_path / "down").studies[0].received == 4
    delivered = files(tmp_path / "data" / "out")
    assert files(tmp_path / "down").items() < delivered.items(), "the same bytes as a run delivers"
    assert len(files(tmp_path / "down")) == 5


def test_an_instance_that_is_not_there_is_missing_and_the_others_are_held(node, archive, tmp_path):
    uid = next(iter(archive.studies))
    with pacsflow.connect(**node) as pacs:
        image = pacs.find(StudyInstanceUID=uid, level="instance")[0].series[0].instances[0]
        with pytest.warns(PacsflowWarning, match="NOT complete"):
            result = pacs.download([image, (uid, image.series.uid, "1.2.3")], tmp_path / "out", raw=True)
    [told] = result.studies
    assert told.status in ("incomplete", "failed"), "as the node calls it"
    assert (told.expected, told.received, told.files) == (2, 1, ())
    assert told.reason
    with pytest.raises(IncompleteError, match="1 of 1 study is not complete") as error:
        result.raise_if_incomplete()
    assert error.value.missing == 1


def test_patients_whom_the_project_excludes_are_not_fetched_by_uid(folder, archive, tmp_path):
    whose = {uid: study.attributes["PatientID"] for uid, study in archive.studies.items()}
    uid = next(iter(whose))
    other = next(one for one, patient in whose.items() if patient != whose[uid])
    (folder / "excluded.csv").write_text(f"PatientID\n{whose[uid]}\n")
    query = json.loads((folder / "query.yaml").read_text()) | {"exclusions": "excluded.csv"}
    (folder / "query.yaml").write_text(json.dumps(query))
    with pacsflow.connect(folder) as pacs:
        result = pacs.download([uid, other], tmp_path / "out")
        assert [(s.uid, s.status, len(s.files)) for s in result.studies] == [
            (uid, "excluded", 0),
            (other, "complete", 4),
        ]
        assert "exclusions" in result.studies[0].reason
        assert counted(tmp_path / "out") == 1


def test_what_is_not_there_is_told_in_result_and_warning(node, archive, tmp_path):
    uid = next(iter(archive.studies))
    with pacsflow.connect(**node) as pacs, pytest.warns(PacsflowWarning, match="NOT complete"):
        result = pacs.download([uid, "1.2.3.4"], tmp_path / "out", raw=True)
    assert [study.status for study in result.studies] == ["complete", "unmatched"]
    with pytest.raises(IncompleteError, match="1 of 2 studies are not complete: 1 unmatched: no study fits"):
        result.raise_if_incomplete()


def test_a_download_that_was_broken_off_goes_on(folder, archive, tmp_path, monkeypatch, files):
    from pacsflow.run import local

    done, real = [], local.fetch_study

    def fetch(ref):
        if done:
            raise KeyboardInterrupt
        done.append(ref)
        return real(ref)

    fetch.__name__ = "fetch_study"
    out = tmp_path / "down"
    with pacsflow.connect(folder) as pacs:
        monkeypatch.setattr(local, "fetch_study", fetch)
        with pytest.raises(KeyboardInterrupt):
            pacs.download(list(archive.studies), out, workers=1)
        assert not [one for one in threading.enumerate() if one.name.startswith("pacsflow run")]
        monkeypatch.setattr(local, "fetch_study", real)
        result = pacs.download(list(archive.studies), out)
    assert result.complete
    assert len(files(out)) == 16
    assert counted(out) == 4, "each study was asked for once"


def test_a_run_beside_an_open_connection_and_on_from_another_process(folder, archive):
    import subprocess
    import sys

    with pacsflow.connect(folder) as pacs:
        stream = pacs.datasets(list(archive.studies))
        next(stream)
        assert pacsflow.Project.load(folder).run().done
        assert len(list(stream)) == 15
    told = f"import pacsflow; print(pacsflow.Project.load({str(folder)!r}).run().state)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "done\n", "nothing but what was printed: no progress in a pipe"
    assert done.stderr == ""


def test_progress_is_shown_where_it_is_asked_for(node, archive, tmp_path, capsys):
    from pacsflow.library import showing

    showing._console.cache_clear()
    with pacsflow.connect(**node) as pacs:
        pacs.download(list(archive.studies), tmp_path / "out", raw=True, progress=True)
        list(pacs.datasets(next(iter(archive.studies)), raw=True, progress=True))
    showing._console.cache_clear()
    assert "images" in "".join(capsys.readouterr())


def test_no_thread_and_no_warning_is_left(node, archive, tmp_path):
    before = set(threading.enumerate())
    with warnings.catch_warnings(), pacsflow.connect(**node) as pacs:
        warnings.simplefilter("error")
        pacs.download(list(archive.studies), tmp_path / "out", raw=True)
    assert set(threading.enumerate()) <= before


def test_a_second_download_at_the_same_time_is_refused_and_changes_nothing(node, archive, tmp_path, monkeypatch):
    from pacsflow.run import local

    out, refused, real = tmp_path / "out", [], local.fetch_study
    first, second, *_ = archive.studies

    def fetch(ref):
        before = out.joinpath(*PLACE, "private", "asked.json").read_text()
        with pacsflow.connect(**node) as other, pytest.raises(BusyError, match="another download into the folder"):
            other.download(second, out, raw=True)
        refused.append(out.joinpath(*PLACE, "private", "asked.json").read_text() == before)
        return real(ref)

    fetch.__name__ = "fetch_study"
    monkeypatch.setattr(local, "fetch_study", fetch)
    with pacsflow.connect(**node) as pacs:
        assert pacs.download(first, out, raw=True).complete
        assert refused == [True]
        monkeypatch.setattr(local, "fetch_study", real)
        assert pacs.download(second, out, raw=True).complete
