"""Find and choose: rows left, studies and series right; groups, filters, numbers; taken or dropped, and undone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from pacsflow.console.opened import OpenedProject, opened
from pacsflow.console.view import View
from pacsflow.run.people.decisions import settle_row
from pacsflow.run.people.found_choice import BY, SeriesFilter, alike

PAGE: Final = 25
"""Lines of each list that are shown at a time: what is drawn costs more than what is found."""
_SERIES: Final = ("study", "description", "modality", "number", "images", "want", "why")


@dataclass
class _Looking:
    """What one person looks at: filters and pages."""

    row: int = 0
    only: SeriesFilter = field(default_factory=SeriesFilter)
    rows_text: str = ""
    rows_at: int = 0
    series_at: int = 0
    groups_at: int = 0
    by: tuple[str, ...] = tuple(BY)


class FoundPage:
    """The page of one person; each part is drawn again after a change."""

    def __init__(self, view: View, at: OpenedProject) -> None:
        self._view, self._at, self._now = view, at, _Looking()
        self._parts: list[tuple[ui.element, Callable[[], Awaitable[None]]]] = []

    async def draw(self) -> None:
        """All parts."""
        view = self._view
        with ui.row().classes("w-full items-center gap-3"):
            self._part(self._totals, ui.row().classes("items-center").props('role="status" aria-live="polite"'))
            ui.button(view.t("Undo"), on_click=view.doing(self._undo, "decide")).props("outline").mark("undo")
        with ui.element("div").classes("w-full grid grid-cols-1 lg:grid-cols-4 gap-4 items-start"):
            with ui.column().classes("min-w-0 gap-2"):
                ui.input(view.t("Rows"), on_change=lambda e: self._set(rows_text=e.value or "", rows_at=0)).props(
                    "clearable dense debounce=300"
                ).classes("w-full")
                self._part(self._rows, ui.column().classes("w-full gap-1"))
            with ui.column().classes("min-w-0 lg:col-span-3 gap-3"):
                self._part(self._studies, ui.column().classes("w-full gap-1"))
                self._part(self._groups, ui.column().classes("w-full gap-1"))
                self._filters()
                self._part(self._series, ui.column().classes("w-full gap-1"))
        await self._again()

    def _part(self, build: Callable[[], Awaitable[None]], place: ui.element) -> None:
        self._parts.append((place, build))

    async def _again(self) -> None:
        for place, build in self._parts:
            place.clear()
            with place:
                await build()

    async def _set(self, **changed: Any) -> None:
        self._now = replace(self._now, **changed)
        await self._again()

    async def _narrow(self, **changed: Any) -> None:
        await self._set(only=replace(self._now.only, **changed), series_at=0, groups_at=0)

    async def _undo(self) -> None:
        number = await self._view.work(self._at.found.undo, by=self._view.by)
        ui.notify(self._view.t("{number} series as they were before", number=number))
        await self._again()

    async def _choose(self, only: SeriesFilter, *, wanted: bool) -> None:
        keys = await self._view.work(self._at.found.keys, only)
        await self._choose_keys(keys, wanted=wanted)

    async def _choose_keys(self, keys: list[str], *, wanted: bool) -> None:
        await self._view.work(self._at.found.choose, keys, wanted=wanted, by=self._view.by)
        await self._again()

    async def _totals(self) -> None:
        totals = await self._view.work(self._at.found.totals)
        told = "{studies:study|studies}, {series} series, {images:image|images}, {gigabytes} GB wanted"
        facts = {"studies": totals.studies, "series": totals.series, "images": totals.images}
        ui.label(self._view.t(told, **facts, gigabytes=f"{totals.gigabytes:.2f}")).classes("text-lg").mark("totals")

    async def _rows(self) -> None:
        view, now = self._view, self._now
        page = await view.work(self._at.found.rows, text=now.rows_text, offset=now.rows_at, limit=PAGE)
        for row in page.lines:
            here = row.number == now.row
            told = f"{row.number} · {row.id} · {row.status}" + (f" · {row.reason}" if row.reason else "")
            pick = view.doing(lambda number=0 if here else row.number: self._row(number))
            button = ui.button(told, on_click=pick).props("flat no-caps align=left dense").classes("w-full")
            button.props(f'aria-pressed="{str(here).lower()}"' + (" color=accent" if here else ""))
        self._turn(page.total, now.rows_at, "rows_at")

    async def _row(self, number: int) -> None:
        self._now = replace(self._now, row=number, series_at=0)
        await self._narrow(row=number)

    async def _studies(self) -> None:
        """The studies of the row that is looked at, side by side; those of a held row are taken or dropped here."""
        if not self._now.row:
            return
        view, found = self._view, self._at.found
        page = await view.work(found.studies, row=self._now.row, limit=PAGE)
        row = next(iter((await view.work(found.rows, offset=self._now.row - 1, limit=1)).lines), None)
        with ui.row().classes("w-full gap-2"):
            for study in page.lines:
                answered = study.attributes.get
                with ui.card().classes("p-2"):
                    ui.label(f"{answered('StudyDate', '')} {answered('StudyDescription', '')}").classes("font-bold")
                    ui.label(f"{answered('PatientName', '')} {answered('PatientID', '')}")
                    ui.label(view.t("{series} series, {images:image|images}", series=study.series, images=study.images))
                    ui.label(f"{study.key}: {study.decision}")
                    if row and row.status in ("held", "found", "dropped"):
                        keys = [study.key]
                        take = view.doing(lambda keys=keys: self._settle(row.id, keys), "decide")
                        ui.button(view.t("Take only this"), on_click=take).props("dense no-caps")
        if row and row.status == "held":
            drop = view.doing(lambda: self._settle(row.id, []), "decide")
            ui.button(view.t("Take none of them"), on_click=drop).props("dense no-caps outline")

    async def _settle(self, row: str, take: list[str]) -> None:
        await self._view.work(settle_row, self._view.folder, row, take=take, by=self._view.by)
        await self._again()

    async def _groups(self) -> None:
        view, now = self._view, self._now
        shown = SeriesFilter(text=now.only.text, row=now.row, modality=now.only.modality)
        groups = await view.work(self._at.found.groups, shown, now.by)
        labels = {keyword: view.t(keyword) for keyword in BY}
        ui.select(
            labels,
            value=list(now.by),
            multiple=True,
            label=view.t("All like this, by"),
            on_change=lambda e: self._set(by=tuple(k for k in BY if k in e.value) or tuple(BY), groups_at=0),
        ).classes("w-full max-w-sm")
        heads = [
            *(view.t(keyword) for keyword in now.by),
            *map(view.t, ("studies", "series", "images", "GB", "wanted")),
        ]
        with _table([*heads, ""]):
            for group in groups[now.groups_at : now.groups_at + PAGE]:
                same = alike(now.by, group.name)
                numbers = (group.studies, group.series, group.images, f"{group.gigabytes:.2f}", group.wanted)
                with ui.element("tr"):
                    for cell in (*group.name, *numbers):
                        _cell(str(cell))
                    with ui.element("td").classes("whitespace-nowrap"):
                        _buttons(
                            view,
                            " / ".join(group.name),
                            view.doing(lambda same=same: self._choose(same, wanted=True), "decide"),
                            view.doing(lambda same=same: self._choose(same, wanted=False), "decide"),
                        )
        self._turn(len(groups), now.groups_at, "groups_at")

    def _filters(self) -> None:
        view = self._view
        wants = {"": view.t("all"), "yes": view.t("wanted"), "no": view.t("not wanted")}
        with ui.row().classes("items-center gap-3"):
            ui.input(view.t("Text"), on_change=lambda e: self._narrow(text=e.value or "")).props(
                "clearable dense debounce=300"
            ).mark("filter-text")
            ui.input(
                view.t("Modality"), on_change=lambda e: self._narrow(modality=(e.value or "").upper() or None)
            ).props("clearable dense debounce=300").classes("w-24")
            ui.select(
                wants, value="", on_change=lambda e: self._narrow(wanted={"yes": True, "no": False}.get(e.value))
            ).props("dense").classes("w-40")

    async def _series(self) -> None:
        view, now = self._view, self._now
        page = await view.work(self._at.found.series, now.only, offset=now.series_at, limit=PAGE)
        with _table([*map(view.t, _SERIES), ""]):
            for one in page.lines:
                want = view.t("yes") if one.wanted else view.t("no")
                cells = (one.study, one.description, one.modality, one.number, one.images, want, one.reason)
                with ui.element("tr"):
                    for cell in cells:
                        _cell(str(cell))
                    with ui.element("td").classes("whitespace-nowrap"):
                        keys = [one.key]
                        _buttons(
                            view,
                            f"{one.study} {one.description} {one.number}",
                            view.doing(lambda keys=keys: self._choose_keys(keys, wanted=True), "decide"),
                            view.doing(lambda keys=keys: self._choose_keys(keys, wanted=False), "decide"),
                        )
        self._turn(page.total, now.series_at, "series_at")

    def _turn(self, total: int, at: int, name: str) -> None:
        """Where one is in a list, and the ways on and back."""
        if total <= PAGE:
            return
        with ui.row().classes("items-center"):
            back, on = max(at - PAGE, 0), at + PAGE
            ui.button(icon="chevron_left", on_click=lambda: self._set(**{name: back})).props("flat dense").props(
                f'aria-label="{self._view.t("Back")}"'
            ).set_enabled(at > 0)
            ui.label(f"{at + 1}-{min(on, total)} / {total}")
            ui.button(icon="chevron_right", on_click=lambda: self._set(**{name: on})).props("flat dense").props(
                f'aria-label="{self._view.t("Go on")}"'
            ).set_enabled(on < total)


def _buttons(view: View, about: str, take: Callable[..., Any], drop: Callable[..., Any]) -> None:
    """Take and drop; a reader of the screen is told of what."""
    for label, call in (("Take", take), ("Drop", drop)):
        button = ui.button(view.t(label), on_click=call).props("flat dense no-caps")
        button._props["aria-label"] = f"{view.t(label)}: {about}"  # noqa: SLF001 - `props` would parse a PACS's text


def _table(heads: list[str]) -> ui.element:
    with ui.element("div").classes("w-full overflow-x-auto"):
        table = ui.element("table").classes("w-full text-sm text-left")
    with table, ui.element("thead"), ui.element("tr"):
        for head in heads:
            with ui.element("th").props('scope="col"').classes("pr-3"):
                ui.label(head)
    with table:
        return ui.element("tbody")


def _cell(text: str) -> None:
    TextElement(tag="td", text=text).classes("pr-3")


async def found_page(view: View) -> None:
    """Fill the page."""
    at = await view.work(opened, view.folder)
    await FoundPage(view, at).draw()
