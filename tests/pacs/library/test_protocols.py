"""The same calls by every protocol: MINT finds, WADO-URI and RAD69 bring, with the completeness check of a run."""

import pytest

import pacsflow
from ways import c_move, rad69_found_by_mint, wado_uri_found_by_dicomweb, wado_uri_found_by_mint

WAYS = (c_move, wado_uri_found_by_dicomweb, wado_uri_found_by_mint, rad69_found_by_mint)


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def node(request, store, archive):
    """The fields of pacs.yaml that lead there."""
    with request.param(store, archive) as fields:
        yield {"host": "127.0.0.1", "retries": {"attempts": 2, "wait": {"first": 0, "max": 0}}, **fields}


def test_answers_datasets_and_a_download_are_those_of_the_archive(node, archive, tmp_path, files):
    held = {i.uid for study in archive.studies.values() for s in study.make_series() for i in s.instances}
    first = next(iter(archive.studies.values()))
    with pacsflow.connect(**node) as pacs:
        studies = pacs.find(PatientID=first.attributes["PatientID"], level="series")
        assert first.uid in {study.uid for study in studies}
        came = [str(one.SOPInstanceUID) for one in pacs.datasets(list(archive.studies), raw=True)]
        assert (len(came), set(came)) == (len(held), held)
        result = pacs.download(list(archive.studies), tmp_path / "raw", raw=True)
        assert result.complete
    assert {
        name.rsplit("/", 1)[-1].removesuffix(".dcm") for name in files(tmp_path / "raw") if name.endswith(".dcm")
    } == held


def test_a_project_delivers_the_same_bytes_by_a_run_and_by_a_download(folder, archive, tmp_path, files):
    assert pacsflow.Project.load(folder).run().done
    with pacsflow.connect(folder) as pacs:
        assert pacs.download(list(archive.studies), tmp_path / "downloaded").complete
    delivered, found = files(folder.parent / "data" / "out"), files(tmp_path / "downloaded")
    assert len(delivered) == len(found)
    assert sorted(delivered.values()) == sorted(found.values())
