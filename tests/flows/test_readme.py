"""Every command of README.md and docs/*.md works, in order, for somebody who has nothing yet."""

import json
import re
import shlex
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from typer.main import get_command

from csv_lines import lines
from documents import DOCUMENTS, ROOT, blocks
from factory import make_instance, write_files
from installation import installed_wheel
from pacsflow.cli.app import app
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.simpacs import SimPacs, demo_archive
from peers.ports import free_port
from unit.deid.instances import PATIENT_ID, ct, encoded
from unit.projects.old_systems import CHANNELS, PACSMAN, PACSNPULL, PEERS, TROLLEY

NOT_RUN = {
    "make demo": "needs the network for its first set-up, and fixed ports; continuous integration runs it",
    "make test": "is what runs this",
    "uv tool install ./pacsflow-*.whl": "needs the network; tests of the installed wheel build and install it",
    "pipx install ./pacsflow-*.whl": "the same",
    "pip install ./pacsflow-*.whl": "the same",
    "pacsflow --install-completion": "changes the shell's configuration; a test of its own has a home for it",
}
"""Commands of the documents that are not run here, and why. Nothing else is left out."""

ROWS = """
  - {id: A-001, AccessionNumber: "00710003"}
  - {id: A-002, AccessionNumber: "00710006"}
  - {id: A-003, PatientID: "0004752", AccessionNumber: "00710006"}
"""
"""In place of the example's row: one study of two series, and two rows that are held."""
HELD_STUDY = "3f9c0a7b12de4455"
"""What the README calls a study; only the plan knows the real name."""


SIMPACS_PORT = "11140"
"""Where the tutorial has `pacsflow simpacs` listen."""
HINTED = ("pacsflow plan", "pacsflow run")
"""Commands that say how to go on where rows are held."""


def commands(document: Path) -> list[str]:
    every = "".join(block.text for block in blocks(document, "sh")).splitlines()
    return [line.strip() for line in every if line.strip() and not line.startswith("#")]


@pytest.fixture(scope="module")
def pacs():
    with SimPacs(demo_archive(), port=free_port()) as simulator:
        yield simulator


@pytest.fixture
def here(new_user, tmp_path, monkeypatch):
    """The empty folder of somebody who has nothing yet; where the work of his project will be."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return new_user / ".local" / "share" / "pacsflow" / "lung-ct"


def edit(folder: Path, pacs: SimPacs) -> None:
    """What a person does after `init`: his own node, and his rows."""
    node = (folder / "pacs.yaml").read_text("utf-8")
    for old, new in (
        ("host: pacs.example.org", "host: 127.0.0.1"),
        ("port: 104", f"port: {pacs.port}"),
        ("called_aet: MAINPACS", f"called_aet: {pacs.aet}"),
    ):
        assert node.count(old) == 1
        node = node.replace(old, new)
    (folder / "pacs.yaml").write_text(node, "utf-8")
    query = (folder / "query.yaml").read_text("utf-8")
    changed = re.sub(r"\n  - \{id: A-001, .*\}\n", lambda _: ROWS, query)
    assert changed != query
    (folder / "query.yaml").write_text(changed, "utf-8")


def held_study(workdir: Path, row: str) -> str:
    """The first study of a held row, as the plan names it."""
    return next(line["study"] for line in lines(workdir / "report" / "plan-held.csv") if line["id"] == row)


def decide(workbook: Path) -> None:
    """Write `drop` behind every study of the plan's held rows, as a person does."""
    book = load_workbook(workbook)
    sheet = book["held"]
    column = [cell.value for cell in sheet[1]].index("decision") + 1
    for line in range(2, sheet.max_row + 1):
        sheet.cell(line, column).value = "drop" if sheet.cell(line, 2).value == "A-003" else None
    book.save(workbook)


def run(call, line: str, workdir: Path, port: int) -> str:
    words = [str(Path(word).expanduser()) for word in shlex.split(line, comments=True)]
    words = [held_study(workdir, "A-002") if word == HELD_STUDY else word for word in words]
    words = [str(port) if word == SIMPACS_PORT else word for word in words]
    expected = re.search(r"# exit code (\d+)", line)
    return call(*words[1:], expect=int(expected[1]) if expected else 0)


@pytest.fixture
def scans(here):
    """Folders with DICOM files, as from a CD, where the documents expect one."""
    for number in range(2):
        source = encoded(ct(SOPInstanceUID=f"1.3.6.1.4.1.9999.1.2.{number}"))
        head = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
        for folder in ("scans", "scans-copy"):
            Path(folder).mkdir(exist_ok=True)
            Path(folder, f"IM{number}").write_bytes(head + bytes(source.dataset))


@pytest.fixture
def old_systems(here):
    """What other systems were told, where the documents expect it."""
    cases = Workbook()
    for row in (["ID", "MRN", "Date", "Report"], [1, 4752, "05/12/2015", "none"]):
        cases.active.append(row)
    cases.save("cases.xlsx")
    texts = {
        "pacsman/query.csv": "StudyDate,PatientID\n20150512,123421\n",
        "rows.csv": "StudyDate,PatientID\n20150512,123421\n",
        "targets.yaml": "targets: [{kind: archive, path: parcels, password: '${env:HOME}'}]\n",
    }
    values = {
        "pacsman/config.json": PACSMAN,
        "pacsman/new_ids.json": {"sub-123421": "P0001"},
        "DICOMTrolleyToolSettings.yml": TROLLEY,
        "channels.json": CHANNELS,
        "pacsnpull/conf.json": PACSNPULL,
        "pacsnpull/move.json": [{"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "1.2.3"}],
        "pacsman/data/mapper.json": {"P0001": "123421"},
        "downloader/configs/peers.json": PEERS,
        "downloader/configs/user_defaults.json": {"default_src": "EXAMPLE PACS"},
    }
    for name, text in {**texts, **{name: json.dumps(value) for name, value in values.items()}}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, "utf-8")


@pytest.fixture
def head(here):
    """A volume of MR, and rules for BIDS names that know it: those of the page."""
    looks = {"Modality": "MR", "SeriesDescription": "t1_mprage", "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM"]}
    slices = [make_instance(InstanceNumber=n, ImagePositionPatient=[0, 0, n], **looks) for n in range(6)]
    write_files(slices, Path("head"))
    page = blocks(ROOT / "docs" / "bids.md", "yaml")
    Path("bids.yaml").write_text(next(block.text for block in page if block.text.startswith("# bids.yaml")))


@pytest.fixture
def clinical(here):
    """A table of clinical data, one of pseudonyms and one of day shifts."""
    Path("new_ids.json").write_text(json.dumps({f"sub-{PATIENT_ID}": "P0001"}))
    Path("day_shift.json").write_text(json.dumps({f"sub-{PATIENT_ID}": -12}))
    Path("clinical.csv").write_text("MRN,Day of surgery,Outcome\n0004711,2020-01-15,good\n")


@pytest.fixture
def cohort(here):
    """The table of the tutorial, as it stands on the page."""
    book = Workbook()
    sheet = book.create_sheet("Kohorte", 0)
    for row in re.findall(r"^\|(.*)\|$", (ROOT / "docs" / "tutorial.md").read_text("utf-8"), re.MULTILINE):
        if "---" not in row:
            sheet.append([cell.strip() or None for cell in row.split("|")])
    book.save("Kohorte.xlsx")


@pytest.fixture
def installed(tmp_path):
    """Programs of an environment that holds the wheel, away from the checkout: those that README.md calls."""
    return installed_wheel(tmp_path / "wheel")


@pytest.mark.usefixtures("scans", "old_systems", "head", "clinical", "cohort")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_a_document_work_in_order(document, prefect, pacs, here, request, monkeypatch):
    told, call = commands(document), prefect.pacsflow_here
    if document.name == "README.md":
        monkeypatch.setattr(prefect, "program", request.getfixturevalue("installed") / "pacsflow")
        call = prefect.pacsflow
    for line in told:
        if line in NOT_RUN:
            continue
        assert line.startswith("pacsflow "), f"{document.name} shows a command that is neither run nor listed: {line}"
        if "--workbook" in line:
            decide(here / "report" / "plan.xlsx")
        said = run(call, line, here, pacs.port)
        assert said.strip(), f"{line} says nothing"
        assert ("pacsflow settle" in said) == (line.startswith(HINTED) and "held" in said), said
        if line.startswith("pacsflow init ") and "--host" not in line:
            edit(Path(shlex.split(line)[2]), pacs)
    if document.name == "README.md":
        delivered = list((here / "out").rglob("*.nii.gz"))
        assert len(delivered) == 3, "A-001 has two series of MR, the study taken for A-002 one"
        assert Path("links.csv").read_text().count("\n") == 3, "a heading and two patients"


def test_what_is_not_run_is_still_shown_somewhere():
    shown = {line for document in DOCUMENTS for line in commands(document)}
    assert NOT_RUN.keys() - {"make test"} <= shown


def names(command, prefix: str = "pacsflow") -> list[tuple[str, object]]:
    below = getattr(command, "commands", {})
    return [(prefix, command), *(each for name, sub in below.items() for each in names(sub, f"{prefix} {name}"))]


def test_every_command_has_help_and_is_in_the_documents():
    text = "".join(document.read_text("utf-8") for document in DOCUMENTS)
    for name, command in names(get_command(app)):
        assert command.help, f"{name} has no help"
        assert name in text, f"{name} is in no document"
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"


def test_the_readme_names_every_exit_code():
    from pacsflow.errors import PacsflowError

    def codes(kind):
        return {kind.exit_code} | {code for below in kind.__subclasses__() for code in codes(below)}

    section = (ROOT / "README.md").read_text("utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert codes(PacsflowError) <= named
