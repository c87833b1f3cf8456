"""The frame around every page: header, navigation, language, log-out."""

from collections.abc import Sequence
from typing import Final

from nicegui import ui

from pacsflow.console.pages import HOME, PAGES, PageSpec
from pacsflow.console.view import View
from pacsflow.console.words import LANGUAGES

_STYLE: Final = """<style>
:root { --nicegui-default-padding: 1rem; }
.skip { position: absolute; left: -9999px; } .skip:focus { left: 1rem; top: .5rem; z-index: 9999; background: #fff; color: #000; padding: .5rem; }
a.nicegui-link { color: #1d4f7a; }
@layer theme { :focus-visible { outline: 3px solid #f2a900 !important; outline-offset: 0 !important; box-shadow: 0 0 0 5px #1a1a1a !important; } }
:focus-within > .q-btn__content > input:focus { outline: 3px solid #f2a900 !important; opacity: .3 !important; }
.page-body { max-width: 1600px; width: 100%; margin: 0 auto; min-width: 0; overflow-wrap: anywhere; } .page-body :is(th, td) { overflow-wrap: break-word; } .q-table__container { max-width: 100%; }
.diff { font-family: monospace; white-space: pre; overflow-x: auto; } .diff .added { background: #d7f5dd; } .diff .taken { background: #fbdcdc; }
</style>
<script>
new MutationObserver(() => {
  for (const each of document.querySelectorAll(".q-uploader input[type=file]:not([aria-label])")) {
    each.setAttribute("aria-label", each.closest(".q-uploader").querySelector(".q-uploader__title")?.textContent ?? "");
    each.tabIndex = 0;
    Object.assign(each.closest("a"), {role: "group", tabIndex: -1});
  }
  for (const each of document.querySelectorAll(".q-table__middle:not([tabindex])")) each.tabIndex = 0;
  for (const one of document.querySelectorAll("img:not([alt])"))
    one.alt = one.closest("[aria-label]")?.getAttribute("aria-label") ?? "";
}).observe(document, {childList: true, subtree: true});
</script>"""  # noqa: E501 - style sheet
"""The style: a ring shows where the focus is, on light and on dark; its layer is the first, as important rules of later
ones, such as that by which Quasar's buttons have none, give way to those of the first. The script: what the components
of Quasar leave without a name gets one; files are chosen, and tables scrolled, by keyboard too."""


def framed(view: View, current: PageSpec) -> ui.column:
    """Header and navigation; the column that the page fills."""
    ui.colors(primary="#1d4f7a", secondary="#45606f", accent="#7a3e00", positive="#1b6e3a", negative="#a11212")
    ui.add_head_html(_STYLE)
    ui.query("html").props(f'lang="{view.session.language}"')
    ui.link(view.t("Skip to the content"), "#content").classes("skip")
    with ui.header(elevated=True).classes("items-center justify-between q-py-xs"):
        with ui.row().classes("items-center gap-2"):
            ui.link("pacsflow", "/").classes("text-white text-lg font-bold no-underline")
            if view.name:
                ui.label(view.name).classes("text-white").mark("project-name")
        with ui.row().classes("items-center gap-2"):
            _languages(view)
            _another(view)
            ui.label(view.by).classes("text-white").mark("person")
            _log_out(view)
    if view.name:
        _navigation(view, current, PAGES)
    body = ui.column().classes("page-body gap-4").props('id="content" role="main" tabindex="-1"')
    with body:
        ui.label(view.t(current.title)).classes("text-2xl").props('role="heading" aria-level="1"')
    return body


def _navigation(view: View, current: PageSpec, pages: Sequence[PageSpec]) -> None:
    label = view.t("Navigation")
    with ui.row().classes("w-full gap-1 border-b pb-2").props(f'role="navigation" aria-label="{label}"'):
        for page in (HOME, *pages):
            target = f"/project/{view.name}/{page.name}" if page.name else "/"
            here = page == current
            with ui.link(target=target).classes(
                "no-underline px-3 py-2 rounded " + ("bg-primary text-white" if here else "text-primary")
            ) as link:
                ui.label(view.t(page.title))
            if here:
                link.props('aria-current="page"')


def _languages(view: View) -> None:
    async def choose(language: str) -> None:
        view.session.language = language
        ui.navigate.reload()

    button = ui.button(view.session.language.upper(), icon="language").props("flat color=white dense")
    button.props(f'aria-label="{view.t("Language")}"')
    with button, ui.menu():
        for name, spelt in LANGUAGES.items():
            ui.menu_item(spelt, view.doing(lambda name=name: choose(name)))


def _another(view: View) -> None:
    """A link for another browser of the same person; where one logs in with a password there is no need of it."""
    if not view.links:
        return

    async def show() -> None:
        link = f"{await ui.run_javascript('location.origin')}/enter?token={view.sessions.link(view.person)}"
        with ui.dialog() as dialog, ui.card():
            ui.label(view.t("This link lets one browser in, once, within 15 minutes"))
            ui.input(value=link).props("readonly outlined").classes("w-full max-w-sm").mark("link")
            ui.button(view.t("Close"), on_click=dialog.close)
        dialog.open()

    ui.button(view.t("Another browser"), on_click=view.doing(show)).props("flat color=white dense no-caps")


def _log_out(view: View) -> None:
    form = ui.element("form").props('method="post" action="/logout"').classes("inline")
    with form:
        ui.button(view.t("Log out")).props("flat color=white dense no-caps type=submit")
