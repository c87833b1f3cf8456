"""The rows of a query, a page at a time: only the lines that are shown are sent, so that any number stays fluid."""

from typing import TYPE_CHECKING, Any, Final

from nicegui import ui

from pacsflow.console.view import View

if TYPE_CHECKING:
    from pacsflow.run.table_trial import SeenRow, SeenRows

PAGE: Final = 100


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
        self._grid = ui.aggrid({"columnDefs": self._columns(), "tooltipShowDelay": 0, "enableCellTextSelection": True},
                               html_columns=[]).classes("w-full").style("height: 24rem")  # fmt: skip
        self._turning = ui.row().classes("items-center")
        self._show()

    def _columns(self) -> list[dict[str, Any]]:
        """Cells are text, never markup."""
        first = {"headerName": self._view.t("line"), "field": "line", "width": 90, "pinned": "left"}
        return [first] + [
            {
                "headerName": heading,
                "field": f"c{place}",
                "tooltipField": f"f{place}",
                "cellClassRules": {"cell-fault": f"data.f{place}"},
            }
            for place, heading in enumerate(self._seen.headings)
        ]

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
        self._grid.options["rowData"] = [self._line(row) for row in lines]
        self._grid.update()
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

    def _line(self, row: "SeenRow") -> dict[str, Any]:
        line: dict[str, Any] = {"line": row.line}
        for place, heading in enumerate(self._seen.headings):
            line[f"c{place}"], line[f"f{place}"] = row.cells.get(heading, ""), row.faults.get(heading, "")
        return line
