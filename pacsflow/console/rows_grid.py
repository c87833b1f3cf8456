"""The rows of a query, a page at a time: only the lines that are shown are sent, so that any number stays fluid."""

from typing import TYPE_CHECKING, Any, Final

from nicegui import ui

from pacsflow.console.view import View

if TYPE_CHECKING:
    from pacsflow.run.table_trial import SeenRow, SeenRows

PAGE: Final = 100
_CELL: Final = """<q-td :props="props" :class="props.row['f' + props.col.name.slice(1)] ? 'cell-fault' : ''"
 :title="props.row['f' + props.col.name.slice(1)]" :aria-description="props.row['f' + props.col.name.slice(1)]"
>{{ props.value }}</q-td>"""
"""A cell is text, never markup; what is wrong with it is its title, and told by readers of the screen."""


def lines_shown(seen: "SeenRows", *, text: str = "", faulty: bool = False) -> "list[SeenRow]":
    """The rows in which a text stands in any cell; `faulty`: only those with a mistake."""
    asked = text.casefold()
    return [
        row
        for row in seen.rows
        if (not faulty or row.faults) and (not asked or asked in "\n".join(row.cells.values()).casefold())
    ]


class RowsGrid:
    """The grid, its filters and the ways to other pages. What is wrong with a cell is told when one points at it."""

    def __init__(self, view: View, seen: "SeenRows") -> None:
        self._view, self._seen = view, seen
        self._text, self._faulty, self._offset = "", False, 0

    def draw(self) -> None:
        """All of it, where one is."""
        view = self._view
        if len(self._seen.rows) > PAGE:
            with ui.row().classes("items-center gap-3"):
                ui.input(view.t("Text"), on_change=lambda e: self._narrow(text=e.value or "")).props(
                    "clearable dense debounce=300"
                )
                ui.checkbox(view.t("only with a mistake"), on_change=lambda e: self._narrow(faulty=bool(e.value)))
        self._table = ui.table(columns=self._columns(), rows=[], row_key="key").classes("w-full").props("dense flat")
        self._table.add_slot("body-cell", _CELL)
        self._turning = ui.row().classes("items-center")
        self._show()

    def _columns(self) -> list[dict[str, Any]]:
        names = [("line", self._view.t("line")), *((f"c{n}", each) for n, each in enumerate(self._seen.headings))]
        return [{"name": name, "field": name, "label": label, "align": "left"} for name, label in names]

    def _narrow(self, *, text: str | None = None, faulty: bool | None = None) -> None:
        self._text = self._text if text is None else text
        self._faulty = self._faulty if faulty is None else faulty
        self._turn(0)

    def _turn(self, offset: int) -> None:
        self._offset = offset
        self._show()

    def _show(self) -> None:
        found = lines_shown(self._seen, text=self._text, faulty=self._faulty)
        lines = found[self._offset : self._offset + PAGE]
        self._table.rows = [self._line(row, place) for place, row in enumerate(lines)]
        self._turning.clear()
        if len(self._seen.rows) <= PAGE:
            return
        with self._turning:
            ui.label(f"{self._offset + 1 if found else 0}-{self._offset + len(lines)} / {len(found)}").mark(
                "rows-count"
            )
            for label, to in (("Back", self._offset - PAGE), ("Go on", self._offset + PAGE)):
                if 0 <= to < len(found):
                    ui.button(self._view.t(label), on_click=lambda to=to: self._turn(to)).props("flat dense")

    def _line(self, row: "SeenRow", key: int) -> dict[str, Any]:
        line: dict[str, Any] = {"key": key, "line": row.line}
        for place, heading in enumerate(self._seen.headings):
            line[f"c{place}"], line[f"f{place}"] = row.cells.get(heading, ""), row.faults.get(heading, "")
        return line
