"""Projects: a card for each, with what wants a person; a wizard that begins a new one."""

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from nicegui import ui

from pacsflow.console.import_form import ImportForm
from pacsflow.console.pages import PAGES
from pacsflow.console.view import View
from pacsflow.errors import ProjectError, ServerError
from pacsflow.projects.beginning import begin_project, usual_text
from pacsflow.projects.first_answers import with_node
from pacsflow.projects.templates import TEMPLATES, USUAL, texts_of_template

if TYPE_CHECKING:
    from pacsflow.run.overview import Overview

_NODE: Final = {"host": "Host name or address", "called_aet": "AE title of the PACS", "calling_aet": "Our AE title"}


def projects_page(view: View) -> None:
    """Fill the page."""
    if not view.catalogue.single and view.may("administer"):
        with ui.row():
            ui.button(view.t("New project"), icon="add", on_click=view.doing(lambda: _wizard(view), "administer"))
            form = view.doing(lambda: ImportForm(view).open(), "administer")
            ui.button(view.t("Move over from another system"), on_click=form).props("outline")
    projects = view.catalogue.projects()
    if not projects:
        ui.label(view.t("There is no project in this folder yet"))
    with ui.grid().classes("w-full grid-cols-1 md:grid-cols-2 xl:grid-cols-3 gap-4"):
        cards = {name: _card(name) for name in projects}

    async def fill() -> None:
        for name, folder in projects.items():
            await _fill(view, name, await view.work(_overview, folder), cards[name])

    ui.timer(0.05, view.doing(fill), once=True)


def _overview(folder: Any) -> "Overview":
    from pacsflow.run.overview import overview_of

    return overview_of(folder)


def _card(name: str) -> ui.card:
    with ui.card().classes("w-full") as card:
        ui.link(name, f"/project/{name}/{PAGES[0].name}").classes("text-lg font-bold")
    return card


def _next_run(found: "Overview") -> datetime | None:
    """When its deployment begins by itself next, as Prefect's server says."""
    if not found.by_schedule or not os.environ.get("PREFECT_API_URL"):
        return None
    from flows.coming import next_run

    return next_run(found.deployed)


async def _coming(view: View, found: "Overview") -> str:
    """When a project's next run begins, in a sentence."""
    if not found.by_schedule:
        return view.t("Next run: when somebody starts it")
    try:
        begin = await view.work(_next_run, found)
    except ServerError:
        return view.t("Next run: Prefect's server does not answer")
    if begin is None:
        return view.t("Next run: when somebody starts it; its schedule is not deployed")
    return view.t("Next run: {when}", when=f"{begin.astimezone():%Y-%m-%d %H:%M}")


async def _fill(view: View, name: str, found: "Overview", card: ui.card) -> None:
    coming = await _coming(view, found)
    with card:
        if found.title:
            ui.label(found.title)
        if found.problems:
            told = view.t("Mistakes in its files: {number}", number=found.problems)
            ui.label(f"✗ {told}").classes("text-negative")
            return
        if found.trouble:
            ui.label(f"✗ {found.trouble}").classes("text-negative")
        ui.label(view.t("{done} of {rows:row|rows} done", done=found.done, rows=found.rows)).mark(f"done-{name}")
        ui.linear_progress(found.done / found.rows if found.rows else 0, show_value=False).props(
            f'aria-label="{view.t("Rows done")}"'
        )
        last = f"{datetime.fromtimestamp(found.last).astimezone():%Y-%m-%d %H:%M}" if found.last else view.t("not yet")
        ui.label(view.t("Last report: {when}", when=last))
        ui.label(coming).mark(f"next-{name}")
        if found.paused:
            ui.label(f"! {view.t('Paused by {by}', by=found.paused)}").classes("text-accent font-bold")
        for wanted, text in (
            (found.held, "Rows that wait for a person: {number}"),
            (found.waits, "The plan waits for approval"),
        ):
            if wanted:
                ui.label(f"! {view.t(text, number=int(wanted))}").classes("text-accent font-bold")


async def _wizard(view: View) -> None:
    """Name, kind and node; the rest is on the new project's pages."""
    with ui.dialog() as dialog, ui.card().classes("w-full"):
        ui.label(view.t("New project")).classes("text-lg")
        name = ui.input(view.t("Name: small letters, digits, - and _")).classes("w-full").props('data-field="new-name"')
        kinds = {each: f"{each}: {template.what}" for each, template in TEMPLATES.items()}
        kind = ui.select(kinds, value=USUAL, label=view.t("What to begin with")).classes("w-full")
        node: dict[str, Any] = {
            field: ui.input(view.t(label)).classes("w-full").props(f'data-field="new-{field}"')
            for field, label in _NODE.items()
        }
        node["port"] = ui.number(view.t("Port"), format="%d").classes("w-full").props('data-field="new-port"')

        async def begin() -> None:
            said = {field: made.value for field, made in node.items() if made.value}
            if "port" in said:
                said["port"] = int(said["port"])
            await _begin(view, str(name.value).strip(), str(kind.value), said)

        with ui.row():
            ui.button(view.t("Begin it"), on_click=view.doing(begin, "administer"))
            ui.button(view.t("Cancel"), on_click=dialog.close).props("flat")
    dialog.open()


async def _begin(view: View, name: str, kind: str, node: dict[str, str | int]) -> None:
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise ProjectError.at(
            view.t("New project"), view.t("is not a name for a project"), view.t("Name: small letters, digits, - and _")
        )
    texts = texts_of_template(kind)
    if node:
        texts["pacs.yaml"] = with_node(texts.get("pacs.yaml") or usual_text("pacs.yaml"), node)
    begun = await view.work(begin_project, view.catalogue.room / name, texts)
    await view.note("begin", name)
    with ui.dialog().props("persistent") as dialog, ui.card():
        ui.label(view.t("{name} is begun", name=name)).classes("text-lg")
        ui.label(view.t("Its key is {key}: keep a copy in a safe place", key=begun.key))
        ui.label(view.t("It writes to {place}", place=begun.workdir))
        ui.button(view.t("Go on"), on_click=lambda: ui.navigate.to(f"/project/{name}/{PAGES[0].name}"))
    dialog.open()
