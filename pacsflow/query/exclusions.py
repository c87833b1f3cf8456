"""The project's list of Patient IDs that are never asked for, as of people who withdrew their consent."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pacsflow.projects.places import named_place
from pacsflow.projects.project import Project
from pacsflow.projects.source import Document
from pacsflow.query.columns import known_keyword
from pacsflow.query.excluded import Exclusions, comparable
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import RawTable
from pacsflow.query.tables import read_table
from pacsflow.regular_files import read_regular

_COLUMN = "PatientID"
_QUERY = "query.yaml"


def load_exclusions(project: Project) -> Exclusions:
    """The project's exclusions. Raises FaultError where its file cannot be read; `load` has told of that before."""
    if not project.query.exclusions:
        return Exclusions()
    document = project.documents[_QUERY]
    return read_exclusions(document, project.folder, project.query.exclusions, _zero_pad(project))


def _zero_pad(project: Project) -> Mapping[str, int]:
    return project.query.table.zero_pad if project.query.table else {}


def read_exclusions(
    document: Document, folder: Path, said: str | None, zero_pad: Mapping[str, int] | None = None
) -> Exclusions:
    """The exclusions in the file that `said` names, seen from `folder`. Raises FaultError."""
    if said is None:
        return Exclusions()
    file = named_place(document, ("exclusions",), folder=folder, text=said)
    digits = (zero_pad or {}).get(_COLUMN, 0)
    if file.suffix.lower() == ".txt":
        found: Iterable[str] = _lines(file)
    else:
        found = _column(read_table(file, said))
    ids = (each.strip() for each in found)
    return Exclusions(frozenset(comparable(each.zfill(digits) if each.isdigit() else each) for each in ids if each))


def check_exclusions(document: Document, folder: Path, said: str | None) -> None:
    """A problem where the file of exclusions cannot be read, or names nobody."""
    try:
        if said is not None and not read_exclusions(document, folder, said).ids:
            document.problem(("exclusions",), "names no patient", "write a Patient ID a line, or take `exclusions` out")
    except FaultError as fault:
        document.problem(("exclusions",), fault.message, fault.fix)


def _lines(file: Path) -> list[str]:
    """The lines of a text file; what follows a `#` is a remark. Raises FaultError."""
    try:
        text = read_regular(file).decode("utf-8-sig")
    except OSError as error:
        raise FaultError(f"cannot be read: {error.strerror}", "correct the path") from None
    except UnicodeDecodeError:
        raise FaultError("is not UTF-8 text", "save it as UTF-8") from None
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return lines[1:] if lines and known_keyword(lines[0]) == _COLUMN else lines


def _column(table: RawTable) -> list[str]:
    """The ids of a table: of its column of Patient IDs, or of its only one, whose first line may be an id too."""
    named = [heading for heading in table.headings if known_keyword(heading) == _COLUMN]
    if len(table.headings) > 1 and len(named) != 1:
        raise FaultError("has no column PatientID", "call the column of the ids PatientID, or leave the others out")
    heading = (named or [*table.headings])[0]
    cells = [row.cells[heading].text for row in table.rows if heading in row.cells]
    return cells if named else [heading, *cells]
