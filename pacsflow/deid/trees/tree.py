"""A folder tree through a profile: every file is cleaned under a new name, refused with its reason, or left."""

import filecmp
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Literal

from pacsflow.deid.cleaner import SERIES, SOP_INSTANCE, STUDY
from pacsflow.deid.compile import compile_alone
from pacsflow.deid.contract import Cleaned, Source
from pacsflow.deid.encoding.part10 import PREAMBLE, STREAMED_FROM, open_part10, read_part10
from pacsflow.deid.encoding.walked import walked
from pacsflow.deid.rules.marking import METHOD
from pacsflow.deid.streamed import without_pixels
from pacsflow.deid.trees.claim import claimed
from pacsflow.deid.trees.layout import Folder, facts_of_cleaned, facts_of_header, no_layout
from pacsflow.deid.trees.place import NO_SERIES, NO_STUDY, OURS, STUDIES, place
from pacsflow.deid.trees.spread import spread
from pacsflow.errors import LedgerError, RefusalError
from pacsflow.staging import sync_all, sync_folders, write_all
from pacsflow.vault import Link, Vault
from schemas.deid import DeidProfile

Fate = Literal["cleaned", "doubled", "refused", "left", "done before"]
MEDIA_DIRECTORY: Final = "1.2.840.10008.1.3.10"
_DEPTH: Final = 4


@dataclass(frozen=True)
class Tree:
    """What is to be done: the folder with the originals, the folder of the results, the profile.

    The same folder twice means in place: an original goes once its cleaned file is on disk. `vault` is where the links
    of the patients met are written down, before their files appear.
    """

    source: Path
    target: Path
    profile: DeidProfile
    key: bytes = field(repr=False)
    vault: Path | None = None
    layout: str = ""
    folder: Folder = field(default=no_layout, repr=False)
    """Of a layout: what a cleaned header says -> the folder of the file below the target; picklable."""

    @property
    def in_place(self) -> bool:
        """Whether originals are replaced."""
        return self.source == self.target


@dataclass(frozen=True)
class TreeOutcome:
    """What became of a file. `name` is its path below the source and may tell who it is about; `new` tells nothing.

    `doubled`: another file held the very same instance. `done before`: an earlier run in place made it.
    """

    name: str = field(repr=False)
    fate: Fate
    reason: str = ""
    new: str = ""
    size: int = 0


@dataclass(frozen=True)
class _Staged:
    """A cleaned file that is not under its name yet."""

    name: str = field(repr=False)
    new: str
    temporary: Path
    descriptor: int
    size: int
    remark: str


def files_below(folder: Path) -> list[str]:
    """Relative paths of all files, sorted; our own folder is passed over, links are not followed."""
    found: list[str] = []
    for top, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not (each == OURS and Path(top) == folder))
        found += [os.path.relpath(os.path.join(top, each), folder) for each in files]  # noqa: PTH118 - many files
    return sorted(found)


def clean_tree(tree: Tree, names: Sequence[str], *, workers: int) -> Iterator[TreeOutcome]:
    """Clean the files `names` of the tree; an outcome for each, in order.

    Raises ProjectError for mistakes of the profile, LedgerError where the target is in use, was written under another
    profile or key, or the disk takes no more. What stood before an error stays whole; run again to go on.
    """
    cleaner = compile_alone(tree.profile, tree.key)
    profile = " ".join(filter(None, (cleaner.fingerprint(), tree.layout)))
    with claimed(tree.target, tree.key, profile) as before:
        yield from spread(partial(TreeCleaner, tree, before=before), names, workers=workers)
        if tree.in_place:
            _drop_empty(tree.source, names)


class TreeCleaner:
    """Cleans files of one tree. `before`: whether an earlier run, same profile and key, worked in the target."""

    def __init__(self, tree: Tree, *, before: bool) -> None:
        self._tree = tree
        self._ours = tree.target / OURS
        self._resumes = before and tree.in_place
        self._vault = Vault(tree.vault, tree.key, shared=tree.profile.patient.shared) if tree.vault else None
        self._cleaner = compile_alone(tree.profile, tree.key, self._vault or Vault(self._ours / STUDIES, tree.key))

    def __call__(self, names: Sequence[str]) -> list[TreeOutcome]:
        """An outcome per name. The files are on disk, whole, when this returns; raises LedgerError where it is full."""
        staged: list[_Staged] = []
        try:
            taken = [self._taken(name, staged) for name in names]
            sync_all([each.descriptor for each in staged])
            for folder in {each.new.rpartition("/")[0] for each in staged}:
                (self._tree.target / folder).mkdir(parents=True, exist_ok=True)
            settled = {each.name: self._settled(each) for each in staged}
            self._replace(settled)
        except OSError as error:
            fix = "make room, or fix the folder's permissions, then run again"
            raise LedgerError(f"the disk refused a file: {error.strerror}", fix=fix) from None
        finally:
            for each in staged:
                os.close(each.descriptor)
                each.temporary.unlink(missing_ok=True)
        return [outcome or settled[name] for name, outcome in zip(names, taken, strict=True)]

    def _taken(self, name: str, staged: list[_Staged]) -> TreeOutcome | None:
        """The outcome, or None where the file is staged."""
        try:
            cleaned = self._cleaned(name)
            new = "" if isinstance(cleaned, TreeOutcome) else self._place(cleaned)
        except RefusalError as refusal:
            return TreeOutcome(name, "refused", refusal.reason)
        except OSError as error:
            return TreeOutcome(name, "refused", f"cannot be read: {error.strerror}")
        except Exception as error:  # noqa: BLE001 - one strange file must not stop all others
            return TreeOutcome(name, "refused", f"fault of pacsflow: {type(error).__name__}")
        if isinstance(cleaned, TreeOutcome):
            return cleaned
        try:
            self._stage(name, new, cleaned, staged)
        except RefusalError as refusal:  # of a large file, told while it is written
            return TreeOutcome(name, "refused", refusal.reason)
        return None

    def _place(self, cleaned: Cleaned) -> str:
        """Where the file goes, by its new identity alone. Raises RefusalError where a UID is none."""
        usual = place(cleaned)
        if not self._tree.layout:
            return usual
        return f"{self._tree.folder(self._tree.layout, facts_of_cleaned(cleaned))}/{Path(usual).name}"

    def _cleaned(self, name: str) -> Cleaned | TreeOutcome:
        """The instance, de-identified and verified, or why there is none. Raises RefusalError, OSError."""
        source = _opened(self._tree.source / name)
        if isinstance(source, str):
            return TreeOutcome(name, "left", source)
        if self._resumes and self._made_before(name, source):
            return TreeOutcome(name, "done before", new=name)
        if source.sop_class_uid == MEDIA_DIRECTORY:
            return TreeOutcome(name, "refused" if self._tree.in_place else "left", "DICOMDIR")
        return self._cleaner.clean(source)

    def _stage(self, name: str, new: str, cleaned: Cleaned, staged: list[_Staged]) -> None:
        person = cleaned.person
        if self._vault:
            self._vault.record(Link(person.patient_id, person.issuer, person.pseudonym, person.shift_days))
        temporary = self._ours / f"{uuid.uuid4().hex}.part"
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        try:
            size = write_all(descriptor, cleaned.parts)
            size += sum(write_all(descriptor, (piece,)) for piece in cleaned.rest)
        except BaseException:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        staged.append(_Staged(name, new, temporary, descriptor, size, cleaned.remark))

    def _settled(self, staged: _Staged) -> TreeOutcome:
        """The file under its name, in a folder that is there; nothing that stands there is ever overwritten."""
        final = self._tree.target / staged.new
        if staged.new == staged.name and self._tree.in_place:
            staged.temporary.replace(final)
        elif not _appears(staged.temporary, final):
            if filecmp.cmp(staged.temporary, final, shallow=False):
                return TreeOutcome(staged.name, "doubled", "the same instance twice", staged.new)
            return TreeOutcome(staged.name, "refused", "another instance with the same UID is there")
        return TreeOutcome(staged.name, "cleaned", staged.remark, staged.new, staged.size)

    def _replace(self, settled: dict[str, TreeOutcome]) -> None:
        """Have all new names on disk, then take the originals away where that was asked for."""
        done = [outcome for outcome in settled.values() if outcome.new]
        folders = {Path(each.new).parent for each in done}
        sync_folders({self._tree.target / each for folder in folders for each in (folder, *folder.parents)})
        for outcome in done if self._tree.in_place else ():
            if outcome.new != outcome.name:
                (self._tree.source / outcome.name).unlink()

    def _made_before(self, name: str, source: Source) -> bool:
        """Whether the file says of itself that this profile made it, and has the name it would have been given."""
        parts = Path(name).parts
        if len(parts) != _DEPTH and not self._tree.layout:
            return False
        _, _, header = walked(source if source.rest is None else without_pixels(open_part10(self._tree.source / name)))
        uids = [header.text(tag) for tag in (STUDY, SERIES, SOP_INSTANCE)]
        if f"profile {self._cleaner.fingerprint()}" not in header.text(METHOD).split("\\"):
            return False
        if self._tree.layout:
            return name == f"{self._tree.folder(self._tree.layout, facts_of_header(header))}/{uids[2]}.dcm"
        return [uids[0] or NO_STUDY, uids[1] or NO_SERIES, f"{uids[2]}.dcm"] == list(parts[1:])


def _opened(path: Path) -> Source | str:
    """The instance in a file, or why it is none."""
    if path.is_symlink() or not path.is_file():
        return "link, or no regular file"
    with path.open("rb", buffering=0) as file:
        if file.read(PREAMBLE + 4)[PREAMBLE:] != b"DICM":
            return "not DICOM"
        if os.fstat(file.fileno()).st_size <= STREAMED_FROM:
            file.seek(0)
            return read_part10(file.readall())
    return open_part10(path)


def _appears(temporary: Path, final: Path) -> bool:
    """Give a file its name; False where the name is taken."""
    try:
        os.link(temporary, final)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if final.exists():
            return False
        temporary.replace(final)
    return True


def _drop_empty(folder: Path, names: Sequence[str]) -> None:
    """Folders go that nothing is left in of what was cleaned: their names may tell whose they were."""
    held = {parent for name in names for parent in Path(name).parents} - {Path()}
    for below in sorted(held, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            (folder / below).rmdir()
