"""What a project must say where another application entity receives: nothing is de-identified on that way."""

from collections.abc import Mapping

from pydantic import BaseModel

from pacsflow.projects.source import Document
from schemas.deid import DeidProfile
from schemas.export import Export
from schemas.pacs import MoveTo, PacsNode
from schemas.project import ProjectSettings


def third_party(node: PacsNode) -> MoveTo | None:
    """The application entity that receives in our place; None where we receive."""
    move_to = node.fetch.move_to
    return move_to if move_to is not None and not move_to.ours else None


def check_elsewhere(
    documents: Mapping[str, Document], models: Mapping[str, BaseModel], others: Mapping[str, PacsNode]
) -> None:
    """A problem for whatever cannot be where the first node sends to a third party.

    `others`: name of the document -> node, of the fallbacks.
    """
    first, deid = models.get("pacs.yaml"), models.get("deid.yaml")
    if not isinstance(first, PacsNode):
        return
    to = third_party(first)
    _check_others(documents, to, others)
    if to is None:
        return
    if isinstance(deid, DeidProfile) and deid.base != "none":
        documents["deid.yaml"].problem(
            ("base",),
            f"cannot be kept: the node sends to {to.aet} as it is (`ours: false`), nothing passes the de-identifier",
            "write `base: none`, IDENTIFIABLE; or let pacsflow receive and deliver",
        )
    _check_export(documents["export.yaml"], to)
    settings = models.get("project.yaml")
    if isinstance(settings, ProjectSettings) and settings.sign_off != "none":
        fix = "write `sign_off: none`, or let pacsflow receive and deliver"
        told = f"holds nothing back: images go from the node to {to.aet} without coming here"
        documents["project.yaml"].problem(("sign_off",), told, fix)


def _check_others(documents: Mapping[str, Document], to: MoveTo | None, others: Mapping[str, PacsNode]) -> None:
    for name, node in others.items():
        other = third_party(node)
        if (other.aet if other else None) != (to.aet if to else None):
            documents[name].problem(
                ("fetch", "move_to"),
                f"sends elsewhere than the first node, to {other.aet if other else 'us'}",
                "let all nodes of a project send to the same application entity",
            )


def _check_export(document: Document, to: MoveTo) -> None:
    for name, what in (("targets", "delivered"), ("nifti", "converted")):
        if (document.value or {}).get(name):
            fix = f"write `{name}: []`, or take it out"
            document.problem((name,), f"asks for what never comes here: images go to {to.aet}, none is {what}", fix)


def without_delivery(models: dict[str, BaseModel]) -> None:
    """Take the targets away that are meant where export.yaml names none: nothing comes here."""
    first, export = models.get("pacs.yaml"), models.get("export.yaml")
    if isinstance(first, PacsNode) and third_party(first) and isinstance(export, Export):
        models["export.yaml"] = export.model_copy(update={"targets": [], "nifti": []})
