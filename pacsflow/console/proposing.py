"""A change to a file of the project, shown before it is made: mistakes, difference, and the button that saves it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nicegui import ui

from pacsflow.console.view import View
from pacsflow.errors import Problem, ProjectError
from pacsflow.projects.changing import difference, read_text, shadow, write_change

_SECONDS_TO_READ = 1.5
"""So long it is said that the file was written, before the page begins from it again."""


@dataclass(frozen=True)
class Proposal:
    """The texts of a file before and after a change. `saved` is called when it was written."""

    file: str
    before: str
    after: str
    saved: Callable[[], object] = ui.navigate.reload


def mistakes_with(folder: Path, texts: Mapping[str, str]) -> list[Problem]:
    """What would be wrong with a project whose files had these texts."""
    from pacsflow.query import load

    with shadow(folder, texts) as tried:
        try:
            load(tried)
        except ProjectError as error:
            return error.problems
    return []


def same_again(view: View, file: str) -> str:
    """The text of a file of the project as it is now."""
    return read_text(view.folder / file)


async def propose(view: View, proposal: Proposal) -> list[Problem]:
    """Show what would change, with a button that saves it; the mistakes that it would make in that very file.

    With mistakes in the file nothing is shown: they belong to the fields of the page.
    """
    if proposal.before == proposal.after:
        ui.notify(view.t("Nothing differs from the file"))
        return []
    problems = await view.work(mistakes_with, view.folder, {proposal.file: proposal.after})
    own = [one for one in problems if one.file == proposal.file]
    if not own:
        _show(view, proposal, problems)
    return own


def _show(view: View, proposal: Proposal, others: list[Problem]) -> None:
    with ui.dialog() as dialog, ui.card().classes("w-full").style("max-width: 60rem"):
        ui.label(view.t("What would change in {file}", file=proposal.file)).classes("text-lg")
        with ui.element("div").classes("diff w-full border p-2").mark("diff"):
            for line in difference(proposal.before, proposal.after):
                sign = {"added": "+", "taken": "-"}.get(line.what, " ")
                ui.label(f"{sign} {line.text}").classes(line.what)
        if others:
            ui.label(view.t("Wrong elsewhere in the project: {number}", number=len(others))).classes("text-accent")
            for one in others[:5]:
                ui.label(str(one)).classes("text-sm")
        with ui.row():
            ui.button(view.t("Save"), on_click=view.doing(_saver(view, proposal, dialog), "administer"))
            ui.button(view.t("Cancel"), on_click=dialog.close).props("flat")
    dialog.open()


def _saver(view: View, proposal: Proposal, dialog: ui.dialog) -> Callable[[], object]:
    async def save() -> None:
        await view.work(write_change, view.folder / proposal.file, proposal.before, proposal.after)
        await view.note("change", proposal.file)
        dialog.close()
        ui.notify(view.t("Saved"), type="positive")
        await asyncio.sleep(_SECONDS_TO_READ)
        proposal.saved()

    return save
