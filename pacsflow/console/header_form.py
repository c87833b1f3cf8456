"""A header before and after, on the page De-identify: one image is fetched when a person asks, shown, and let go."""

from collections.abc import Callable
from typing import Final

from nicegui import ui

from pacsflow.console.opened import opened
from pacsflow.console.view import View
from pacsflow.run.header_trial import HeaderLine, header_lines, series_to_look_at

_MOST_LINES: Final = 400


class HeaderForm:
    """The form. `text`: deid.yaml as the page says it now, saved or not."""

    def __init__(self, view: View, text: Callable[[], str]) -> None:
        self._view, self._text = view, text
        self._lines: list[HeaderLine] = []

    def draw(self) -> None:
        """The choice of a series, the button, and the place of the header."""
        view = self._view
        ui.label(view.t("A header before and after")).classes("text-lg").props('role="heading" aria-level="2"')
        ui.label(view.t("One image is asked of the node, cleaned in memory, shown, and let go; nothing is written."))
        with ui.row().classes("items-center gap-3"):
            self._series = ui.select({}, label=view.t("Series that rows found")).classes("w-full max-w-sm")
            ui.button(view.t("Fetch one image and show"), on_click=view.doing(self._fetch, "run")).props("outline")
            self._only = ui.checkbox(view.t("only what changes"), value=True, on_change=view.doing(self._show))
        self._place = ui.column().classes("w-full gap-0").props('role="status" aria-live="polite"').mark("header")
        ui.timer(0.05, view.doing(self._fill), once=True)

    async def _fill(self) -> None:
        at = await self._view.work(opened, self._view.folder)
        found = await self._view.work(series_to_look_at, at.ledger)
        self._series.set_options({one.key: one.told for one in found}, value=found[0].key if found else None)

    async def _fetch(self) -> None:
        view, series = self._view, self._series.value
        self._place.clear()
        if not series:
            with self._place:
                ui.label(view.t("no row has found a series yet; plan first"))
            return
        at = await view.work(opened, view.folder)
        with self._place:
            ui.spinner()
        try:
            self._lines = await view.work(header_lines, view.folder, at.ledger, str(series), self._text())
        finally:
            self._place.clear()
        await view.note("look at a header", str(series))
        self._show()

    def _show(self) -> None:
        view, shown = self._view, [one for one in self._lines if one.changed or not self._only.value]
        self._place.clear()
        if not self._lines:
            return
        with self._place:
            facts = {"changed": sum(one.changed for one in self._lines), "number": len(self._lines)}
            ui.label(view.t("{number:element|elements}, {changed} of them changed", **facts))
            with ui.element("table").classes("text-sm text-left w-full"):
                with ui.element("tr"):
                    for head in ("Element", "before", "after"):
                        with ui.element("th").props('scope="col"').classes("pr-3"):
                            ui.label(view.t(head))
                for one in shown[:_MOST_LINES]:
                    self._line(one)

    def _line(self, one: HeaderLine) -> None:
        gone = self._view.t("removed")
        cells = (one.name, one.before if one.before is not None else "", one.after if one.after is not None else gone)
        with ui.element("tr"):
            for cell in cells:
                with ui.element("td").classes("pr-3 break-all"):
                    ui.label(cell)
