"""Query: a table that is handed in, its columns and their meaning, mistakes in their cells; rows typed by hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nicegui import events, ui

from pacsflow.console.proposing import Proposal, propose, same_again
from pacsflow.console.rows_grid import RowsGrid
from pacsflow.console.view import View
from pacsflow.errors import ProjectError
from pacsflow.projects.changing import value_of, with_values
from pacsflow.query.columns import IGNORE, USUAL
from pacsflow.query.tables import KINDS, MOST_BYTES

if TYPE_CHECKING:
    from pacsflow.query.suggesting import Suggestion

_FILE: Final = "query.yaml"
_ID: Final = "(id)"
_BY_HAND: Final = ("id", "PatientID", "AccessionNumber", "StudyDate", "Modality", "StudyDescription")
_EXAMPLE: Final = "EXAMPLE-1"
_PADDED: Final = ("PatientID", "AccessionNumber")
_STYLE: Final = "<style>.cell-fault { background: #fbdcdc !important; outline: 1px solid #a11212; }</style>"


def query_page(view: View) -> None:
    """Fill the page."""
    ui.add_head_html(_STYLE)
    may = view.may("administer")
    mapping = ui.column().classes("w-full gap-2")
    if may:
        with mapping:
            ui.label(view.t("A table of patients or studies: {kinds}. It is kept in the project's private folder",
                            kinds=", ".join(KINDS)))  # fmt: skip
            ui.upload(
                label=view.t("Hand in a table"), auto_upload=True, max_files=1, max_file_size=MOST_BYTES,
                on_upload=view.doing(lambda event: _handed_in(view, event, mapping), "administer"),
            ).props(f'accept="{",".join(KINDS)}"').classes("w-full max-w-xl")  # fmt: skip
    ui.label(view.t("Rows")).classes("text-lg").props('role="heading" aria-level="2"')
    rows = ui.column().classes("w-full gap-1").mark("rows")
    if may:
        _by_hand(view)
    ui.timer(0.05, view.doing(lambda: _show_rows(view, same_again(view, _FILE), rows)), once=True)


async def _show_rows(view: View, text: str, place: ui.column) -> None:
    from pacsflow.run.table_trial import rows_seen

    seen = await view.work(rows_seen, view.folder, text)
    place.clear()
    with place:
        number = view.t("{rows:row|rows}, {faults:cell|cells} with a mistake", rows=len(seen.rows), faults=seen.faults)
        ui.label(number).classes("text-negative" if seen.faults else "").props('role="status"')
        for one in seen.others[:20]:
            ui.label(str(one)).classes("text-negative")
        RowsGrid(view, seen).draw()


async def _handed_in(view: View, event: events.UploadEventArguments, place: ui.column) -> None:
    from pacsflow.run.table_trial import keep_table, suggestion_of

    file = await view.work(keep_table, view.folder, event.file.name, await event.file.read())
    await view.note("hand in a table", file.suffix)
    found = await view.work(suggestion_of, file)
    form = TableForm(view, file, found)
    await form.draw(place)


class TableForm:
    """What the columns of a table mean, as a form that begins with what the table says of itself."""

    def __init__(self, view: View, file: Path, found: "Suggestion") -> None:
        self._view, self._file, self._found = view, file, found
        self.before = same_again(view, _FILE)
        self._columns: dict[str, Any] = {}
        self._pads: dict[str, Any] = {}

    async def draw(self, place: ui.column) -> None:
        """The form in place of what is there."""
        from pacsflow.run.table_trial import headings_of

        view, table = self._view, self._found.table
        headings = await view.work(headings_of, self._file, table.get("heading_row"))
        place.clear()
        with place:
            for sentence in self._found.said:
                ui.label(f"✓ {sentence}").classes("text-sm")
            for question in self._found.questions:
                ui.label(f"? {question}").classes("text-sm text-accent")
            ui.label(view.t("What the columns mean")).classes("text-lg").props('role="heading" aria-level="2"')
            with ui.grid().classes("w-full grid-cols-1 md:grid-cols-3 xl:grid-cols-4 gap-3"):
                for heading in headings:
                    self._column(heading)
            self._more()
            with ui.row():
                ui.button(view.t("Check the table"), on_click=view.doing(lambda: self._check(checked), "administer"))
                ui.button(view.t("Show what changes"), on_click=view.doing(self._save, "administer")).props("outline")
            checked = ui.column().classes("w-full")
        await self._check(checked)

    def _column(self, heading: str) -> None:
        from pacsflow.query.columns import is_row_id, known_keyword

        table = self._found.table
        meant = table.get("columns", {}).get(heading) or known_keyword(heading) or IGNORE
        named = table.get("id_column")
        if heading == named or (named is None and is_row_id(heading) and heading not in table.get("columns", {})):
            meant = _ID
        words = {IGNORE: self._view.t("not asked by"), _ID: self._view.t("names the row")}
        words |= {keyword: keyword for keyword in sorted({*USUAL, "IndexDate", meant}) if keyword not in words}
        made = ui.select(words, value=meant, label=heading, with_input=True).classes("w-full")
        self._columns[heading] = made

    def _more(self) -> None:
        view, table = self._view, self._found.table
        with ui.grid().classes("w-full grid-cols-1 md:grid-cols-3 xl:grid-cols-4 gap-3"):
            self._formats = ui.input(
                view.t("Formats of dates, as %d.%m.%Y"), value=", ".join(table.get("date_formats", []))
            ).props('data-field="date_formats"')
            for keyword in _PADDED:
                label = view.t("Digits of {keyword}, zeros in front", keyword=keyword)
                began = table.get("zero_pad", {}).get(keyword)
                self._pads[keyword] = ui.number(label, value=began, format="%d", min=1, max=64)
            levels = {each: view.t(each) for each in ("study", "series", "patient")}
            self._level = ui.select(levels, value=self._found.level, label=view.t("What a row wants"))
        inline = value_of(self.before, ("rows",)) or []
        example = bool(inline) and all(row.get("PatientID") == _EXAMPLE for row in inline if isinstance(row, dict))
        self._alone = ui.checkbox(
            view.t("Take out what stands in query.yaml: {number:row|rows}", number=len(inline)), value=example
        )
        self._alone.set_visibility(bool(inline))

    def text(self) -> str:
        """query.yaml with this table. Raises ProjectError where two columns name the row."""
        columns = {heading: made.value for heading, made in self._columns.items() if made.value != _ID}
        named = [heading for heading, made in self._columns.items() if made.value == _ID]
        if len(named) > 1:
            raise ProjectError.at("table", self._view.t("two columns name the row"), self._view.t("choose one of them"))
        formats = [each.strip() for each in str(self._formats.value or "").split(",") if each.strip()]
        pads = {keyword: int(made.value) for keyword, made in self._pads.items() if made.value}
        table: dict[str, Any] = {"file": _tilde(self._file)}
        table |= {"heading_row": row} if (row := self._found.table.get("heading_row")) else {}
        table |= {"id_column": named[0]} if named else {}
        table |= {"columns": columns} if columns else {}
        table |= {"date_formats": formats} if formats else {}
        table |= {"zero_pad": pads} if pads else {}
        values: dict[Any, Any] = {("table",): table, ("level",): self._level.value}
        if self._alone.value and value_of(self.before, ("rows",)):
            values[("rows",)] = None
        return with_values(self.before, values)

    async def _check(self, place: ui.column) -> None:
        await _show_rows(self._view, self.text(), place)

    async def _save(self) -> None:
        for one in await propose(self._view, Proposal(_FILE, self.before, self.text())):
            self._view.tell_error(ProjectError([one]))


def _tilde(file: Path) -> str:
    home = Path.home()
    return f"~/{file.relative_to(home).as_posix()}" if file.is_relative_to(home) else file.as_posix()


def _by_hand(view: View) -> None:
    """A form for a single row, which then stands in query.yaml."""
    with ui.expansion(view.t("Type a row by hand")).classes("w-full"):
        ui.label(view.t("It stands in query.yaml, which then names a patient: keep that file out of a shared checkout"))
        with ui.grid().classes("w-full grid-cols-1 md:grid-cols-3 gap-3"):
            inputs = {name: ui.input(name).props(f'data-field="row-{name}"') for name in _BY_HAND}

        async def add() -> None:
            before = same_again(view, _FILE)
            row = {name: str(made.value).strip() for name, made in inputs.items() if str(made.value).strip()}
            there = value_of(before, ("rows",))
            path: tuple[Any, ...] = ("rows", len(there)) if isinstance(there, list) else ("rows",)
            after = with_values(before, {path: row if isinstance(there, list) else [row]})
            for one in await propose(view, Proposal(_FILE, before, after)):
                view.tell_error(ProjectError([one]))

        ui.button(view.t("Add the row"), on_click=view.doing(add, "administer"))
