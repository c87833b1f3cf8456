"""Find and choose: rows left, studies and series right; groups, filters, numbers; taken or dropped, and undone."""

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from typing import Any, Final

from nicegui import ui

from pacsflow.console.choice_table import ChoiceTable, Turning
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
    """The page of one person. What is shown is changed in place: what has the focus keeps it."""

    def __init__(self, view: View, at: OpenedProject) -> None:
        self._view, self._at, self._now = view, at, _Looking()
        self._shown: dict[str, tuple[str, ...]] = {}
        """Key of a group on the page -> its name."""

    async def draw(self) -> None:
        """All parts, and what they show."""
        view = self._view
        with ui.row().classes("w-full items-center gap-3"):
            with ui.row().classes("items-center").props('role="status" aria-live="polite"'):
                self._total = ui.label().classes("text-lg").mark("totals")
            ui.button(view.t("Undo"), on_click=view.doing(self._undo, "decide")).props("outline").mark("undo")
        with ui.element("div").classes("w-full grid grid-cols-1 lg:grid-cols-4 gap-4 items-start"):
            with ui.column().classes("min-w-0 gap-2"):
                ui.input(view.t("Rows"), on_change=lambda e: self._set(rows_text=e.value or "", rows_at=0)).props(
                    "clearable dense debounce=300"
                ).classes("w-full")
                with ui.column().classes("w-full gap-1"):
                    self._rows = [self._row_button(place) for place in range(PAGE)]
                self._rows_turn = Turning(view, PAGE, lambda at: self._set(rows_at=at))
            with ui.column().classes("min-w-0 lg:col-span-3 gap-3"):
                self._studies = ui.column().classes("w-full gap-1")
                labels = {keyword: view.t(keyword) for keyword in BY}
                ui.select(
                    labels,
                    value=list(self._now.by),
                    multiple=True,
                    label=view.t("All like this, by"),
                    on_change=lambda e: self._set(by=tuple(k for k in BY if k in e.value) or tuple(BY), groups_at=0),
                ).classes("w-full max-w-sm")
                take, drop = (partial(self._choose_group, wanted=wanted) for wanted in (True, False))
                self._groups = ChoiceTable(view, view.doing(take, "decide"), view.doing(drop, "decide"))
                self._groups_turn = Turning(view, PAGE, lambda at: self._set(groups_at=at))
                self._filters()
                take, drop = (partial(self._choose_one, wanted=wanted) for wanted in (True, False))
                self._series = ChoiceTable(view, view.doing(take, "decide"), view.doing(drop, "decide"))
                self._series_turn = Turning(view, PAGE, lambda at: self._set(series_at=at))
        await self._again()

    def _row_button(self, place: int) -> ui.button:
        pick = self._view.doing(lambda: self._pick(place))
        return ui.button(on_click=pick).props("flat no-caps align=left dense").classes("w-full")

    async def _again(self) -> None:
        for show in (self._show_totals, self._show_rows, self._show_studies, self._show_groups, self._show_series):
            await show()

    async def _set(self, **changed: Any) -> None:
        self._now = replace(self._now, **changed)
        await self._again()

    async def _narrow(self, **changed: Any) -> None:
        await self._set(only=replace(self._now.only, **changed), series_at=0, groups_at=0)

    async def _undo(self) -> None:
        number = await self._view.work(self._at.found.undo, by=self._view.by)
        ui.notify(self._view.t("{number} series as they were before", number=number))
        await self._again()

    async def _choose_group(self, key: str, *, wanted: bool) -> None:
        """All series of a group, on whatever page; of one that is not shown any more, none."""
        if key in self._shown:
            keys = await self._view.work(self._at.found.keys, alike(self._now.by, self._shown[key]))
            await self._choose(keys, wanted=wanted)

    async def _choose_one(self, key: str, *, wanted: bool) -> None:
        await self._choose([key], wanted=wanted)

    async def _choose(self, keys: list[str], *, wanted: bool) -> None:
        await self._view.work(self._at.found.choose, keys, wanted=wanted, by=self._view.by)
        await self._again()

    async def _show_totals(self) -> None:
        totals = await self._view.work(self._at.found.totals)
        told = "{studies:study|studies}, {series} series, {images:image|images}, {gigabytes} GB wanted"
        facts = {"studies": totals.studies, "series": totals.series, "images": totals.images}
        self._total.text = self._view.t(told, **facts, gigabytes=f"{totals.gigabytes:.2f}")

    async def _show_rows(self) -> None:
        now = self._now
        page = await self._view.work(self._at.found.rows, text=now.rows_text, offset=now.rows_at, limit=PAGE)
        self._numbers = [row.number for row in page.lines]
        for button, row in zip_longest(self._rows, page.lines):
            button.set_visibility(row is not None)
            if row:
                here = row.number == now.row
                button.text = f"{row.number} · {row.id} · {row.status}" + (f" · {row.reason}" if row.reason else "")
                button.props(f'aria-pressed="{str(here).lower()}" color={"accent" if here else "primary"}')
        self._rows_turn.show(page.total, now.rows_at)

    async def _pick(self, place: int) -> None:
        """Look at the row of a place in the list; at none where it is looked at already."""
        number = self._numbers[place]
        await self._row(0 if number == self._now.row else number)

    async def _row(self, number: int) -> None:
        self._now = replace(self._now, row=number, series_at=0)
        await self._narrow(row=number)

    async def _show_studies(self) -> None:
        """The studies of the row that is looked at, side by side; those of a held row are taken or dropped here."""
        self._studies.clear()
        if self._now.row:
            with self._studies:
                await self._cards()

    async def _cards(self) -> None:
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

    async def _show_groups(self) -> None:
        view, now = self._view, self._now
        only = SeriesFilter(text=now.only.text, row=now.row, modality=now.only.modality)
        groups = await view.work(self._at.found.groups, only, now.by)
        shown = groups[now.groups_at : now.groups_at + PAGE]
        self._shown = {"\n".join(group.name): group.name for group in shown}
        heads = [*map(view.t, now.by), *map(view.t, ("studies", "series", "images", "GB", "wanted"))]
        lines = {
            "\n".join(group.name): (
                *group.name, group.studies, group.series, group.images, f"{group.gigabytes:.2f}", group.wanted
            )
            for group in shown
        }  # fmt: skip
        self._groups.show(heads, lines, {key: " / ".join(name) for key, name in self._shown.items()})
        self._groups_turn.show(len(groups), now.groups_at)

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

    async def _show_series(self) -> None:
        view, now = self._view, self._now
        page = await view.work(self._at.found.series, now.only, offset=now.series_at, limit=PAGE)
        yes, no = view.t("yes"), view.t("no")
        lines = {
            one.key: (
                one.study, one.description, one.modality, one.number, one.images, yes if one.wanted else no, one.reason
            )
            for one in page.lines
        }  # fmt: skip
        about = {one.key: f"{one.study} {one.description} {one.number}" for one in page.lines}
        self._series.show([*map(view.t, _SERIES)], lines, about)
        self._series_turn.show(page.total, now.series_at)


async def found_page(view: View) -> None:
    """Fill the page."""
    at = await view.work(opened, view.folder)
    await FoundPage(view, at).draw()
