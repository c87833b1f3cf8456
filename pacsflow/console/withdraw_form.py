"""Withdraw, on the page of results: as `pacsflow withdraw`, once a person wrote the project's name to confirm it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from nicegui import ui

from pacsflow.console.view import View
from pacsflow.errors import ArgumentError
from pacsflow.run.people.withdrawal import places_of, withdraw_from
from pacsflow.run.withdrawing import Withdrawal, WithdrawRequest
from pacsflow.wording import counted

_KINDS: Final = {
    "row": "A row, by its id",
    "patient": "A patient, by the Patient ID",
    "study": "A study, by its key or UID",
    "unwanted": "All that no row wants any more",
}


class WithdrawForm:
    """The form. `changed` is called once something was withdrawn."""

    def __init__(self, view: View, changed: Callable[[], Awaitable[None]]) -> None:
        self._view, self._changed = view, changed

    def draw(self) -> None:
        """What is to be withdrawn, and the button that asks whether it really is."""
        view = self._view
        with ui.expansion(view.t("Withdraw what was delivered")).classes("w-full"):
            ui.label(view.t("It is taken away from all targets that can, and not fetched again. There is no way back."))
            with ui.row().classes("items-center gap-3"):
                kinds = {kind: view.t(label) for kind, label in _KINDS.items()}
                self._kind = ui.select(kinds, value="row", label=view.t("What")).classes("w-full max-w-xs")
                self._named = ui.input(view.t("Its id")).props('data-field="withdraw-what" autocomplete=off')
                self._named.bind_visibility_from(self._kind, "value", lambda kind: kind != "unwanted")
                self._gone = ui.input(view.t("Targets where you deleted it by hand, as dicom 1")).classes(
                    "w-full max-w-sm"
                )
            ui.button(view.t("Withdraw"), on_click=view.doing(self._ask, "administer")).props("color=negative")
            self._told = ui.column().classes("gap-0").props('role="status" aria-live="polite"').mark("withdrawn")

    def _wish(self) -> WithdrawRequest:
        """What is asked for. Raises ArgumentError where nothing is named."""
        kind, named = str(self._kind.value), str(self._named.value or "").strip()
        gone = tuple(filter(None, (each.strip() for each in str(self._gone.value or "").split(","))))
        if kind == "unwanted":
            return WithdrawRequest(unwanted=True, gone=gone)
        if not named:
            raise ArgumentError(self._view.t("say what is to be taken away"), fix=self._view.t(_KINDS[kind]))
        of = {each: named if each == kind else "" for each in ("row", "patient", "study")}
        return WithdrawRequest(of["row"], of["patient"], of["study"], gone=gone)

    async def _ask(self) -> None:
        wish, view = self._wish(), self._view
        with ui.dialog() as dialog, ui.card():
            ui.label(view.t("Write {project} to withdraw: {what}", project=view.name, what=self._kind_told()))
            typed = ui.input(view.t("Name of the project")).props(
                'data-field="withdraw-sure" autofocus autocomplete=off'
            )

            async def sure() -> None:
                if str(typed.value or "").strip() != view.name:
                    raise ArgumentError(view.t("that is not the name of the project"), fix=view.name)
                dialog.close()
                await self._withdraw(wish)

            with ui.row():
                ui.button(view.t("Withdraw it"), on_click=view.doing(sure, "administer")).props("color=negative")
                ui.button(view.t("Cancel"), on_click=dialog.close).props("flat")
        dialog.open()

    def _kind_told(self) -> str:
        return self._view.t(_KINDS[str(self._kind.value)])

    async def _withdraw(self, wish: WithdrawRequest) -> None:
        self._told.clear()
        with self._told:
            ui.spinner()
        try:
            done = await self._view.work(withdraw_from, self._view.folder, wish, by=self._view.by)
        finally:
            self._told.clear()
        await self._view.note("withdraw", f"{done.what}: {counted(len(done.studies), 'study', 'studies')}")
        with self._told:
            self._tell(done)
        self._named.value = ""
        await self._changed()

    def _tell(self, done: Withdrawal) -> None:
        view = self._view
        ui.label(view.t("{number:study|studies} withdrawn", number=len(done.studies))).classes("font-bold")
        for place, studies, files in places_of(done):
            told = view.t("{studies:study|studies}, {files:file|files} taken away", studies=studies, files=files)
            ui.label(f"{place}: {told}")
        if done.links:
            ui.label(view.t("{number:patient|patients} taken out of the vault", number=done.links))
        for key, one in done.stays:
            ui.label(f"✗ {one.place}: {key}: {one.why}. {one.fix}").classes("text-negative")
        for note in done.notes:
            ui.label(f"! {note}")
        if done.certificate:
            self._certificate(done.certificate)

    def _certificate(self, file: Path) -> None:
        async def download() -> None:
            ui.download.content(await self._view.work(file.read_bytes), file.name)

        ui.button(file.name, icon="download", on_click=self._view.doing(download)).props("outline no-caps dense")
