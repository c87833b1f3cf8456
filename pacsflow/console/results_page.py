"""Results: the user's own table with status and reason, its workbook and the report; deliveries compared, withdrawn."""

import csv
from pathlib import Path
from typing import Final

from nicegui import ui

from pacsflow.console.opened import OpenedProject, opened
from pacsflow.console.pictures_form import PicturesForm
from pacsflow.console.view import View
from pacsflow.console.withdraw_form import WithdrawForm
from pacsflow.errors import LedgerError
from pacsflow.run.auditing import audited
from pacsflow.run.checking import finding_of

PAGE: Final = 50
_FILES: Final = ("results.xlsx", "results.csv", "report.html", "run.json", "plan.xlsx")


def own_table(
    file: Path, *, text: str = "", status: str = "", offset: int = 0
) -> tuple[list[str], list[list[str]], int]:
    """Headings, some lines and the number of all that fit, of the table that the last run gave back."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        heads = next(reader, [])
        place = heads.index("status") if "status" in heads else -1
        asked = text.casefold()
        lines = [
            line
            for line in reader
            if (not status or (place >= 0 and line[place] == status)) and asked in "\n".join(line).casefold()
        ]
    return heads, lines[offset : offset + PAGE], len(lines)


class ResultsPage:
    """The page of one person."""

    def __init__(self, view: View, at: OpenedProject) -> None:
        self._view, self._at = view, at
        self._text, self._status, self._offset = "", "", 0
        self._place: ui.column | None = None

    @property
    def _reports(self) -> Path:
        return self._at.project.workdir / "report"

    async def draw(self) -> None:
        """The table and its files, as far as a run has ended; what the ledger alone knows in any case."""
        view = self._view
        ended = (self._reports / "results.csv").exists()
        if ended:
            await self._draw_table()
        else:
            ui.label(view.t("no run has ended yet"))
        compare = ui.button(view.t("Compare what was delivered"), on_click=view.doing(self._compare))
        compare.props("outline no-caps dense")
        self._compared = ui.column().classes("gap-0").props('role="status" aria-live="polite"')
        PicturesForm(view, self._at).draw()
        if view.may("administer"):
            WithdrawForm(view, self._changed).draw()

    async def _changed(self) -> None:
        """After something was withdrawn, which writes the report again."""
        if self._place is not None:
            await self._table()

    async def _draw_table(self) -> None:
        view = self._view
        with ui.row().classes("gap-2"):
            for name in _FILES:
                if (self._reports / name).exists():
                    ui.button(name, icon="download", on_click=view.doing(lambda name=name: self._download(name))).props(
                        "outline no-caps dense"
                    )
        with ui.row().classes("gap-2"):
            ui.input(view.t("Text"), on_change=lambda e: self._filter(text=e.value or "")).props(
                "clearable dense debounce=300"
            )
            ui.input(view.t("Status"), on_change=lambda e: self._filter(status=e.value or "")).props(
                "clearable dense debounce=300"
            )
        self._place = ui.column().classes("w-full").mark("results-table")
        await self._table()

    async def _filter(self, *, text: str | None = None, status: str | None = None) -> None:
        self._text = self._text if text is None else text
        self._status = self._status if status is None else status
        self._offset = 0
        await self._table()

    async def _turn(self, offset: int) -> None:
        self._offset = offset
        await self._table()

    async def _table(self) -> None:
        file, facts = self._reports / "results.csv", {"text": self._text, "status": self._status}
        heads, lines, number = await self._view.work(own_table, file, offset=self._offset, **facts)
        columns = [{"name": str(n), "label": head, "field": str(n), "align": "left"} for n, head in enumerate(heads)]
        rows = [{str(n): cell for n, cell in enumerate(line)} | {"key": n} for n, line in enumerate(lines)]
        place = self._place
        if place is None:
            return
        place.clear()
        with place:
            ui.table(columns=columns, rows=rows, row_key="key").classes("w-full").props("dense flat wrap-cells")
            with ui.row().classes("items-center"):
                ui.label(f"{self._offset + 1 if number else 0}-{self._offset + len(lines)} / {number}").mark("count")
                for label, to in (("Back", self._offset - PAGE), ("Go on", self._offset + PAGE)):
                    if 0 <= to < number:
                        ui.button(self._view.t(label), on_click=lambda to=to: self._turn(to)).props("flat dense")

    async def _download(self, name: str) -> None:
        try:
            content = await self._view.work((self._reports / name).read_bytes)
        except OSError as error:
            raise LedgerError(f"the file cannot be read: {error.strerror}", fix="run again") from None
        await self._view.note("download", name)
        ui.download.content(content, name)

    async def _compare(self) -> None:
        findings = await self._view.work(
            lambda: [finding_of(one) for one in audited(self._at.project, self._at.ledger)]
        )
        self._compared.clear()
        with self._compared:
            for one in findings:
                ui.label(f"{'✓' if one.fine else '✗'} {one.what}: {one.said}")
            if not findings:
                ui.label(self._view.t("nothing was delivered yet"))


async def results_page(view: View) -> None:
    """Fill the page."""
    await ResultsPage(view, await view.work(opened, view.folder)).draw()
