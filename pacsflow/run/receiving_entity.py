"""The application entity that receives images in our place, in words."""

from pacsflow.projects.elsewhere import third_party
from pacsflow.projects.project import Project


def sent_to(project: Project) -> str:
    """The application entity that receives images, and how it is known what arrived; '' where images come here."""
    to = third_party(project.pacs)
    return f"{to.aet} ({known_how(checked=project.arrivals is not None)})" if to else ""


def known_how(*, checked: bool) -> str:
    """How it is known what arrived at another application entity."""
    return "compared there by UID" if checked else "by the node's own numbers"
