"""Commands that write where a person says never cost him a file or a folder of his own."""

import pytest

from commands import pacsflow
from factory import make_study, write_files
from pacsflow.cli.vault import _check_ours
from pacsflow.errors import ProjectError


def test_deid_in_place_leaves_folders_that_were_empty_before(tmp_path):
    (tmp_path / "tree" / "mine" / "empty").mkdir(parents=True)
    write_files(make_study(series=1, images=2), tmp_path / "tree" / "theirs")
    pacsflow("deid", tmp_path / "tree", "--in-place")
    assert (tmp_path / "tree" / "mine" / "empty").is_dir()
    assert not (tmp_path / "tree" / "theirs").exists(), "what is left empty by the cleaning goes"


@pytest.mark.parametrize("says", [b"", b"\xff\xfe\0", b"patient_id\n", b"my letter"])
def test_a_link_table_is_not_written_over_another_file(tmp_path, says):
    (tmp_path / "out.csv").write_bytes(says)
    with pytest.raises(ProjectError, match="is not a link table"):
        _check_ours(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == says
