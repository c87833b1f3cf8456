"""What a page is given: who looks at it, which project it is of, and the ways to do things safely."""

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable, signature
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from nicegui import ui

from pacsflow.console.accounts import ROLES, Visitor
from pacsflow.console.catalogue import Catalogue
from pacsflow.console.console_trail import ConsoleTrail, note_in_project
from pacsflow.console.sessions import Sessions, WebSession
from pacsflow.console.words import said
from pacsflow.errors import PacsflowError, ProjectError
from pacsflow.wording import addressed

P = ParamSpec("P")
T = TypeVar("T")


class NotAllowedError(PacsflowError):
    """The person at the browser lacks a role."""


@dataclass(frozen=True)
class View:
    """A page as one person sees it. `name`, `folder`: of the project; '' and the catalogue's where it is of none."""

    session: WebSession
    sessions: Sessions
    catalogue: Catalogue
    trail: ConsoleTrail
    name: str
    folder: Path
    links: bool = False
    """Whether one gets in by links alone, so that a person may ask for another one."""

    @property
    def person(self) -> Visitor:
        """Who looks at it, with the roles of now."""
        return self.session.person

    @property
    def by(self) -> str:
        """Who decides, for the audit trail."""
        return self.person.name

    def t(self, english: str, **facts: object) -> str:
        """A text in the person's language, from the tables in `words/`."""
        return said(self.session.language, english, **facts)

    def may(self, role: str) -> bool:
        """Whether the person has a role; for what is shown. `doing` asks again when it is done."""
        return self.person.may(role)

    def need(self, role: str) -> None:
        """Raise NotAllowedError where the session has ended, or the person lacks a role."""
        if role not in ROLES:
            raise ValueError(role)
        if not self.sessions.alive(self.session) or not self.may(role):
            raise NotAllowedError(self.t("You may look, and need the role `{role}` for this", role=role))

    def doing(self, handler: Callable[..., Any], role: str = "view") -> Callable[..., Awaitable[None]]:
        """A handler that is for a role only, and whose errors are told on the page; none of its text is logged."""

        async def done(*given: Any) -> None:
            try:
                self.need(role)
                result = handler(*given)
                if isawaitable(result):
                    await result
            except PacsflowError as error:
                self.tell_error(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the page goes on and the text stays unsaid
                tell_fault(error)
                ui.notify(self.fault(error), type="negative", multi_line=True, timeout=0, close_button=self.t("Close"))

        done.__signature__ = signature(handler)  # type: ignore[attr-defined]  # what it takes is what it is given
        return done

    async def work(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What takes time, in a thread; the page goes on meanwhile. Raises what the call raises."""
        return await asyncio.to_thread(call, *args, **kwargs)

    def tell_error(self, error: PacsflowError) -> None:
        """An expected failure, as a note on the page: what, and what to do."""
        ui.notify("\n".join(self.sentences(error)), type="negative", multi_line=True, timeout=0,
                  close_button=self.t("Close"))  # fmt: skip

    def sentences(self, error: PacsflowError) -> list[str]:
        """An expected failure in sentences."""
        if isinstance(error, ProjectError):
            return [addressed(str(each), self.name) for each in error.problems]
        fix = [self.t("What to do: {fix}", fix=addressed(error.fix, self.name))] if error.fix else []
        return [str(error), *fix]

    def fault(self, error: BaseException) -> str:
        """An unexpected failure, without its text."""
        kind = type(error).__name__
        return self.t("The console has a fault: {kind}. Its details are with the console's process", kind=kind)

    async def note(self, action: str, about: str = "") -> None:
        """Write down what the person did, in the console's trail and, of a project, in its own."""
        await asyncio.to_thread(self.trail.note, action, self.by, f"{self.name}: {about}" if self.name else about)
        if self.name:
            await asyncio.to_thread(note_in_project, self.folder, action, self.by, about)


def tell_fault(error: BaseException) -> None:
    """Type and place of an unexpected failure, on the console's own screen; its text may name a patient."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    told = "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in place)
    sys.stderr.write(f"pacsflow console has a fault: {type(error).__name__}{told}\n")
