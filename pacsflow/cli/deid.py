"""deid: a folder tree of DICOM files through a profile."""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn

import typer
from rich.markup import escape
from rich.progress import Progress

from pacsflow.cli.deid_layout import PACSMAN, checked_layout, is_pacsmans, laid_out
from pacsflow.cli.explain import explain as explain_profile
from pacsflow.cli.pacsman import PacsmanOptions, write_key_files
from pacsflow.cli.profile import ChosenProfile, read_profile
from pacsflow.cli.show import Folding, console
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.projects.own_profile import own_profile
from pacsflow.secrets import project_key
from pacsflow.system import only_for_owner, processors
from pacsflow.vault import Vault
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.deid.trees.tree import Tree, TreeOutcome
    from pacsflow.run.files.original_names import AskedOriginals

Originals = Annotated[
    Path | None,
    typer.Argument(
        help="Folder with the originals; with --explain a file", exists=True, resolve_path=True, metavar="IN"
    ),
]
Results = Annotated[
    Path | None,
    typer.Argument(help="Folder for the results; made where it is absent", resolve_path=True, metavar="[OUT]"),
]
Profile = Annotated[
    Path | None,
    typer.Option(
        help="A deid.yaml, or a project folder; left out: one is made for OUT", exists=True, resolve_path=True
    ),
]
Explained = Annotated[
    Path | None,
    typer.Option(
        help="Say what this profile does, and to the file IN; as `pacsflow explain`", exists=True, resolve_path=True
    ),
]
InFolder = Annotated[
    Path | None,
    typer.Option("--in-folder", "--in_folder", "-d", help="IN, as PACSMAN writes it", exists=True, resolve_path=True),
]
OutFolder = Annotated[
    Path | None, typer.Option("--out-folder", "--out_folder", "-o", help="OUT, as PACSMAN writes it", resolve_path=True)
]
NewIds = Annotated[
    Path | None,
    typer.Option(
        "--new-ids",
        "--new_ids",
        "-n",
        help="Pseudonyms: JSON or CSV of patient id and new id",
        exists=True,
        dir_okay=False,
    ),
]
Deletes = Annotated[
    bool,
    typer.Option(
        "--delete-identifiable", "--delete_identifiable", "-i", help="Refuse screen saves, secondary CT and SR"
    ),
]
NoPrivate = Annotated[
    bool, typer.Option("--remove-private-tags", "--remove_private_tags", "-p", help="Keep no private element")
]
Fuzzes = Annotated[
    bool,
    typer.Option(
        "--fuzz-acq-dates", "--fuzz_acq_dates", "-a", help="Move dates, by 30 days at most where no profile says else"
    ),
]
KeepsNames = Annotated[
    bool,
    typer.Option(
        "--keep-patient-dir-names",
        "--keep_patient_dir_names",
        "-k",
        help="PACSMAN's; not done, as such names identify the patient",
    ),
]
InPlace = Annotated[
    bool, typer.Option("--in-place", help="Replace the originals: each goes once its cleaned file is on disk")
]
SharedNewIds = Annotated[
    bool,
    typer.Option("--shared-new-ids", help="Ids with the same new id in --new-ids are one patient's, on purpose"),
]
Layout = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE", help="Folders of the results, as `layout` of a folder target: sub-{patient}/… for one"
    ),
]
BidsRules = Annotated[
    Path | None,
    typer.Option(
        help="Rules for BIDS names: put to the originals, so that `pacsflow convert OUT --bids` names what it converts",
        exists=True,
        dir_okay=False,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(help="CSV file with what became of each file; IDENTIFYING, readable by you only", dir_okay=False),
]


def deid(  # noqa: PLR0913 - a command's parameters are its options
    originals: Originals = None,
    results: Results = None,
    *,
    profile: Profile = None,
    explain: Explained = None,
    in_place: InPlace = False,
    workers: Annotated[int, typer.Option(help="Processes; 0: one for each core", min=0)] = 0,
    report: Report = None,
    in_folder: InFolder = None,
    out_folder: OutFolder = None,
    new_ids: NewIds = None,
    delete_identifiable: Deletes = False,
    remove_private_tags: NoPrivate = False,
    fuzz_acq_dates: Fuzzes = False,
    keep_patient_dir_names: KeepsNames = False,
    shared_new_ids: SharedNewIds = False,
    layout: Layout = None,
    bids: BidsRules = None,
) -> None:
    """De-identify a folder tree of DICOM files. Results are OUT/pseudonym/study/series/instance.dcm, by new UIDs.

    With --layout, or from PACSMAN's tree by PACSMAN's options, series are in folders by names.
    Takes the options of PACSMAN's anonymize_Dicoms. Files that are no DICOM are counted and left where they are.
    Exit 1 where a file was refused.
    """
    if explain is not None:
        if originals is not None and originals.is_dir():
            _refuse("--explain takes a file", "pacsflow deid --explain PROFILE FILE")
        explain_profile(explain, originals)
        return
    source = _source(originals, in_folder)
    target = _target(source, _one("OUT", results, out_folder), in_place=in_place)
    old = PacsmanOptions(new_ids, delete_identifiable, remove_private_tags, fuzz_acq_dates, shared_new_ids)
    laid = _layout(source, layout, pacsmans=in_folder is not None)
    chosen = _chosen(profile, target, old)
    if keep_patient_dir_names:
        console.print(
            "[yellow]![/] --keep-patient-dir-names: folders have the pseudonyms' names, theirs identify the patient"
        )
    try:
        _clean(source, target, chosen, wish=_Wish(workers, report, laid, bids))
    finally:
        if profile is None:
            _tell_key_files(chosen)


def _layout(source: Path, layout: str | None, *, pacsmans: bool) -> str:
    """The layout of the results; a tree of PACSMAN, named by its options, keeps its names, and a message says so."""
    if layout is None and pacsmans and is_pacsmans(source):
        console.print(
            f"a tree of PACSMAN: results are laid out as {PACSMAN}; --layout '' has UIDs", soft_wrap=True, markup=False
        )
        return PACSMAN
    return checked_layout(layout or "")


class _Wish(NamedTuple):
    """How a tree is cleaned. `report`: where each file's outcome is written; `rules`: for names, put to originals."""

    workers: int
    report: Path | None
    layout: str
    rules: Path | None


def _clean(source: Path, target: Path, chosen: ChosenProfile, *, wish: _Wish) -> None:
    """Clean the tree and say what came of it. Raises WorkLeftError where a file was refused."""
    from pacsflow.deid.trees.tree import Tree, clean_tree, files_below

    tree = Tree(source, target, chosen.profile, project_key(chosen.profile), chosen.vault, wish.layout, laid_out)
    names = files_below(source)
    asked = _asked(source, names, wish.rules) if wish.rules else None
    outcomes = clean_tree(tree, names, workers=wish.workers or processors())
    cleaned: list[tuple[str, Path]] = []
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in _shown(_written(outcomes, wish.report), len(names)):
        counts[outcome.fate, outcome.reason] += 1
        counts["bytes", ""] += outcome.size
        if asked and outcome.new:
            cleaned.append((str(outcome.name), tree.target / outcome.new))
    if asked:
        asked.keep(target, cleaned)
    _summary(counts, tree)
    refused = sum(number for (fate, _), number in counts.items() if fate == "refused")
    if refused:
        still = "; they stand in the folder as they were, identifying" if tree.in_place else ""
        fix = "" if wish.report else "--report FILE.csv names each"
        raise WorkLeftError(f"{refused:,} of {counted(len(names), 'file')} refused{still}", fix=fix)


def _asked(source: Path, names: "Iterable[str | Path]", rules: Path) -> "AskedOriginals":
    """The originals, asked for their names before they are cleaned. Raises ProjectError."""
    from pacsflow.projects.bids import read_rules
    from pacsflow.run.files.original_names import AskedOriginals

    read, document = read_rules(rules, rules.name)
    if read is None:
        raise ProjectError(document.problems)
    return AskedOriginals(source, names, read)


def _source(originals: Path | None, in_folder: Path | None) -> Path:
    source = _one("IN", originals, in_folder)
    if source is None or not source.is_dir():
        _refuse("IN is not a folder", "pacsflow deid IN OUT, IN being the folder with the originals")
    return source


def _one(name: str, given: Path | None, option: Path | None) -> Path | None:
    if given and option:
        _refuse(f"{name} is given twice", "name it once")
    return given or option


def _chosen(profile: Path | None, target: Path, old: PacsmanOptions) -> ChosenProfile:
    """The profile with PACSMAN's options; without one, that of the folder of the results, and a message says so."""
    if profile is not None:
        chosen = read_profile(profile)
        return ChosenProfile(old.on(chosen.profile), chosen.vault)
    own = own_profile(target)
    chosen = read_profile(own / "deid.yaml")
    console.print(
        f"no --profile: {own / 'deid.yaml'} is used, its key and the patients' links stand beside it", soft_wrap=True
    )
    return ChosenProfile(old.on(chosen.profile), own / "vault")


def _tell_key_files(chosen: ChosenProfile) -> None:
    place = chosen.vault or Path()
    links = Vault(place, project_key(chosen.profile)).links()
    files = write_key_files(links, place.parent)
    console.print(f"IDENTIFYING, readable by you only: {', '.join(map(str, files))}", soft_wrap=True)


def _target(originals: Path, results: Path | None, *, in_place: bool) -> Path:
    """The folder of the results. Raises ProjectError where it is not clear, or where both folders overlap."""
    if in_place and results == originals:  # PACSMAN's way to say it: the same folder twice
        results = None
    if in_place == (results is not None):
        _refuse("say where the results go", "pacsflow deid IN OUT, or pacsflow deid IN --in-place")
    target = results or originals
    if target.exists() and not target.is_dir():
        _refuse("OUT is not a folder", "pacsflow deid IN OUT --profile FILE")
    if target != originals and (target.is_relative_to(originals) or originals.is_relative_to(target)):
        _refuse("OUT and IN lie in one another", "name a folder beside IN, or write --in-place")
    if target == originals and not in_place:
        _refuse("OUT is IN", "name another folder, or write --in-place")
    return target


def _refuse(message: str, fix: str) -> NoReturn:
    raise ProjectError.at("deid", message, fix)


def _written(outcomes: Iterable["TreeOutcome"], report: Path | None) -> Iterator["TreeOutcome"]:
    """The outcomes, each written to the report on its way."""
    if report is None:
        yield from outcomes
        return
    descriptor = os.open(report, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        only_for_owner(file)
        writer = csv.writer(file)
        writer.writerow(["file", "outcome", "reason", "new file"])
        for outcome in outcomes:
            writer.writerow([outcome.name, outcome.fate, outcome.reason, outcome.new])
            yield outcome


def _shown(outcomes: Iterable["TreeOutcome"], total: int) -> Iterator["TreeOutcome"]:
    """The outcomes, with a bar in a terminal.

    The processes that do the work begin with the first outcome, before the bar has a thread: as copies of this one.
    """
    begun = iter(outcomes)
    first = list(islice(begun, 1))
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        yield from bar.track(chain(first, begun), total=total, description="deid")


def _summary(counts: Counter[tuple[str, str]], tree: "Tree") -> None:
    size = counts.pop(("bytes", ""), 0)
    table = Folding("outcome", "reason", "files")
    table.columns[2].justify = "right"
    for (fate, reason), number in sorted(counts.items()):
        table.add_row(fate, escape(reason), f"{number:,}")
    console.print(table)
    console.print(f"{size / 1e6:,.1f} MB written to {tree.target}", soft_wrap=True)
    if tree.vault is None:
        console.print("no link table is kept: give the project's folder as --profile to keep one")
