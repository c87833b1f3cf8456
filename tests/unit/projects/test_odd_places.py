"""Names of files, hosts and secrets that no system has: each is a mistake in words, wherever a project says it."""

import json
import os

import pytest

from pacsflow.errors import PacsflowError
from project_folder import write_project
from yaml_folder import problems_of

NODE = {"host": "pacs.example.org", "port": 104, "called_aet": "PACS"}
ROWS = [{"id": "r", "StudyInstanceUID": "1.2.3"}]
ODD = {
    "a NUL": "a\0b", "half a character": "\ud800", "too long": "x" * 5000, "too many folders": "y/" * 3000 + "z",
    "nobody's home": "~nosuchuser/x", "a device": "/dev/zero", "a pipe": "fifo", "a folder": "dir", "a loop": "loop",
    "links to devices": "zero.txt", "a table without end": "zero.csv", "code without end": "zero.py",
    "JSON without end": "zero.json", "a host without end": "https://[x", "an odd variable": "${env:X=Y}",
    "a file of nobody": "${file:~nosuchuser/x}", "a long file": "${file:" + "x" * 5000 + "}", "nothing": "",
}  # fmt: skip


def target(**fields):
    return {"export": {"targets": [fields]}}


def places(text):
    """Each place where a project names something outside itself."""
    move_to = {"aet": "X", "ours": False, "check": text}
    smtp = {"host": "h", "sender": "a@b.org"}
    return [
        {"project": {"workdir": text}}, {"project": {"ledger": text}}, {"project": {"notify": [{"webhook": text}]}},
        {"project": {"notify": [{"email": "a@b.org", "smtp": smtp | {"ca": text}}]}},
        {"project": {"notify": [{"email": "a@b.org", "smtp": smtp | {"host": text}}]}},
        {"query": {"table": {"file": text}}}, {"query": {"exclusions": text}}, {"deid": {"key": text}},
        {"deid": {"patient": {"source": "table", "file": text}}}, {"deid": {"dates": {"source": "table", "file": text}}},
        {"deid": {"recipe": text}}, {"deid": {"recipe": "recipe.txt", "functions": text}},
        {"pacs": {"tls": {"ca": text}}}, {"pacs": {"host": text}}, {"pacs": {"fallback": [text]}},
        {"pacs": {"protocol": "dicomweb", "url": text}},
        {"pacs": {"protocol": "dicomweb", "url": "https://a.org", "ca": text}},
        {"pacs": {"fetch": {"method": "c-move", "move_to": move_to}}},
        {"pacs": {"hours": {"timezone": text, "allow": [{"days": "mon"}]}}},
        {"export": {"nifti": [{"modality": "MR", "bids": text}]}},
        target(kind="folder", path=text), target(kind="folder", path=text, layout="nnunet"),
        target(kind="folder", path="${project.workdir}/out", layout=text), target(kind="storage", url="sftp://" + text),
        target(kind="storage", url="sftp://h/x", options={"known_hosts": text}),
        target(kind="karnak", host="h", port=1, called_aet="K", album="a", new_ids=text, day_shift=text),
    ]  # fmt: skip


RULED = ("too long", "nobody's home", "a pipe", "code without end")


@pytest.mark.parametrize(("odd", "ruled"), [*((odd, False) for odd in ODD), *((odd, True) for odd in RULED)])
def test_an_odd_name_is_a_mistake_wherever_it_stands(tmp_path, monkeypatch, odd, ruled):
    if ruled:
        told = {"version": 1, "projects": [str(tmp_path / "projects")], "secrets": [{"name": "file:*"}]}
        told |= {"secrets_folder": str(tmp_path), "write": [str(tmp_path / "data")]}
        (tmp_path / "policy.yaml").write_text(json.dumps(told))
        monkeypatch.setenv("PACSFLOW_POLICY", str(tmp_path / "policy.yaml"))
    folder = tmp_path / "projects" / "p"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "fifo")
    (folder / "dir").mkdir()
    (folder / "loop").symlink_to("loop")
    for ending in ("txt", "csv", "json", "py"):
        (folder / f"zero.{ending}").symlink_to("/dev/zero")
    (folder / "recipe.txt").write_text("FORMAT dicom\n%header\nREPLACE StudyDescription func:f\n")
    for fields in places(ODD[odd]):
        project = {"workdir": str(tmp_path / "data")} | fields.pop("project", {})
        write_project(folder, pacs=NODE | fields.pop("pacs", {}), rows=ROWS, project=project, **fields)
        try:
            problems_of(folder)
        except PacsflowError as error:
            assert str(error)  # noqa: PT017 - each kind of ours will do, no other one


@pytest.mark.parametrize(
    "text", ['{"a": ' + "9" * 5000 + "}", "[" * 100_000, '{"a": "\\ud800"}', "(" * 5000, "-" * 90_000]
)
def test_tables_of_patients_of_an_odd_kind_are_mistakes(tmp_path, text):
    folder = write_project(
        tmp_path / "p", pacs=NODE, rows=ROWS, deid={"patient": {"source": "table", "file": "t.json"}}
    )
    (folder / "t.json").write_text(text)
    assert problems_of(folder)


@pytest.mark.parametrize("text", ["-" * 90_000 + "1", "(" * 500, "\0", "x = '" + "\\" * 5])
def test_code_of_an_odd_kind_is_a_mistake(tmp_path, text):
    folder = write_project(tmp_path / "p", pacs=NODE, rows=ROWS, deid={"recipe": "r.txt", "functions": "f.py"})
    (folder / "r.txt").write_text("FORMAT dicom\n%header\nREPLACE StudyDescription func:f\n")
    (folder / "f.py").write_text(text)
    assert problems_of(folder) is not None
