"""deid: a folder tree of DICOM files through a profile."""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from pacsflow.cli.explain import explain as explain_profile
from pacsflow.cli.pacsman import Old, write_key_files
from pacsflow.cli.profile import Chosen, read_profile
from pacsflow.cli.show import console, counted
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.projects.own_profile import own_profile
from pacsflow.secrets import project_key
from pacsflow.vault import Vault

if TYPE_CHECKING:
    from pacsflow.deid.tree import Outcome, Tree

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
        help="PACSMAN's; not done, as such names tell who it is",
    ),
]
InPlace = Annotated[
    bool, typer.Option("--in-place", help="Replace the originals: each goes once its cleaned file is on disk")
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
) -> None:
    """De-identify a folder tree of DICOM files. Results are OUT/pseudonym/study/series/instance.dcm, by new UIDs.

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
    old = Old(new_ids, delete_identifiable, remove_private_tags, fuzz_acq_dates)
    chosen = _chosen(profile, target, old)
    if keep_patient_dir_names:
        console.print(
            "[yellow]![/] --keep-patient-dir-names: folders have the pseudonyms' names, theirs tell who it is"
        )
    try:
        _clean(source, target, chosen, (workers, report))
    finally:
        if profile is None:
            _tell_key_files(chosen)


def _clean(source: Path, target: Path, chosen: Chosen, wishes: tuple[int, Path | None]) -> None:
    """Clean the tree and say what came of it. Raises WorkLeftError where a file was refused."""
    from pacsflow.deid.tree import Tree, clean_tree, files_below

    workers, report = wishes
    tree = Tree(source, target, chosen.profile, project_key(chosen.profile), chosen.vault)
    names = files_below(source)
    outcomes = clean_tree(tree, names, workers=workers or len(os.sched_getaffinity(0)))
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in _shown(_written(outcomes, report), len(names)):
        counts[outcome.fate, outcome.reason] += 1
        counts["bytes", ""] += outcome.size
    _summary(counts, tree)
    refused = sum(number for (fate, _), number in counts.items() if fate == "refused")
    if refused:
        still = "; they stand in the folder as they were, identifying" if tree.in_place else ""
        remedy = "" if report else "--report FILE.csv names each"
        raise WorkLeftError(f"{refused:,} of {counted(len(names), 'file')} refused{still}", remedy=remedy)


def _source(originals: Path | None, in_folder: Path | None) -> Path:
    source = _one("IN", originals, in_folder)
    if source is None or not source.is_dir():
        _refuse("IN is no folder", "pacsflow deid IN OUT, IN being the folder with the originals")
    return source


def _one(name: str, given: Path | None, option: Path | None) -> Path | None:
    if given and option:
        _refuse(f"{name} is given twice", "name it once")
    return given or option


def _chosen(profile: Path | None, target: Path, old: Old) -> Chosen:
    """The profile with PACSMAN's options; without one, that of the folder of the results, which is said."""
    if profile is not None:
        chosen = read_profile(profile)
        return Chosen(old.on(chosen.profile), chosen.vault)
    own = own_profile(target)
    chosen = read_profile(own / "deid.yaml")
    console.print(
        f"no --profile: {own / 'deid.yaml'} is used, its key and the patients' links stand beside it", soft_wrap=True
    )
    return Chosen(old.on(chosen.profile), own / "vault")


def _tell_key_files(chosen: Chosen) -> None:
    place = chosen.vault or Path()
    links = Vault(place, project_key(chosen.profile)).links()
    files = write_key_files(links, place.parent)
    console.print(f"IDENTIFYING, readable by you only: {', '.join(map(str, files))}", soft_wrap=True)


def _target(originals: Path, results: Path | None, *, in_place: bool) -> Path:
    """The folder of the results. Raises ProjectError where it is not clear, or where both folders overlap."""
    if in_place == (results is not None):
        _refuse("say where the results go", "pacsflow deid IN OUT, or pacsflow deid IN --in-place")
    target = results or originals
    if target.exists() and not target.is_dir():
        _refuse("OUT is no folder", "pacsflow deid IN OUT --profile FILE")
    if target != originals and (target.is_relative_to(originals) or originals.is_relative_to(target)):
        _refuse("OUT and IN lie in one another", "name a folder beside IN, or write --in-place")
    if target == originals and not in_place:
        _refuse("OUT is IN", "name another folder, or write --in-place")
    return target


def _refuse(message: str, remedy: str) -> NoReturn:
    raise ProjectError.at("deid", message, remedy)


def _written(outcomes: Iterable["Outcome"], report: Path | None) -> Iterator["Outcome"]:
    """The outcomes, each written to the report on its way."""
    if report is None:
        yield from outcomes
        return
    descriptor = os.open(report, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        os.fchmod(file.fileno(), 0o600)
        writer = csv.writer(file)
        writer.writerow(["file", "outcome", "reason", "new file"])
        for outcome in outcomes:
            writer.writerow([outcome.name, outcome.fate, outcome.reason, outcome.new])
            yield outcome


def _shown(outcomes: Iterable["Outcome"], total: int) -> Iterator["Outcome"]:
    """The outcomes, with a bar in a terminal."""
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        yield from bar.track(outcomes, total=total, description="deid")


def _summary(counts: Counter[tuple[str, str]], tree: "Tree") -> None:
    size = counts.pop(("bytes", ""), 0)
    table = Table("outcome", "reason", "files")
    table.columns[2].justify = "right"
    for (fate, reason), number in sorted(counts.items()):
        table.add_row(fate, escape(reason), f"{number:,}")
    console.print(table)
    console.print(f"{size / 1e6:,.1f} MB written to {tree.target}", soft_wrap=True)
    if tree.vault is None:
        console.print("no link table is kept: give the project's folder as --profile to keep one")
