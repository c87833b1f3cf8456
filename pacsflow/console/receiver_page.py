"""Receiver: whether our storage SCP stands by itself, who has its port, what arrived; begun and ended."""

from datetime import datetime
from typing import Final

from nicegui import ui

from pacsflow.console.opened import OpenedProject, opened
from pacsflow.console.run_process import COMMAND, start, tail
from pacsflow.console.view import View
from pacsflow.ledger import traffic
from pacsflow.run.receiving import StandingState, receiver_of, standing, stop_standing

EVERY: Final = 1.0


class ReceiverPage:
    """The page of one person."""

    def __init__(self, view: View, at: OpenedProject) -> None:
        self._view, self._at = view, at
        _, self._move_to = receiver_of(at.project)

    async def draw(self) -> None:
        """State, and the two buttons."""
        view = self._view
        told = view.t("{aet}, port {port}", aet=self._move_to.aet, port=self._move_to.port)
        ui.label(told).classes("text-lg")
        self._state = ui.label().props('role="status" aria-live="polite"').mark("receiver-state")
        self._arrived = ui.label().mark("receiver-arrived")
        self._away = ui.label().classes("text-accent").mark("receiver-away")
        with ui.row().classes("gap-2"):
            ui.button(view.t("Start"), on_click=view.doing(self._begin, "run"))
            ui.button(view.t("Stop"), on_click=view.doing(self._stop, "run")).props("outline color=negative")
        self._log = ui.label().classes("font-mono text-sm")
        ui.label(view.t("One run has the port at a time; what it receives goes into its own process only."))
        await self._look()
        ui.timer(EVERY, view.doing(self._look))

    async def _begin(self) -> None:
        await self._view.work(_begin, self._at)
        await self._view.note("begin receiver")

    async def _stop(self) -> None:
        await self._view.work(stop_standing, self._move_to.port)
        await self._view.note("stop receiver")

    async def _look(self) -> None:
        state = await self._view.work(standing, self._move_to.port)
        asked = await self._view.work(traffic.total, self._at.ledger)
        self._state.text = self._told(state)
        facts = {"images": asked.get("images", 0), "megabytes": f"{asked.get('bytes', 0) / 1e6:,.1f}"}
        self._arrived.text = self._view.t("arrived for this project: {images:image|images}, {megabytes} MB", **facts)
        away = state.turned_away if state else ""
        self._away.text = self._view.t("turned away: {who}", who=away) if away else ""
        last = tail(self._at.project)[-1:] if state is None else []
        self._log.text = last[0] if last else ""

    def _told(self, state: StandingState | None) -> str:
        if state is None:
            return self._view.t("no receiver stands; each run opens the port by itself")
        since = f"{datetime.fromtimestamp(state.since).astimezone():%Y-%m-%d %H:%M}"
        facts = {"since": since, "runs": state.runs, "connections": state.connections}
        told = self._view.t(
            "stands since {since}; {runs:run|runs} had it, {connections:connection|connections}", **facts
        )
        return f"{told}; {self._view.t('a run has it now')}" if state.lent_to else told


def _begin(at: OpenedProject) -> None:
    """Begin a receiver as a process of its own, which outlives the console."""
    start(at.project, [*COMMAND, "receive", str(at.project.folder)])


async def receiver_page(view: View) -> None:
    """Fill the page."""
    await ReceiverPage(view, await view.work(opened, view.folder)).draw()
