"""De-identify: the profile in sentences and as switches; a header before and after; images that wait for a look."""

from typing import Any, Final, get_args

from nicegui import ui

from pacsflow.console.header_form import HeaderForm
from pacsflow.console.proposing import Proposal, propose, same_again
from pacsflow.console.review_form import ReviewForm
from pacsflow.console.view import View
from pacsflow.errors import ProjectError
from pacsflow.projects.changing import value_of, with_values
from pacsflow.projects.source import FieldPath
from schemas.deid import Option

_FILE: Final = "deid.yaml"
KEEPS: Final = {
    "retain-safe-private": "Private elements that the standard lists as safe stay",
    "retain-uids": "UIDs stay: instances can be traced to the PACS by a person who may query it",
    "retain-device-identity": "Station, serial number and other names of the device stay",
    "retain-institution-identity": "Names and addresses of institutions stay",
    "retain-patient-characteristics": "Sex, age (over 89 years: 90), size and weight stay",
    "retain-longitudinal-full-dates": "Dates and times stay as they are",
    "retain-longitudinal-modified-dates": "Dates are moved by days that are the patient's own; intervals stay",
    "clean-descriptors": "Descriptions and comments are cleaned instead of removed",
    "clean-structured-content": "Content of structured reports is cleaned item by item",
    "clean-graphics": "Graphic annotations are cleaned instead of removed",
}
"""Option of PS3.15 Annex E -> what it keeps."""
_CHOICES: Final[dict[FieldPath, tuple[str, tuple[str, ...]]]] = {
    ("unlisted",): ("Attributes that the standard does not list", ("clean", "remove", "keep")),
    ("pixels", "burned_in"): ("Images at risk of burned-in text", ("drop-risky", "mask", "keep")),
    ("study_ids",): ("Study ID and accession number", ("empty", "keyed")),
    ("verify",): ("Verification of what was cleaned", ("strict", "off")),
}
"""Field -> its label, and its words; the first is what holds where the file says nothing."""


class ProfileForm:
    """The switches, and the text of the file that they began with."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.before = same_again(view, _FILE)
        said = value_of(self.before, ("options",))
        self._began = [str(each) for each in said] if isinstance(said, list) else []
        self._switches: dict[str, ui.switch] = {}
        self._choices: dict[FieldPath, tuple[Any, Any]] = {}

    def draw(self, changed: Any) -> None:
        """All switches; `changed` is called when one is turned."""
        may = self._view.may("administer")
        for option in get_args(Option):
            with ui.row().classes("items-center gap-2 no-wrap"):
                switch = ui.switch(option, value=option in self._began, on_change=changed).props("dense")
                switch.set_enabled(may)
                ui.label(self._view.t(KEEPS[option])).classes("text-sm")
                self._switches[option] = switch
        with ui.grid().classes("w-full grid-cols-1 md:grid-cols-2 gap-3"):
            for path, (label, words) in _CHOICES.items():
                began = value_of(self.before, path) or words[0]
                made = ui.select(list(words), value=began, label=self._view.t(label), on_change=changed)
                made.set_enabled(may)
                self._choices[path] = (made, began)

    def text(self) -> str:
        """The file with what is chosen; what is as it was stays untouched."""
        on = [name for name, switch in self._switches.items() if switch.value]
        options = [name for name in self._began if name in on] + [name for name in on if name not in self._began]
        values: dict[FieldPath, Any] = {} if options == self._began else {("options",): options}
        values |= {path: made.value for path, (made, began) in self._choices.items() if made.value != began}
        return with_values(self.before, values) if values else self.before


def deid_page(view: View) -> None:
    """Fill the page."""
    form = ProfileForm(view)
    with ui.grid().classes("w-full grid-cols-1 lg:grid-cols-2 gap-6"):
        with ui.column().classes("gap-1"):
            ui.label(view.t("What stays")).classes("text-lg").props('role="heading" aria-level="2"')
            form.draw(view.doing(lambda: _tell(view, form, sentences)))
            ui.button(
                view.t("Show what changes"), on_click=view.doing(lambda: _save(view, form), "administer")
            ).classes("mt-4")
        with ui.column().classes("gap-1"):
            ui.label(view.t("What the profile does")).classes("text-lg").props('role="heading" aria-level="2"')
            sentences = ui.column().classes("gap-1").props('role="status" aria-live="polite"')
    HeaderForm(view, form.text).draw()
    ReviewForm(view).draw()
    ui.timer(0.05, view.doing(lambda: _tell(view, form, sentences)), once=True)


async def _tell(view: View, form: ProfileForm, sentences: ui.column) -> None:
    """The profile with what is chosen, in the engine's sentences."""
    from pacsflow.run.profile_trial import sentences_of

    try:
        told, style = await view.work(sentences_of, view.folder, form.text()), ""
    except ProjectError as error:
        told, style = view.sentences(error), "text-negative"
    sentences.clear()
    with sentences:
        for each in told:
            ui.label(each).classes(style)


async def _save(view: View, form: ProfileForm) -> None:
    for one in await propose(view, Proposal(_FILE, form.before, form.text())):
        view.tell_error(ProjectError([one]))
