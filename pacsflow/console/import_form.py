"""A project begun from the configuration and the query of another system, handed in by upload: `pacsflow import`."""

from typing import Final

from nicegui import events, ui

from pacsflow.console.pages import PAGES
from pacsflow.console.view import View
from pacsflow.errors import ArgumentError, ProjectError
from pacsflow.query.tables import MOST_BYTES
from pacsflow.run.moving_over import MovedOver, OldFiles, move_over_handed_in

SYSTEMS: Final = {
    "pacsman": "PACSMAN or PACSIFIER: config.json and query.csv",
    "pacsnpull": "pacsnpull: conf.json and the JSON list of queries",
    "mid": "Medical-Imaging-Downloader: its JSON files, all of them, and the Excel query",
    "dicomtrolley": "dicomtrolley's tool: its settings, and a table of rows",
}
_BESIDE: Final = {
    "pacsman": "New ids (JSON of PACSMAN's anonymiser), where there are any",
    "dicomtrolley": "Channels (JSON), where they are not in the old keyring",
}
_MOST_OF_A_CONFIGURATION: Final = 1_000_000
_MOST_FILES: Final = 20


class ImportForm:
    """The form, in a dialog."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._configuration: dict[str, bytes] = {}
        self._query: tuple[str, bytes] | None = None
        self._beside: tuple[str, bytes] | None = None

    def open(self) -> None:
        """Show it."""
        view = self._view
        with ui.dialog() as dialog, ui.card().classes("w-full"):
            ui.label(view.t("Move over from another system")).classes("text-lg")
            self._system = ui.select(SYSTEMS, value="pacsnpull", label=view.t("System")).classes("w-full")
            self._name = ui.input(view.t("Name: small letters, digits, - and _")).classes("w-full")
            self._name.props('data-field="import-name"')
            self._upload("Configuration", "import-configuration", self._got_configuration, most=_MOST_FILES)
            self._upload("Query", "import-query", self._got_query)
            with ui.column().classes("w-full") as beside:
                self._note = ui.label()
                self._note.bind_text_from(self._system, "value", lambda one: view.t(_BESIDE.get(one, "Query")))
                self._upload("A further file", "import-beside", self._got_beside)
            beside.bind_visibility_from(self._system, "value", lambda one: one in _BESIDE)
            self._peer = ui.input(view.t("Name of the peer to ask; left out: the default source")).classes("w-full")
            self._peer.bind_visibility_from(self._system, "value", lambda one: one == "mid")
            with ui.row():
                ui.button(view.t("Move it over"), on_click=view.doing(self._begin, "administer"))
                ui.button(view.t("Cancel"), on_click=dialog.close).props("flat")
        dialog.open()

    def _upload(self, label: str, name: str, got: object, *, most: int = 1) -> None:
        size = MOST_BYTES if name == "import-query" else _MOST_OF_A_CONFIGURATION
        ui.upload(
            label=self._view.t(label), auto_upload=True, multiple=most > 1, max_files=most, max_file_size=size,
            on_upload=self._view.doing(got, "administer"),  # type: ignore[arg-type]  # a method that takes the event
        ).classes("w-full").props(f'data-field="{name}"')  # fmt: skip

    async def _got_configuration(self, event: events.UploadEventArguments) -> None:
        self._configuration[event.file.name] = await event.file.read()

    async def _got_query(self, event: events.UploadEventArguments) -> None:
        self._query = (event.file.name, await event.file.read())

    async def _got_beside(self, event: events.UploadEventArguments) -> None:
        self._beside = (event.file.name, await event.file.read())

    async def _begin(self) -> None:
        view, name, system = self._view, str(self._name.value or "").strip(), str(self._system.value)
        if not name or "/" in name or "\\" in name or name.startswith("."):
            raise ProjectError.at(
                view.t("New project"),
                view.t("is not a name for a project"),
                view.t("Name: small letters, digits, - and _"),
            )
        if self._query is None:
            raise ArgumentError(view.t("the query is not handed in yet"), fix=view.t("Query"))
        beside = self._beside if system in _BESIDE else None
        files = OldFiles(self._configuration, self._query, beside)
        said = {"peer": str(self._peer.value)} if system == "mid" and self._peer.value else {}
        moved = await view.work(move_over_handed_in, system, files, view.catalogue.room / name, said)
        await view.note("begin", f"{name}, from {system}")
        self._tell(moved, name)

    def _tell(self, moved: MovedOver, name: str) -> None:
        """What was begun, what means something else now, and what cannot be asked."""
        view = self._view
        with ui.dialog().props("persistent") as dialog, ui.card():
            ui.label(view.t("{name} is begun", name=name)).classes("text-lg")
            ui.label(view.t("Its key is {key}: keep a copy in a safe place", key=moved.begun.key))
            if moved.changes:
                ui.label(view.t("What means something else now")).classes("font-bold")
            for change in moved.changes:
                ui.label(f"- {change}")
            for one in moved.problems:
                ui.label(f"✗ {one}").classes("text-negative")
            ui.button(view.t("Go on"), on_click=lambda: ui.navigate.to(f"/project/{name}/{PAGES[0].name}"))
        dialog.open()
