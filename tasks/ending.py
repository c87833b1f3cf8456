"""How a run ends in Prefect: its state, an event with numbers, and a word to whom the project names."""

import logging

from prefect import State
from prefect.events import emit_event
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from pacsflow.ledger import setting
from pacsflow.projects import Project
from pacsflow.run.reporting.ending import Ending
from pacsflow.run.reporting.notifying import notify
from pacsflow.run.session import Session
from tasks.saying import note

EVENT = "pacsflow.run.ended"


def end_of(project: Project, ending: Ending) -> State[str]:
    """The state of a run that ended so, after everybody was told."""
    tell(project, ending)
    made = Failed if ending.red else Completed
    return made(name=ending.name, message=ending.message)


def tell(project: Project, ending: Ending) -> None:
    """Emit `pacsflow.run.ended`, for automations, and tell those of `notify`. Never raises for a peer that is away."""
    name = project.settings.name
    payload = {"project": name, "outcome": ending.name, "red": ending.red, "rows": dict(ending.rows)}
    resource = {"prefect.resource.id": f"pacsflow.project.{name}", "prefect.resource.name": name}
    emit_event(EVENT, resource=resource, payload=payload)
    for fault in notify(project.settings.notify, name, ending, link=flow_run.ui_url or ""):
        note(fault, level=logging.WARNING)


def tell_once(run: Session, ending: Ending, about: str) -> None:
    """As `tell`; not again for the same thing, as a run that is suspended goes through the same place twice."""
    if setting(run.ledger, "told", about) != about:
        tell(run.project, ending)
