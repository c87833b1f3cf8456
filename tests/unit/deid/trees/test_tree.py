"""A folder tree through a profile: names that tell nothing, nothing overwritten, whole after a kill at any moment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.trees import tree as engine
from pacsflow.deid.trees.tree import Tree, clean_tree, files_below
from pacsflow.errors import LedgerError
from pacsflow.vault import Vault
from schemas.deid import DeidProfile
from unit.deid.instances import KEY, NAME, PATIENT_ID, ct, encoded

PROFILE = DeidProfile.model_validate({"key": "${env:KEY}", "patient": {"prefix": "LUNG-"}})


def write(folder, name, ds):
    source = encoded(ds)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    head = file_head(str(ds.SOPClassUID), str(ds.SOPInstanceUID), source.transfer_syntax_uid)
    path.write_bytes(head + bytes(source.dataset))
    return path


@pytest.fixture
def originals(tmp_path):
    folder = tmp_path / "in"
    for number in range(3):
        write(folder, f"{NAME}/scan {number}.dcm", ct(SOPInstanceUID=f"1.3.6.1.4.1.9999.1.2.{number}"))
    (folder / "notes.txt").write_text("about Quistgaard")
    return folder


def run(source, target, *, workers=1, **more):
    done = Tree(source, target, more.pop("profile", PROFILE), more.pop("key", KEY), **more)
    return list(clean_tree(done, files_below(source), workers=workers))


def fates(outcomes):
    return [outcome.fate for outcome in outcomes]


def results(folder):
    return sorted(path for path in folder.rglob("*.dcm"))


def test_results_are_named_by_the_new_identity_alone_and_other_files_are_left(originals, tmp_path):
    outcomes = run(originals, tmp_path / "out")
    assert fates(outcomes) == ["cleaned"] * 3 + ["left"]
    assert outcomes[3].reason == "not DICOM"
    for path in results(tmp_path / "out"):
        new = dcmread(path)
        named = path.relative_to(tmp_path / "out").parts
        assert named == (new.PatientID, new.StudyInstanceUID, new.SeriesInstanceUID, f"{new.SOPInstanceUID}.dcm")
        assert new.PatientIdentityRemoved == "YES"
    assert len(results(tmp_path / "out")) == 3
    assert len(files_below(originals)) == 4
    assert not [path for path in (tmp_path / "out").rglob("*") if "Quistgaard" in path.name or "scan" in path.name]
    assert not list((tmp_path / "out").rglob("*.part"))


def test_a_pseudonym_never_leads_out_of_the_folder(originals, tmp_path):
    profile = DeidProfile.model_validate({"key": "${env:KEY}", "patient": {"prefix": ".."}})
    run(originals, tmp_path / "out", profile=profile)
    assert {path.parts[0] for path in map(Path, files_below(tmp_path / "out"))} == {
        results(tmp_path / "out")[0].relative_to(tmp_path / "out").parts[0]
    }
    assert files_below(tmp_path / "out")[0].startswith("_")


def test_uids_that_a_profile_keeps_are_no_paths(originals, tmp_path):
    evil = write(originals, "evil.dcm", ct(StudyInstanceUID="1.2.3.4.5.6.77"))
    evil.write_bytes(evil.read_bytes().replace(b"1.2.3.4.5.6.77", b"nostudy/../../"))
    profile = DeidProfile.model_validate({"key": "${env:KEY}", "options": ["retain-uids"]})
    found = {o.name: o for o in run(originals, tmp_path / "out", profile=profile)}
    assert found["evil.dcm"].fate == "refused"
    assert "is not a UID" in found["evil.dcm"].reason


def test_processes_give_the_same_as_one(originals, tmp_path):
    for number in range(3, 80):
        write(originals, f"{number}.dcm", ct(SOPInstanceUID=f"1.3.6.1.4.1.9999.1.2.{number}"))
    one = run(originals, tmp_path / "one")
    two = run(originals, tmp_path / "two", workers=2)
    assert one == two
    assert [p.read_bytes() for p in results(tmp_path / "one")] == [p.read_bytes() for p in results(tmp_path / "two")]
    assert len(results(tmp_path / "two")) == 80


def test_the_same_instance_twice_is_one_file_and_another_of_the_same_uid_is_refused(originals, tmp_path):
    again = originals / "again.dcm"
    again.write_bytes((originals / NAME / "scan 0.dcm").read_bytes())
    write(originals, "other.dcm", ct(SOPInstanceUID="1.3.6.1.4.1.9999.1.2.1", InstanceNumber=9))
    found = {o.name: o for o in run(originals, tmp_path / "out")}
    assert sorted(fates(found.values())) == ["cleaned", "cleaned", "cleaned", "doubled", "left", "refused"]
    assert [o.reason for o in found.values() if o.fate == "refused"] == ["another instance with the same UID is there"]


def test_nothing_by_which_a_key_could_be_tried_is_in_the_folder_that_is_handed_on(originals, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    run(originals, tmp_path / "out")
    [check] = (path for path in (tmp_path / "own").rglob("*") if path.is_file())
    assert check.stat().st_mode & 0o077 == 0
    told = check.read_bytes()
    assert len(told) == 16
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and told in path.read_bytes()]
    (tmp_path / "out").rename(tmp_path / "moved")
    with pytest.raises(LedgerError, match="another profile or key"):
        run(originals, tmp_path / "moved", key=bytes(32))
    note = tmp_path / "moved" / ".pacsflow" / "deid.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "key_check": told.decode()}))
    run(originals, tmp_path / "moved")
    assert told.decode() not in note.read_text(), "what an earlier version left is taken out"


def test_a_second_run_writes_nothing_and_another_key_or_profile_is_refused(originals, tmp_path):
    run(originals, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in results(tmp_path / "out")}
    assert fates(run(originals, tmp_path / "out")) == ["doubled"] * 3 + ["left"]
    assert before == {path: path.stat().st_mtime_ns for path in results(tmp_path / "out")}
    with pytest.raises(LedgerError, match="another profile or key"):
        run(originals, tmp_path / "out", key=bytes(32))
    with pytest.raises(LedgerError, match="another profile or key"):
        run(originals, tmp_path / "out", profile=PROFILE.model_copy(update={"verify": "off"}))


def test_in_place_the_originals_and_the_names_of_their_folders_go(originals):
    assert fates(run(originals, originals)) == ["cleaned"] * 3 + ["left"]
    left = files_below(originals)
    assert len(left) == 4
    assert "notes.txt" in left
    assert not (originals / NAME).exists()
    assert all(dcmread(path).PatientIdentityRemoved == "YES" for path in results(originals))
    content = {path: path.read_bytes() for path in results(originals)}
    assert sorted(fates(run(originals, originals))) == ["done before"] * 3 + ["left"]
    assert content == {path: path.read_bytes() for path in results(originals)}


def test_what_is_refused_in_place_stays_as_it_was(originals):
    broken = originals / NAME / "broken.dcm"
    whole = (originals / NAME / "scan 0.dcm").read_bytes()
    broken.write_bytes(whole[:-3])
    found = {o.name: o for o in run(originals, originals)}
    assert found[f"{NAME}/broken.dcm"].fate == "refused"
    assert broken.read_bytes() == whole[:-3]


class Killed(BaseException):
    """In place of SIGKILL: nothing of the run comes after it."""


@pytest.mark.parametrize("call", ["link", "fsync", "close", "unlink"])
@pytest.mark.parametrize("number", range(1, 4))
def test_a_run_in_place_killed_anywhere_goes_on_and_loses_nothing(originals, monkeypatch, call, number):
    calls = 0

    def killing(real):
        def instead(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls >= number:
                raise Killed
            return real(*args, **kwargs)

        return instead

    with monkeypatch.context() as patched:
        place = (Path, "unlink") if call == "unlink" else (os, call)
        patched.setattr(*place, killing(getattr(*place)))
        with pytest.raises(Killed):
            run(originals, originals)
    run(originals, originals)
    new = [dcmread(path) for path in results(originals)]
    assert len({ds.SOPInstanceUID for ds in new}) == len(new) == 3
    assert not any("Quistgaard" in str(ds) for ds in new)
    assert not list(originals.rglob("*.part"))


def test_no_two_runs_write_to_a_folder_at_once(originals, tmp_path):
    (tmp_path / "out").mkdir()
    with engine.claimed(tmp_path / "out", KEY, "x"), pytest.raises(LedgerError, match="another run"):
        run(originals, tmp_path / "out")


def test_patients_are_in_the_vault_before_their_files_appear(originals, tmp_path, monkeypatch):
    vault = tmp_path / "private" / "vault"

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", killed)
        with pytest.raises(Killed):
            run(originals, originals, vault=vault)
    assert [link.patient_id for link in Vault(vault, KEY).links()] == [PATIENT_ID]
    assert not results(originals) or all("Quistgaard" in str(path) for path in results(originals))


def test_links_and_media_directories_are_left(originals, tmp_path):
    (originals / "link.dcm").symlink_to(originals / NAME / "scan 0.dcm")
    (originals / "DICOMDIR").write_bytes(file_head(engine.MEDIA_DIRECTORY, "1.2.3", "1.2.840.10008.1.2.1") + bytes(100))
    found = {o.name: (o.fate, o.reason) for o in run(originals, tmp_path / "out")}
    assert found["link.dcm"] == ("left", "link, or no regular file")
    assert found["DICOMDIR"] == ("left", "DICOMDIR")


def test_what_a_full_disk_leaves_is_whole(originals, tmp_path, monkeypatch):
    real, written = engine.write_all, []

    def full(descriptor, parts):
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(1)
        return real(descriptor, parts)

    with monkeypatch.context() as patched:
        patched.setattr(engine, "write_all", full)
        with pytest.raises(LedgerError, match="No space left"):
            run(originals, originals)
    assert not list(originals.rglob("*.part"))
    assert fates(run(originals, originals))[:3].count("refused") == 0
    assert len(results(originals)) == 3


def test_ctrl_c_ends_a_run_quietly_with_begun_files_whole(originals, tmp_path):
    for number in range(3, 1000):
        write(originals, f"{number}.dcm", ct(SOPInstanceUID=f"1.3.6.1.4.1.9999.1.2.{number}"))
    code = (
        "import os, signal, sys; from pathlib import Path; from pacsflow.deid.trees.tree import *\n"
        "from schemas.deid import DeidProfile\n"
        "if __name__ == '__main__':\n"
        "    profile = DeidProfile.model_validate({'key': '${env:KEY}'})\n"
        "    source, target = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "    for _ in clean_tree(Tree(source, target, profile, bytes(32)), files_below(source), workers=2):\n"
        "        os.killpg(0, signal.SIGINT)\n"
    )
    (tmp_path / "run.py").write_text(code)
    words = [sys.executable, str(tmp_path / "run.py"), str(originals), str(tmp_path / "out")]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, process_group=0, text=True)
    _, told = process.communicate(timeout=200)
    assert process.returncode != 0
    assert told.count("Traceback") == 1, told
    found = results(tmp_path / "out")
    assert 0 < len(found) < 1000
    assert all(dcmread(path).PatientIdentityRemoved == "YES" for path in found)
    assert not list((tmp_path / "out").rglob("*.part"))
