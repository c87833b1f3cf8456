"""Run: plan, approve, begin, stop; how far and how fast it is by row and study, for all who look."""

from datetime import datetime
from typing import Final

from nicegui import ui

from pacsflow.console.opened import OpenedProject, opened
from pacsflow.console.run_process import Action, begin, tail
from pacsflow.console.view import View
from pacsflow.errors import BusyError
from pacsflow.ledger import traffic
from pacsflow.ledger.pauses import ProjectPause
from pacsflow.run.people.decisions import approve_plan
from pacsflow.run.people.pausing import pause_runs, resume_runs
from pacsflow.run.run_meter import Pace, RunLook
from pacsflow.run.run_watch import Watched, WatchedRow, stop, watched, watched_rows
from pacsflow.wording import counted, lasting

EVERY: Final = 1.0
"""Seconds between two looks at the ledger."""
_ROWS: Final = 25
_HOURS: Final = 12
"""So many lines of what nodes were asked per hour are shown, the latest first."""


class RunPage:
    """The page of one person."""

    def __init__(self, view: View, at: OpenedProject) -> None:
        self._view, self._at, self._offset = view, at, 0
        self._drawn: tuple[int, int] | None = None

    async def draw(self) -> None:
        """Buttons, and below them what is drawn again each second."""
        view = self._view
        with ui.row().classes("gap-2"):
            ui.button(view.t("Plan"), on_click=view.doing(lambda: self._begin("plan"), "run")).props("outline")
            ui.button(view.t("Approve the plan"), on_click=view.doing(self._approve, "decide")).props("outline")
            ui.button(view.t("Start"), on_click=view.doing(lambda: self._begin("run"), "run"))
            self._hold = ui.button(view.t("Pause"), on_click=view.doing(self._pause, "run")).props("outline")
            self._on = ui.button(view.t("Resume"), on_click=view.doing(self._resume, "run"))
            ui.button(view.t("Stop"), on_click=view.doing(self._stop, "run")).props("outline color=negative")
        ui.label(view.t("What is done stays done: after Stop, Start goes on. Closing the browser stops nothing."))
        ui.label(view.t("Pause ends what is under way and begins nothing new, by no run, until Resume."))
        self._plan = ui.label().mark("run-plan")
        self._state = ui.label().classes("text-lg").props('role="status" aria-live="polite"').mark("run-state")
        self._numbers = ui.label().mark("run-numbers")
        self._share = ui.linear_progress(0, show_value=False).props(f'aria-label="{view.t("Rows done")}"')
        self._pace = ui.label().mark("run-pace")
        self._log = ui.column().classes("gap-0 font-mono text-sm w-full").mark("run-log")
        self._rows = ui.column().classes("gap-0 w-full").mark("run-rows")
        self._turn = ui.row().classes("items-center")
        self._hours = ui.column().classes("gap-0 w-full").mark("run-hours")
        self._slow = ui.column().classes("gap-0 w-full")
        await self._look()
        ui.timer(EVERY, view.doing(self._look))

    async def _begin(self, action: Action) -> None:
        now = await self._view.work(watched, self._at.ledger)
        if now.at_work:
            raise BusyError(
                self._view.t("a run of this project is at work"), fix=self._view.t("wait for it, or stop it")
            )
        if now.pause:
            raise BusyError(self._paused(now.pause), fix=self._view.t("Resume"))
        await self._view.work(begin, self._at.project, action, by=self._view.by)
        await self._view.note(f"begin {action}")

    async def _approve(self) -> None:
        told = await self._view.work(approve_plan, self._view.folder, by=self._view.by)
        ui.notify(self._view.t("{what}: approved", what=told))

    async def _stop(self) -> None:
        number = await self._view.work(stop, self._at.ledger)
        await self._view.note("stop run")
        ui.notify(self._view.t("{number:run is|runs are} asked to end", number=number))

    async def _pause(self) -> None:
        await self._view.work(pause_runs, self._at.ledger, by=self._view.by)
        await self._look()

    async def _resume(self) -> None:
        """End the pause. A run that it ended goes on; one that still ends what is under way is waited for."""
        view = self._view
        held = await view.work(resume_runs, self._at.ledger, by=view.by)
        if (await view.work(watched, self._at.ledger)).at_work:
            ui.notify(view.t("a run still ends what was under way; Start goes on afterwards"))
        elif held and held.at_work:
            await self._begin("run")
        await self._look()

    async def _look(self) -> None:
        seen, rows, texts = await self._view.work(self._read)
        now = seen.now
        self._state.text = self._told(now)
        self._hold.set_visibility(now.pause is None)
        self._on.set_visibility(now.pause is not None)
        counts = [f"{number} {status}" for status, number in now.rows.most_common()]
        studies = [f"{number} {status}" for status, number in now.studies.most_common()]
        asked = f"{counted(now.asked.get('images', 0), 'image')}, {now.asked.get('bytes', 0) / 1e6:,.1f} MB"
        facts = {"rows": ", ".join(counts), "studies": ", ".join(studies), "asked": asked}
        self._numbers.text = self._view.t("rows: {rows} · studies: {studies} · received: {asked}", **facts)
        self._plan.text = self._planned(seen)
        self._share.value = _share(now)
        self._pace.text = self._paced(seen) if now.at_work else ""
        self._pages(sum(now.rows.values()))
        for place, lines in zip((self._log, self._hours, self._slow), texts, strict=True):
            _show(place, lines)
        _show(self._rows, [_line(row) for row in rows])

    def _read(self) -> tuple[RunLook, list[WatchedRow], tuple[list[str], list[str], list[str]]]:
        ledger = self._at.ledger
        slowed = [f"{s.at:%H:%M} {s.node}: {s.why}; {counted(s.lanes, 'lane')}" for s in traffic.slowings(ledger)[-5:]]
        hours = [self._asked(hour) for hour in reversed(traffic.by_hour(ledger)[-_HOURS:])]
        rows = watched_rows(ledger, offset=self._offset, limit=_ROWS)
        return self._at.meter.look(), rows, (tail(self._at.project), hours, slowed)

    def _asked(self, hour: traffic.HourOfTraffic) -> str:
        told = (
            "{hour}, {node}: {asked:query|queries}, {got:retrieval|retrievals}, {images:image|images}, {megabytes} MB"
        )
        facts = {"asked": hour.queries, "got": hour.retrievals, "images": hour.images}
        when = f"{hour.begin.astimezone():%Y-%m-%d %H}:00"
        return self._view.t(told, hour=when, node=hour.node, megabytes=f"{hour.size / 1e6:,.1f}", **facts)

    def _planned(self, seen: RunLook) -> str:
        """The plan in numbers; '' where there is none yet."""
        told = "Plan: {studies:study|studies}, {series} series, {images:image|images}, {gigabytes} GB, {hours} h"
        if not seen.plan:
            return ""
        counts = {name: int(seen.plan.get(name, 0)) for name in ("studies", "series", "images")}
        return self._view.t(told, **counts, **{name: f"{seen.plan.get(name, 0):,}" for name in ("gigabytes", "hours")})

    def _paced(self, seen: RunLook) -> str:
        """Rates, what is left, and for how long; with the lanes that are busy of those there are."""
        view, pace = self._view, seen.pace
        told = "rows/min: {rows} · images/s: {images} · MB/s: {megabytes}"
        rates = {"rows": f"{pace.rows:,.0f}", "images": f"{pace.images:,.1f}", "megabytes": f"{pace.megabytes:,.1f}"}
        parts = [view.t(told, **rates), self._left(pace)]
        if pace.seconds is not None:
            parts.append(view.t("about {time} left", time=lasting(pace.seconds)))
        return " · ".join(parts)

    def _left(self, pace: Pace) -> str:
        if pace.rows_left:
            return self._view.t("{number:row|rows} to ask", number=pace.rows_left)
        gigabytes = f"{pace.gigabytes_left:,.2f}"
        told = "{images:image|images} to fetch, about {gigabytes} GB"
        return self._view.t(told, images=pace.images_left, gigabytes=gigabytes)

    def _pages(self, total: int) -> None:
        """The ways to other rows; drawn again only where their number or the page is another one."""
        at = (total, self._offset)
        if at == self._drawn:
            return
        self._drawn = at
        self._turn.clear()
        with self._turn:
            ui.label(f"{min(self._offset + 1, total)}-{min(self._offset + _ROWS, total)} / {total}").mark("run-count")
            for label, to in (("Back", self._offset - _ROWS), ("Go on", self._offset + _ROWS)):
                if 0 <= to < total:
                    ui.button(self._view.t(label), on_click=self._view.doing(lambda to=to: self._to(to))).props(
                        "flat dense"
                    )

    async def _to(self, offset: int) -> None:
        self._offset = offset
        await self._look()

    def _paused(self, pause: ProjectPause) -> str:
        since = f"{datetime.fromtimestamp(pause.at).astimezone():%Y-%m-%d %H:%M}"
        return self._view.t("paused by {by}, {when}", by=pause.by, when=since)

    def _told(self, now: Watched) -> str:
        at_work = self._at_work(now)
        return f"{self._paused(now.pause)}; {at_work}" if now.pause else at_work

    def _at_work(self, now: Watched) -> str:
        if not now.at_work:
            return self._view.t("nothing is at work")
        one = now.at_work[0]
        since = f"{datetime.fromtimestamp(one.since).astimezone():%H:%M:%S}"
        return self._view.t(
            "{action} is at work since {since}, on {machine}", action=one.action, since=since, machine=one.machine
        )


def _share(now: Watched) -> float:
    """Of the studies that are taken, those that are complete; while rows are asked, of these those that were."""
    of, rest = (now.rows, now.rows["pending"]) if now.rows["pending"] else (now.studies, 0)
    total = sum(of.values())
    done = total - rest if rest else now.studies["complete"]
    return done / total if total else 0.0


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
