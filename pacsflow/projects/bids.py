"""Rules for BIDS names: a YAML file of its own, named by `nifti.bids` of export.yaml."""

from collections.abc import Mapping
from pathlib import Path

from pacsflow.attributes import tag_for_keyword
from pacsflow.projects.keywords import check_keyword
from pacsflow.projects.patterns import check_patterns
from pacsflow.projects.places import named_place
from pacsflow.projects.source import Document, FieldPath, read_document
from pacsflow.projects.validation import validated
from pacsflow.regular_files import is_there
from schemas.bids import PLACEHOLDER, SIDECAR, Bids, Rule
from schemas.deid import DeidProfile
from schemas.export import Export

DESCRIPTIONS = frozenset(
    {
        "SeriesDescription",
        "StudyDescription",
        "ProtocolName",
        "PerformedProcedureStepDescription",
        "RequestedProcedureDescription",
    }
)
"""Texts (VR LO) that name a series and that PS3.15's basic profile empties, but for its option clean-descriptors."""


def read_rules(file: Path, name: str) -> tuple[Bids | None, Document]:
    """The rules in `file`, called `name` in problems; None where they cannot be followed, the document says why."""
    document = read_document(file, name)
    if document.value is None:
        return None, document
    rules = validated(Bids, document)
    for position, rule in enumerate(rules.rules if rules else ()):
        _check_rule(document, ("rules", position), rule)
    return (None if document.problems else rules), document


def rules_of(document: Document, export: Export) -> dict[str, Bids]:
    """The rules of each file that export.yaml (`document`) names; their mistakes are problems of the document."""
    found: dict[str, Bids] = {}
    for position, nifti in enumerate(export.nifti):
        if nifti.bids is None or nifti.bids in found:
            continue
        at: FieldPath = ("nifti", position, "bids")
        file = named_place(document, at, folder=document.folder.absolute(), text=nifti.bids)
        if not is_there(file):
            document.problem(at, "names no file", "write the path of a file with BIDS rules, as bids.yaml")
            continue
        rules, read = read_rules(file, nifti.bids)
        document.problems += read.problems
        found |= {nifti.bids: rules} if rules else {}
    return found


def check_destination(document: Document, export: Export) -> None:
    """A problem where rules for names have no dataset to be used in, or a dataset no rules."""
    named = [position for position, nifti in enumerate(export.nifti) if nifti.bids is not None]
    datasets = [position for position, target in enumerate(export.targets) if target.kind == "bids"]
    if named and not datasets:
        document.problem(("nifti", named[0], "bids"), "no target takes these names", "add a target of kind bids")
    if datasets and not named:
        message = "nothing is converted for a BIDS dataset"
        document.problem(("targets", datasets[0], "kind"), message, "add `bids: bids.yaml` to an entry of `nifti`")


def check_descriptors(document: Document, export: Export, rules: Mapping[str, Bids], profile: DeidProfile) -> None:
    """A problem in export.yaml (`document`) where labels are to be filled from descriptions that the profile empties.

    Conditions are put to the originals; a label is never made of an original's text.
    """
    kept = "clean-descriptors" in profile.options or profile.vrs.get("LO") == "keep"
    if profile.base == "none" or profile.recipe or kept:
        return
    ruled = {rule.tag.replace(" ", "").upper() for rule in profile.elements}
    emptied = {name for name in DESCRIPTIONS if not ruled & {name.upper(), _number(name)}}
    for position, nifti in enumerate(export.nifti):
        of_file = rules[nifti.bids].rules if nifti.bids and nifti.bids in rules else []
        labels = {
            name for rule in of_file for value in rule.entities.values() for name in PLACEHOLDER.findall(str(value))
        }
        if asked := sorted(labels & emptied):
            message = f"labels are filled from {', '.join(asked)}, which the profile empties: no such image gets a name"
            fix = "add `clean-descriptors` to `options` in deid.yaml, or write the label itself"
            document.problem(("nifti", position, "bids"), message, fix)


def _number(keyword: str) -> str:
    """The tag of a keyword as profiles write it, `(GGGG,EEEE)`."""
    tag = tag_for_keyword(keyword) or 0
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _check_rule(document: Document, at: FieldPath, rule: Rule) -> None:
    for name, value in rule.when.items():
        if name in SIDECAR or check_keyword(document, (*at, "when", name), name):
            check_patterns(document, (*at, "when", name), value)
    for entity, value in rule.entities.items():
        for keyword in PLACEHOLDER.findall(str(value)):
            if keyword not in SIDECAR:
                check_keyword(document, (*at, "entities", entity), keyword)
