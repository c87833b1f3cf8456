"""Run: plan, approve, begin, stop; how far it is by row and study, for all who look, from the first second."""

from datetime import datetime
from typing import Final

from nicegui import ui

from pacsflow.console.opened import OpenedProject, opened
from pacsflow.console.run_process import Action, begin, tail
from pacsflow.console.view import View
from pacsflow.errors import BusyError
from pacsflow.ledger import traffic
from pacsflow.run.people.decisions import approve_plan
from pacsflow.run.run_watch import Watched, WatchedRow, stop, watched, watched_rows
from pacsflow.wording import counted

EVERY: Final = 1.0
"""Seconds between two looks at the ledger."""
_ROWS: Final = 25


class RunPage:
    """The page of one person."""

    def __init__(self, view: View, at: OpenedProject) -> None:
        self._view, self._at, self._offset = view, at, 0

    async def draw(self) -> None:
        """Buttons, and below them what is drawn again each second."""
        view = self._view
        with ui.row().classes("gap-2"):
            ui.button(view.t("Plan"), on_click=view.doing(lambda: self._begin("plan"), "run")).props("outline")
            ui.button(view.t("Approve the plan"), on_click=view.doing(self._approve, "decide")).props("outline")
            ui.button(view.t("Start"), on_click=view.doing(lambda: self._begin("run"), "run"))
            ui.button(view.t("Stop"), on_click=view.doing(self._stop, "run")).props("outline color=negative")
        ui.label(view.t("What is done stays done: after Stop, Start goes on. Closing the browser stops nothing."))
        self._state = ui.label().classes("text-lg").props('role="status" aria-live="polite"').mark("run-state")
        self._numbers = ui.label().mark("run-numbers")
        self._log = ui.column().classes("gap-0 font-mono text-sm w-full").mark("run-log")
        self._rows = ui.column().classes("gap-0 w-full").mark("run-rows")
        self._slow = ui.column().classes("gap-0 w-full")
        await self._look()
        ui.timer(EVERY, view.doing(self._look))

    async def _begin(self, action: Action) -> None:
        now = await self._view.work(watched, self._at.ledger)
        if now.at_work:
            raise BusyError(
                self._view.t("a run of this project is at work"), fix=self._view.t("wait for it, or stop it")
            )
        await self._view.work(begin, self._at.project, action, by=self._view.by)
        await self._view.note(f"begin {action}")

    async def _approve(self) -> None:
        told = await self._view.work(approve_plan, self._view.folder, by=self._view.by)
        ui.notify(self._view.t("{what}: approved", what=told))

    async def _stop(self) -> None:
        number = await self._view.work(stop, self._at.ledger)
        await self._view.note("stop run")
        ui.notify(self._view.t("{number:run is|runs are} asked to end", number=number))

    async def _look(self) -> None:
        now, rows, lines, slowings = await self._view.work(self._read)
        self._state.text = self._told(now)
        counts = [f"{number} {status}" for status, number in now.rows.most_common()]
        studies = [f"{number} {status}" for status, number in now.studies.most_common()]
        asked = f"{counted(now.asked.get('images', 0), 'image')}, {now.asked.get('bytes', 0) / 1e6:,.1f} MB"
        facts = {"rows": ", ".join(counts), "studies": ", ".join(studies), "asked": asked}
        self._numbers.text = self._view.t("rows: {rows} · studies: {studies} · received: {asked}", **facts)
        for place, texts in ((self._log, lines), (self._rows, [_line(row) for row in rows]), (self._slow, slowings)):
            _show(place, texts)

    def _read(self) -> tuple[Watched, list[WatchedRow], list[str], list[str]]:
        ledger = self._at.ledger
        slowed = [f"{s.at:%H:%M} {s.node}: {s.why}; {counted(s.lanes, 'lane')}" for s in traffic.slowings(ledger)[-5:]]
        rows = watched_rows(ledger, offset=self._offset, limit=_ROWS)
        return watched(ledger), rows, tail(self._at.project), slowed

    def _told(self, now: Watched) -> str:
        if not now.at_work:
            return self._view.t("nothing is at work")
        one = now.at_work[0]
        since = f"{datetime.fromtimestamp(one.since).astimezone():%H:%M:%S}"
        return self._view.t(
            "{action} is at work since {since}, on {machine}", action=one.action, since=since, machine=one.machine
        )


def _line(row: WatchedRow) -> str:
    studies = ", ".join(f"{key} {status}{' …' if busy else ''}" for key, (status, busy) in row.studies.items())
    return " · ".join(filter(None, (f"row {row.number}", row.status, row.reason, studies)))


def _show(place: ui.element, texts: list[str]) -> None:
    """Lines of text; those that stay as they were are not sent again."""
    labels = list(place.default_slot.children)
    for label, text in zip(labels, texts, strict=False):
        if isinstance(label, ui.label) and label.text != text:
            label.text = text
    for label in labels[len(texts) :]:
        label.delete()
    with place:
        for text in texts[len(labels) :]:
            ui.label(text)


async def run_page(view: View) -> None:
    """Fill the page."""
    await RunPage(view, await view.work(opened, view.folder)).draw()
