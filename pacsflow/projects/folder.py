"""The five files of a project folder, read and checked together."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from pacsflow.errors import Problem, ProjectError
from pacsflow.policy import active_policy
from pacsflow.projects.bids import check_descriptors, check_destination, rules_of
from pacsflow.projects.elsewhere import check_elsewhere, without_delivery
from pacsflow.projects.meaning import check_meaning, check_workers
from pacsflow.projects.nodes import NodeReader, Nodes
from pacsflow.projects.places import with_files, with_recipe, with_table, written_folder
from pacsflow.projects.programs import post_programs
from pacsflow.projects.project import Project
from pacsflow.projects.reaching import check_reaches
from pacsflow.projects.source import Document, FieldPath, read_document
from pacsflow.projects.support import check_support
from pacsflow.projects.targets import check_codes, check_targets, check_workdir
from pacsflow.projects.validation import validated
from pacsflow.regular_files import at_home, is_there
from schemas import FILES
from schemas.bids import Bids
from schemas.deid import DeidProfile
from schemas.export import Export, Storage, Target
from schemas.pacs import PacsNode
from schemas.project import ProjectSettings
from schemas.query import Query

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Inspection:
    """What a project folder holds: each model where its file is right, and all problems found."""

    folder: Path
    documents: Mapping[str, Document] = field(repr=False)
    models: Mapping[str, BaseModel] = field(repr=False)
    project: Project | None
    problems: tuple[Problem, ...]


def read_project(folder: Path) -> Project:
    """The project in `folder`. Raises ProjectError with all problems of the five files at once."""
    inspection = inspect_project(folder)
    if inspection.problems or inspection.project is None:
        raise ProjectError(list(inspection.problems))
    return inspection.project


def read_targets(file: Path, workdir: Path) -> list[Target]:
    """The targets of a file like export.yaml, `workdir` in place of ${project.workdir}. Raises ProjectError."""
    document = _read(file.parent, file.name)
    model = validated(Export, document) if document.value is not None else None
    if model is not None:
        check_support(document, model)
        model = _with_targets(file.parent, document, model, workdir=str(workdir))
        check_targets(document, model.targets)
        if (policy := active_policy()) is not None:
            check_reaches(policy, {file.name: document}, {file.name: model}, file.parent)
    if model is None or document.problems:
        raise ProjectError(document.problems)
    return model.targets


def inspect_project(folder: Path) -> Inspection:
    """All that can be read of a project folder, right or wrong; raises nothing for what it holds."""
    folder = folder.absolute()
    documents = {name: _read(folder, name) for name in FILES}
    models = {name: model for name in FILES if (model := _model(documents[name], name)) is not None}
    for name in tuple(models):
        models[name] = model = _replaced(folder, documents, models, name)
        check_meaning(documents[name], model)
        check_support(documents[name], model)
    nodes = _nodes(folder, documents, models)
    documents |= nodes.documents
    check_elsewhere(documents, models, nodes.fallback)
    check_codes(documents, models)
    check_workers(documents, models)
    without_delivery(models)
    bids = _bids(documents["export.yaml"], models)
    export = models.get("export.yaml")
    programs = post_programs(documents["export.yaml"], export) if isinstance(export, Export) else {}
    if (policy := active_policy()) is not None:
        check_reaches(policy, documents, {**models, **_others(nodes)}, folder)
    problems = tuple(problem for document in documents.values() for problem in document.problems)
    project = None if len(models) < len(FILES) else _project(folder, documents, models, nodes)
    return Inspection(folder, documents, models, project and replace(project, bids=bids, programs=programs), problems)


def _project(folder: Path, documents: dict[str, Document], models: dict[str, BaseModel], nodes: Nodes) -> Project:
    settings = _typed(models["project.yaml"], ProjectSettings)
    return Project(
        folder=folder,
        settings=settings,
        pacs=_typed(models["pacs.yaml"], PacsNode),
        query=_typed(models["query.yaml"], Query),
        deid=_typed(models["deid.yaml"], DeidProfile),
        export=_typed(models["export.yaml"], Export),
        workdir=Path(settings.workdir),
        documents=documents,
        fallback=tuple(nodes.fallback.values()),
        arrivals=nodes.arrivals,
    )


def _nodes(folder: Path, documents: dict[str, Document], models: dict[str, BaseModel]) -> Nodes:
    first = models.get("pacs.yaml")
    if not isinstance(first, PacsNode):
        return Nodes()

    def checked(document: Document, node: PacsNode) -> PacsNode:
        node = with_files(document.folder, node)
        check_meaning(document, node)
        check_support(document, node)
        return node

    return NodeReader(folder, checked).read(documents["pacs.yaml"], first)


def models_of(project: Project) -> dict[str, BaseModel]:
    """The models of a project's files, by the names of their documents."""
    first: dict[str, BaseModel] = {
        "project.yaml": project.settings,
        "pacs.yaml": project.pacs,
        "query.yaml": project.query,
        "deid.yaml": project.deid,
        "export.yaml": project.export,
    }
    others = [*project.fallback, *filter(None, [project.arrivals])]
    return {**first, **{f"node {node.name}": node for node in others}}


def _others(nodes: Nodes) -> dict[str, BaseModel]:
    """The nodes beside the first, by the names of their documents."""
    named = {name: node for name, node in nodes.fallback.items() if name in nodes.documents}
    arrivals = {name: nodes.arrivals for name in nodes.documents if nodes.arrivals and name not in named}
    return {**named, **arrivals}


def _bids(document: Document, models: Mapping[str, BaseModel]) -> dict[str, Bids]:
    model, profile = models.get("export.yaml"), models.get("deid.yaml")
    if not isinstance(model, Export):
        return {}
    check_destination(document, model)
    rules = rules_of(document, model)
    if isinstance(profile, DeidProfile):
        check_descriptors(document, model, rules, profile)
    return rules


def _typed(model: BaseModel, kind: type[M]) -> M:
    if not isinstance(model, kind):
        raise TypeError(f"expected {kind.__name__}")
    return model


def _read(folder: Path, name: str) -> Document:
    file = folder / name
    if not is_there(file):
        return _missing(folder, name)
    document = read_document(file, name)
    if name == "pacs.yaml" and document.value is not None and "use" in document.value:
        return _used(folder, document)
    return document


def _missing(folder: Path, name: str) -> Document:
    document = Document(name)
    other = name.replace(".yaml", ".yml")
    if not folder.is_dir():
        document.file = folder.name
        document.problem((), "is not a folder", "give the project's folder; `pacsflow init NAME` makes one")
    elif is_there(folder / other):
        document.problem((), "is missing", f"rename {other} to {name}")
    else:
        document.problem((), "is missing", f"write {name}; `pacsflow init NAME` shows how")
    return document


def _used(folder: Path, document: Document) -> Document:
    """The node file that `use:` names, in place of pacs.yaml."""
    other = (document.value or {})["use"]
    if len(document.value or {}) > 1:
        document.problem(("use",), "stands beside other keys", "move them into the file named by `use`")
    elif not isinstance(other, str) or not is_there(folder / at_home(other)):
        document.problem(("use",), "names no file", "write a path from the project folder, as ../nodes/main-pacs.yaml")
    else:
        return read_document(folder / at_home(other), other)
    document.value = None
    return document


def _model(document: Document, name: str) -> BaseModel | None:
    if document.value is None:
        return None
    if name == "project.yaml" and document.value.get("version", 1) != 1:
        document.problem(("version",), "is not 1, the version this pacsflow reads", "install a newer pacsflow")
        return None
    return validated(FILES[name], document)


def _replaced(folder: Path, documents: dict[str, Document], models: dict[str, BaseModel], name: str) -> BaseModel:
    """The model with `${env:NAME}`, `${project.workdir}` and `~` replaced in the folders it writes to."""
    model = models[name]
    if isinstance(model, ProjectSettings):
        place = written_folder(documents[name], ("workdir",), folder=folder, text=model.workdir)
        return model.model_copy(update={"workdir": str(place)})
    if isinstance(model, DeidProfile):
        return with_recipe(documents[name], with_table(documents[name], model))
    if isinstance(model, PacsNode):
        return with_files(documents[name].folder, model)
    if isinstance(model, Export):
        settings = models.get("project.yaml")
        workdir = settings.workdir if isinstance(settings, ProjectSettings) else ""
        model = _with_targets(folder, documents[name], model, workdir=workdir or os.sep)
        if workdir:
            check_workdir(documents[name], model.targets, Path(workdir))
        return model
    return model


def _with_targets(folder: Path, document: Document, model: Export, *, workdir: str) -> Export:
    targets = list(model.targets)
    for position, target in enumerate(targets):
        if (text := getattr(target, "path", None)) is not None:
            at: FieldPath = ("targets", position, "path")
            place = written_folder(document, at, folder=folder, text=text, workdir=workdir)
            targets[position] = target.model_copy(update={"path": str(place)})
        else:
            if isinstance(target, Storage) and target.scheme == "file":
                text = urlsplit(target.url).path
                written_folder(document, ("targets", position, "url"), folder=folder, text=text, workdir=workdir)
            targets[position] = with_files(document.folder, target)
    return model.model_copy(update={"targets": targets})
