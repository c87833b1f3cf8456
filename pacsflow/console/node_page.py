"""Node: pacs.yaml as a form; an echo and a probe with live results; the mail to the administrator."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from nicegui import ui

from pacsflow.console.node_fields import LOG_INS, SECTIONS, NodeField, described, log_in_fields, typed
from pacsflow.console.proposing import Proposal, propose, same_again
from pacsflow.console.view import View
from pacsflow.errors import PacsError, Problem, ProjectError
from pacsflow.projects.changing import value_of, with_values
from pacsflow.projects.source import FieldPath, spell, unspell

if TYPE_CHECKING:
    from pacsflow.dicom.probe import CheckResult
    from pacsflow.run.probe import Probed

_FILE: Final = "pacs.yaml"
_SIGNS: Final = {"ok": ("✓", "text-positive"), "partly": ("!", "text-accent"), "no": ("✗", "text-negative")}


class NodeForm:
    """The form: its inputs by field, and the text of the file that they began with."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.before = same_again(view, _FILE)
        self._inputs: dict[FieldPath, tuple[NodeField, Any, Any]] = {}
        self._kind = str(value_of(self.before, ("auth", "kind")) or "")
        self._log_in: ui.grid | None = None

    @property
    def shared(self) -> str:
        """The node file that pacs.yaml only names; '' where it is the node itself."""
        return str(value_of(self.before, ("use",)) or "")

    def draw(self) -> None:
        """All fields; those of the log-in follow its kind."""
        for heading, fields in SECTIONS.items():
            ui.label(self._view.t(heading)).classes("text-lg").props('role="heading" aria-level="2"')
            with ui.grid().classes("w-full grid-cols-1 md:grid-cols-3 gap-3"):
                for each in fields:
                    self._input(each)
        ui.label(self._view.t("Log-in to web services")).classes("text-lg").props('role="heading" aria-level="2"')
        kinds = {"": self._view.t("none"), **{kind: kind for kind in LOG_INS}}
        ui.select(
            kinds, value=self._kind, label=self._view.t("Kind"), on_change=lambda e: self._chosen(e.value)
        ).classes("w-64")
        self._log_in = ui.grid().classes("w-full grid-cols-1 md:grid-cols-3 gap-3")
        self._chosen(self._kind)

    def _chosen(self, kind: str) -> None:
        assert self._log_in is not None  # noqa: S101 - made before
        self._kind = kind
        self._log_in.clear()
        for path in [path for path in self._inputs if path[0] == "auth"]:
            del self._inputs[path]
        with self._log_in:
            for each in log_in_fields(kind):
                self._input(each)
            if kind:
                ui.label(self._view.t("Secrets are references: ${keyring:SERVICE/NAME}, ${file:PATH}, ${env:NAME}"))

    def _input(self, each: NodeField) -> None:
        began = value_of(self.before, each.path)
        label, disable = self._view.t(each.label), not self._view.may("administer")
        if each.kind == "choice":
            shown = {one: one or self._view.t("as usual") for one in each.choices}
            made: Any = ui.select(shown, value=began if began in shown else "", label=label)
        elif each.kind == "number":
            made = ui.number(label=label, value=began if isinstance(began, int | float) else None, format="%g")
        else:
            made = ui.input(label=label, value="" if began is None else str(began))
        made.classes("w-full").mark(spell(each.path)).set_enabled(not disable)
        made.props(f'data-field="{spell(each.path)}"')
        if told := described(each.path):
            made.tooltip(told)
        self._inputs[each.path] = (each, made, began)

    def text(self) -> str:
        """The file with what is entered; what is as it was stays untouched."""
        values: dict[FieldPath, Any] = {}
        for path, (each, made, began) in self._inputs.items():
            entered = typed(each, made.value)
            if entered != began:
                values[path] = entered
        kind = str(value_of(self.before, ("auth", "kind")) or "")
        if self._kind != kind:
            values = {path: value for path, value in values.items() if path[0] != "auth" or value is not None}
            values[("auth",)] = None
            if self._kind:
                entered = {p[-1]: typed(f, made.value) for p, (f, made, _) in self._inputs.items() if p[0] == "auth"}
                filled = {name: value for name, value in entered.items() if value is not None}
                values[("auth",)] = {"kind": self._kind, **filled}
            values = {path: value for path, value in values.items() if path == ("auth",) or path[0] != "auth"}
        return with_values(self.before, values) if values else self.before

    def mark(self, problems: list[Problem]) -> None:
        """Each mistake at its field; those of no field as a note."""
        for _, made, _ in self._inputs.values():
            _set_error(made, "")
        for one in problems:
            found = self._inputs.get(unspell(one.field))
            told = f"{one.message} → {one.fix}" if one.fix else one.message
            if found:
                _set_error(found[1], told)
            else:
                ui.notify(str(one), type="negative", multi_line=True, timeout=0, close_button=self._view.t("Close"))


def _set_error(made: Any, told: str) -> None:
    if hasattr(made, "error"):
        made.error = told or None


def node_page(view: View) -> None:
    """Fill the page."""
    form = NodeForm(view)
    if form.shared:
        ui.label(view.t("This project shares a node file; change it there: {file}", file=form.shared))
    else:
        form.draw()
    results = ui.column().classes("w-full gap-1").props('role="status" aria-live="polite"').mark("results")
    with ui.row().classes("gap-2"):
        if not form.shared:
            ui.button(view.t("Show what changes"), on_click=view.doing(lambda: _save(view, form), "administer")).mark(
                "save"
            )
        ui.button(view.t("Echo"), on_click=view.doing(lambda: _echo(view, form, results), "run")).props("outline").mark(
            "echo"
        )
        ui.button(view.t("Probe"), on_click=view.doing(lambda: _probe(view, results), "run")).props("outline").mark(
            "probe"
        )
    results.move(target_index=-1)


async def _save(view: View, form: NodeForm) -> None:
    form.mark(await propose(view, Proposal(_FILE, form.before, form.text())))


async def _echo(view: View, form: NodeForm, results: ui.column) -> None:
    """An answer of the node as the form says it, saved or not."""
    from pacsflow.run.node_trial import echo_of

    results.clear()
    with results:
        waiting = ui.spinner()
    try:
        answered = await view.work(echo_of, view.folder, form.text())
    except ProjectError as error:
        form.mark(error.problems)
        return
    except PacsError as error:
        with results:
            for sentence in view.sentences(error):
                ui.label(sentence).classes("text-negative")
        return
    finally:
        waiting.delete()
    form.mark([])
    with results:
        told = view.t("{place} answers after {ms} ms", place=answered.place, ms=round(1000 * answered.seconds))
        ui.label(f"✓ {told}").classes("text-positive")


async def _probe(view: View, results: ui.column) -> None:
    """What the node of the saved file can do, each finding as it comes."""
    from pacsflow.run.probe import probe_project

    results.clear()
    found: list[tuple[str, CheckResult]] = []
    with results:
        waiting = ui.spinner()
        lines = ui.column().classes("gap-0")
    show = _shower(found, lines)
    timer = ui.timer(0.2, show)
    try:
        probed = await view.work(
            lambda: list(probe_project(view.folder, again=True, heard=lambda node, one: found.append((node.name, one))))
        )
    finally:
        timer.cancel()
        waiting.delete()
    show()
    with results:
        for each in probed:
            _summary(view, each)


def _shower(found: "list[tuple[str, CheckResult]]", lines: ui.column) -> Callable[[], None]:
    """What shows the findings that came since it was called last."""
    shown = 0

    def show() -> None:
        nonlocal shown
        with lines:
            for name, one in found[shown:]:
                sign, style = _SIGNS.get(one.verdict, ("?", ""))
                ui.label(f"{sign} {name}, {one.name}: {one.said}").classes(style)
        shown = len(found)

    return show


def _summary(view: View, probed: "Probed") -> None:
    """What follows for us, what one can do, and the mail to whoever looks after the node."""
    for title, lines in (("What pacsflow will do", probed.strategy.sentences), ("What you can do", probed.fixes)):
        if lines:
            ui.label(view.t(title)).classes("font-bold")
        for line in lines:
            ui.label(line)
    if probed.requests:
        ui.label(view.t("Mail to the administrator of the PACS")).classes("font-bold")
        subject, body = mail(view, probed)
        ui.textarea(value=body).props("readonly outlined autogrow").classes("w-full").mark("mail")
        ui.link(view.t("Open in the mail program"), f"mailto:?subject={quote(subject)}&body={quote(body)}")


def mail(view: View, probed: "Probed") -> tuple[str, str]:
    """Subject and text of the mail: who we are, which node, what we ask for; nothing of a patient."""
    subject = view.t("DICOM access for research: {node}", node=probed.node.name)
    begin = view.t("we fetch studies for research with pacsflow, as {ours}, from {place}. May we ask for:",
                   ours=probed.node.calling_aet, place=probed.node.place)  # fmt: skip
    wishes = "\n".join(f"- {each}" for each in probed.requests)
    return subject, f"{view.t('Good day,')}\n\n{begin}\n\n{wishes}\n\n{view.t('Thank you very much')}\n{view.by}\n"
