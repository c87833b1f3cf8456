"""Sign-off: samples of what lies ready, headers before and after; persons let it go to the targets, or do not."""

from base64 import b64encode
from datetime import datetime

from nicegui import ui

from pacsflow.console.opened import OpenedProject, opened
from pacsflow.console.view import View
from pacsflow.ledger.signatures import Signature
from pacsflow.report.looking import Looker
from pacsflow.run.people import signing
from pacsflow.run.people.signing import Sample, SignOff


class SignOffPage:
    """The page of one person."""

    def __init__(self, view: View, at: OpenedProject) -> None:
        self._view, self._at = view, at

    async def draw(self) -> None:
        """State, samples, the decision."""
        self._state = ui.column().classes("gap-0").props('role="status" aria-live="polite"').mark("sign-off-state")
        self._body = ui.column().classes("w-full gap-3")
        await self._again()

    async def _again(self) -> None:
        ledger, project = self._at.ledger, self._at.project
        state = await self._view.work(signing.waiting, ledger, project)
        self._tell(state)
        self._body.clear()
        if not state.studies:
            return
        samples = await self._view.work(signing.samples, ledger, project)
        pictures = await self._view.work(_pictures, samples)
        with self._body:
            self._decision(state)
            with ui.row().classes("w-full gap-4"):
                for sample, picture in zip(samples, pictures, strict=True):
                    self._sample(sample, picture)

    def _tell(self, state: SignOff) -> None:
        view = self._view
        self._state.clear()
        with self._state:
            if not state.asked:
                ui.label(view.t("this project asks for no sign-off"))
            elif not state.studies:
                ui.label(view.t("nothing waits; the next run delivers what was released"))
            else:
                told = (
                    "Waiting: {studies:study|studies}, {images:image|images}. Persons who must still release "
                    "them: {lacking}"
                )
                facts = {"studies": len(state.studies), "images": state.images, "lacking": state.lacking}
                ui.label(view.t(told, **facts)).classes("text-lg")
            for one in state.said:
                when = f"{datetime.fromtimestamp(one.at).astimezone():%Y-%m-%d %H:%M}"
                told = "released by {by}, {when}" if one.release else "withheld by {by}, {when}"
                ui.label(view.t(told, by=one.by, when=when) + (f": {one.note}" if one.note else ""))

    def _decision(self, state: SignOff) -> None:
        view = self._view
        note = ui.input(view.t("Why; name no patient here")).classes("w-full max-w-sm").props("maxlength=500")

        async def decide(*, release: bool) -> None:
            said = Signature(view.by, release, note.value or "", 0.0)
            await view.work(signing.decide, self._at.ledger, self._at.project, state.digest, said)
            await self._again()

        with ui.row().classes("gap-2"):
            ui.button(view.t("Release"), on_click=view.doing(lambda: decide(release=True), "decide"))
            ui.button(view.t("Withhold"), on_click=view.doing(lambda: decide(release=False), "decide")).props(
                "outline color=negative"
            )

    def _sample(self, sample: Sample, picture: bytes | None) -> None:
        with ui.card().classes("p-2"):
            told = self._view.t("{modality}, {images:image|images}", modality=sample.modality, images=sample.images)
            ui.label(f"{sample.study} · {told}").classes("font-bold")
            if picture:
                ui.image(f"data:image/png;base64,{b64encode(picture).decode()}").classes("w-64").props(
                    f'alt="{self._view.t("middle image")}"'
                )
            with ui.element("div").classes("w-full overflow-x-auto"), ui.element("table").classes("text-sm"):
                for cells in [
                    ("", self._view.t("as the node answered"), self._view.t("as it would leave")),
                    *sample.header,
                ]:
                    with ui.element("tr"):
                        for cell in cells:
                            with ui.element("td").classes("pr-3"):
                                ui.label(cell)


def _pictures(samples: list[Sample]) -> list[bytes | None]:
    with Looker() as looker:
        return [looker.look([one.file], picture=True).picture for one in samples]


async def sign_off_page(view: View) -> None:
    """Fill the page."""
    await SignOffPage(view, await view.work(opened, view.folder)).draw()
