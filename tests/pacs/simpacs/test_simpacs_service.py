"""The simulated PACS honest: asked by DCMTK's own programs, as any PACS is."""

import subprocess
from contextlib import contextmanager

import pytest
from pydicom import dcmread

from pacsflow.simpacs import SimPacs, demo_archive, phantom_archive, write_phantoms
from peers.ports import free_port, wait_until
from peers.process import program

DOSE_AND_CHEST, TWO_SERIES = "00710001", "00710003"
QUICK = {"TCP_NODELAY": "1"}


@pytest.fixture
def pacs():
    with SimPacs(demo_archive()) as running:
        yield running


def ask(tool, pacs, *arguments, node=True):
    called = ["-aet", "DCMTK", "-aec", pacs.aet, "127.0.0.1", str(pacs.port)] if node else []
    command = [program(f"/usr/bin/{tool}"), *called, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=200, check=False, env=QUICK)


def study_of(pacs, accession):
    return next(uid for uid, each in pacs.archive.studies.items() if each.attributes["AccessionNumber"] == accession)


def keys(level, **values):
    pairs = {"QueryRetrieveLevel": level, **values}
    return [word for key, value in pairs.items() for word in ("-k", f"{key}={value}" if value else key)]


def expected(pacs, study):
    return sorted(one.uid for series in pacs.archive.series(study) for one in series.instances)


def held(folder):
    return sorted(str(dcmread(path).SOPInstanceUID) for path in folder.iterdir())


@contextmanager
def storescp(folder):
    port = free_port()
    command = [program("/usr/bin/storescp"), "-aet", "DCMTK", "-od", str(folder), str(port)]
    with subprocess.Popen(command, env=QUICK) as process:
        try:
            wait_until(
                lambda: ask("echoscu", None, "127.0.0.1", str(port), node=False).returncode == 0, what="storescp"
            )
            yield port
        finally:
            process.terminate()


def test_an_echo_is_answered(pacs):
    assert ask("echoscu", pacs).returncode == 0
    assert pacs.counts["echoes"] == pacs.counts["associations"] == 1


@pytest.mark.parametrize("root", ["-S", "-P"])
def test_a_study_is_found_by_its_accession_number(pacs, root):
    said = ask("findscu", pacs, root, *keys("STUDY", AccessionNumber=TWO_SERIES, PatientName="", ModalitiesInStudy=""))
    assert said.returncode == 0
    assert said.stderr.count("(Pending)") == 1 or said.stdout.count("(Pending)") == 1
    assert "Παπαδοπούλου^Ελένη" in said.stdout + said.stderr
    assert pacs.counts["finds STUDY"] == 1


def test_an_unknown_level_is_refused(pacs):
    said = ask("findscu", pacs, "-v", "-S", *keys("FRAME", StudyInstanceUID="1.2"))
    assert "DataSetDoesNotMatchSOPClass" in said.stdout + said.stderr


def test_c_get_brings_a_whole_study(pacs, tmp_path):
    study = study_of(pacs, DOSE_AND_CHEST)
    said = ask("getscu", pacs, "-S", "-od", str(tmp_path), *keys("STUDY", StudyInstanceUID=study))
    assert said.returncode == 0
    assert held(tmp_path) == expected(pacs, study)
    assert pacs.counts["gets"] == 1
    assert pacs.counts["images sent"] == 25


def test_c_get_brings_the_images_named_and_no_more(pacs, tmp_path):
    study = study_of(pacs, TWO_SERIES)
    series = pacs.archive.series(study)[1]
    wanted = [one.uid for one in series.instances[:2]]
    names = {"StudyInstanceUID": study, "SeriesInstanceUID": series.attributes["SeriesInstanceUID"]}
    ask("getscu", pacs, "-S", "-od", str(tmp_path), *keys("IMAGE", **names, SOPInstanceUID="\\".join(wanted)))
    assert held(tmp_path) == sorted(wanted)


def test_c_move_sends_a_study_to_a_destination_it_knows(pacs, tmp_path):
    study = study_of(pacs, TWO_SERIES)
    with storescp(tmp_path) as port:
        pacs.destinations["DCMTK"] = ("127.0.0.1", port)
        said = ask("movescu", pacs, "-S", "-aem", "DCMTK", *keys("STUDY", StudyInstanceUID=study))
    assert said.returncode == 0
    assert held(tmp_path) == expected(pacs, study)
    assert pacs.counts["moves"] == 1


def test_c_move_to_an_unknown_destination_is_refused(pacs):
    study = study_of(pacs, TWO_SERIES)
    said = ask("movescu", pacs, "-S", "-v", "-aem", "NOBODY", *keys("STUDY", StudyInstanceUID=study))
    assert "MoveDestinationUnknown" in said.stdout + said.stderr


def test_a_retrieval_that_names_nothing_is_refused(pacs, tmp_path):
    ask("getscu", pacs, "-S", "-od", str(tmp_path), *keys("STUDY", StudyInstanceUID=""))
    assert pacs.counts["gets"] == 1
    assert held(tmp_path) == []


def test_what_is_stored_is_found_and_sent_back(pacs, tmp_path):
    other = phantom_archive(1, seed=99, matrix=16, images=3)
    [study] = other.studies
    files = write_phantoms(tmp_path / "in", other)
    said = ask("storescu", pacs, *map(str, files))
    assert said.returncode == 0
    assert pacs.counts["stores"] == 3
    assert pacs.archive.studies[study].attributes["NumberOfStudyRelatedInstances"] == "3"
    (tmp_path / "out").mkdir()
    ask("getscu", pacs, "-S", "-od", str(tmp_path / "out"), *keys("STUDY", StudyInstanceUID=study))
    assert held(tmp_path / "out") == held(tmp_path / "in")


def test_a_folder_of_real_files_is_served_as_it_is(shared_data, tmp_path):
    folder = shared_data / "dcmqi" / "segmentations" / "ct-3slice"
    with SimPacs(folder) as pacs:
        [study] = pacs.archive.studies
        ask("getscu", pacs, "-S", "-B", "+B", "-od", str(tmp_path), *keys("STUDY", StudyInstanceUID=study))
        assert held(tmp_path) == expected(pacs, study)
    sources = {str(one.SOPInstanceUID): one for one in map(dcmread, folder.glob("*.dcm"))}
    assert all(
        dcmread(path).PixelData == sources[str(dcmread(path).SOPInstanceUID)].PixelData for path in tmp_path.iterdir()
    )


def test_a_stopped_pacs_leaves_its_port(pacs):
    pacs.stop()
    assert ask("echoscu", pacs).returncode != 0
    pacs.start()
    assert ask("echoscu", pacs).returncode == 0
