"""Pictures, on the page of results: the middle image, or three planes, of each series that is held, some at a time."""

from base64 import b64encode
from typing import Final

from nicegui import ui

from pacsflow.console.opened import OpenedProject
from pacsflow.console.view import View
from pacsflow.report.looking import Looker
from pacsflow.run.people.held_series import HeldSeries, held_series, number_held, shown_as_held

PAGE: Final = 12


class PicturesForm:
    """Made when a person asks for them: each costs the time of decoding its images. They are written nowhere."""

    def __init__(self, view: View, at: OpenedProject) -> None:
        self._view, self._at = view, at
        self._asked = 0

    def draw(self) -> None:
        """The button, and the place of the pictures."""
        view = self._view
        with ui.expansion(view.t("Pictures")).classes("w-full"):
            if not shown_as_held(self._at.project):
                ui.label(view.t("the images stay as the node sent them, so they are not shown here"))
                return
            ui.button(view.t("Show the pictures"), on_click=view.doing(lambda: self._show(0))).props("outline dense")
            self._told = ui.row().classes("items-center").props('role="status" aria-live="polite"')
            self._place = ui.row().classes("w-full gap-3 items-start").mark("pictures")

    async def _show(self, offset: int) -> None:
        view, at = self._view, self._at
        self._asked += 1
        mine = self._asked
        total = await view.work(number_held, at.ledger)
        found = await view.work(held_series, at.ledger, at.project, offset=offset, limit=PAGE)
        self._tell(offset, len(found), total)
        self._place.clear()
        with Looker() as looker:
            for one in found:
                seen = await view.work(looker.look, one.files, picture=True)
                if self._asked != mine:  # others are asked for by now
                    return
                with self._place:
                    self._card(one, seen.description, seen.picture)

    def _tell(self, offset: int, shown: int, total: int) -> None:
        view = self._view
        self._told.clear()
        with self._told:
            if not total:
                ui.label(view.t("no image is held"))
                return
            ui.label(f"{offset + 1}-{offset + shown} / {total}").mark("pictures-count")
            for label, to in (("Back", offset - PAGE), ("Go on", offset + PAGE)):
                if 0 <= to < total:
                    ui.button(view.t(label), on_click=view.doing(lambda to=to: self._show(to))).props("flat dense")

    def _card(self, one: HeldSeries, description: str, picture: bytes | None) -> None:
        view = self._view
        told = view.t("{modality}, {images:image|images}", modality=one.modality, images=len(one.files))
        with ui.card().classes("p-2 w-64"):
            ui.label(view.t("row {number}", number=str(one.row)) + f" · {one.study}").classes("font-bold")
            ui.label(f"{told} · {description}" if description else told)
            if picture is None:
                ui.label(view.t("no picture can be made of it"))
            else:
                image = ui.image(f"data:image/png;base64,{b64encode(picture).decode()}").classes("w-full")
                image.props(f'alt="{view.t("middle image")}" fit=contain')
