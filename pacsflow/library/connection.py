"""A connection to a PACS: find, datasets, download."""

import functools
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from pydicom import Dataset

from pacsflow.errors import ArgumentError, IncompleteError, PacsError, PacsflowError, PacsflowWarning
from pacsflow.library.answers import InstanceAnswer, SeriesAnswer, StudyAnswer, StudyAnswers
from pacsflow.library.questions import AnswerLevel, checked_level, row_of, uid_row
from pacsflow.library.selection import Selectable, selected
from pacsflow.library.showing import counted
from pacsflow.library.sources import PacsSource, node_source, project_source, without_profile
from pacsflow.library.stream import DatasetStream
from pacsflow.projects.given import given_nodes
from pacsflow.query.guards import sort_doubts
from pacsflow.query.levels import keys_at
from pacsflow.query.row import Row
from pacsflow.run.search import Search

if TYPE_CHECKING:
    from pacsflow.library.download import DownloadResult

P = ParamSpec("P")
R = TypeVar("R")


def noted(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose errors show in a traceback how to fix them, too."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except PacsflowError as error:
            note_fix(error)
            raise

    return call


def note_fix(error: PacsflowError) -> None:
    """Have the traceback of an error end with how to fix it; it keeps no answers, and nothing that it came from."""
    error.__cause__ = error.__context__ = None
    if isinstance(error, PacsError):
        error.partial = []
    note = f"fix: {error.fix}"
    if error.fix and note not in getattr(error, "__notes__", ()):
        error.add_note(note)


class PacsConnection:
    """A PACS that can be asked; made by `pacsflow.connect`, and used in a `with` statement.

    Associations are opened by the first question, and given back after each call. Calls of several threads at once
    share the node's `limits.associations`, also with other processes of this computer that use this interface.
    """

    def __init__(self, source: PacsSource) -> None:
        self._source = source
        self._cache: dict[object, tuple[float, StudyAnswers]] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        of = f"project {self._source.project.settings.name}" if self._source.project else "no project"
        return f"<PacsConnection: {', '.join(node.name for node in self._source.nodes.values())}; {of}>"

    def close(self) -> None:
        """Release all associations; of a project, its ledger too. Calling it again does nothing."""
        if not self._closed:
            self._closed = True
            self._source.close()

    @noted
    def find(
        self, *, level: AnswerLevel = "study", include: Iterable[str] = (), cached: float = 0.0, **keys: Any
    ) -> StudyAnswers:
        """The studies that fit.

        The node's answers are compared with the keys again, as some nodes ignore keys; answers that the node may have
        cut are asked for in pieces until they are proven whole.

        Parameters
        ----------
        level : {"study", "series", "instance"}
            How deep to ask. Keys of series and instances need their level; levels below are asked for on demand.
        include : iterable of str
            DICOM keywords that are to be answered beside the usual ones.
        cached : float
            Seconds for which the same question is answered from memory; 0 asks the node.
        **keys
            DICOM keyword -> value, as in a project's rows: text, in which `*` and `?` are wildcards where DICOM has
            them; for dates also `datetime.date`, a year ("2015"), a month ("2015-03"), or a tuple (from, to) of
            which one may be None; for UIDs also a list. None leaves a key out.

        Returns
        -------
        StudyAnswers
            A sequence of studies; those of a fallback node where the nodes before it have none.

        Raises
        ------
        ArgumentError
            For keywords that are unknown or not of the level, and for values that rows of a project are refused for.
        IncompleteError
            Where answers may be a part only, or the node does not answer a key, so that it is not known what fits.
        PacsError
            Where the node does not answer. It is not asked again: a person waits.
        PausedError
            Outside the hours of the node.
        BusyError
            Where its associations stay in use; at once where a loop over `datasets` around this call holds them.

        Examples
        --------
        >>> studies = pacs.find(PatientID="0045322", StudyDate=("2015-01-01", None))  # doctest: +SKIP
        >>> [study.StudyDate for study in studies]  # doctest: +SKIP
        """
        depth = checked_level(level)
        row = row_of(keys, include, depth)
        key, now = (depth, tuple(sorted(row.keys.items()))), time.monotonic()
        if cached > 0 and key in self._cache and now - self._cache[key][0] < cached:
            return self._cache[key][1]
        found = StudyAnswers((), depth)
        for name in self._source.nodes:
            if found := StudyAnswers(tuple(self._find(row, depth, name)), depth):
                break
        if cached > 0:
            self._cache[key] = (now, found)
        return found

    def _find(self, row: Row, level: AnswerLevel, name: str) -> list[StudyAnswer]:
        with self._open().lane(name) as lane:
            search = self._source.search(lane, row, name)
            allowed = (answer for answer in search.studies() if not self._source.barred(answer))
            studies = [StudyAnswer(self, answer, node=name) for answer in allowed]
            if level != "study":
                _fill_series(search, studies)
                studies = [study for study in studies if study.found or not _narrowed(row, "SERIES")]
            if level == "instance":
                _fill_instances(search, studies, row)
                studies = [study for study in studies if study.found or not _narrowed(row, "IMAGE")]
        self._settle(search)
        return studies

    @noted
    def series_of(self, study: StudyAnswer) -> list[SeriesAnswer]:
        """All series of a study that was found; what `study.series` asks for. Raises as `find`."""
        with self._open().lane(study.node) as lane:
            search = self._source.search(lane, uid_row(StudyInstanceUID=study.uid), study.node)
            found = [SeriesAnswer(study, answer) for answer in search.series_of(study.dataset)]
        self._settle(search)
        return found

    @noted
    def instances_of(self, series: SeriesAnswer) -> list[InstanceAnswer]:
        """All instances of a series that was found; what `series.instances` asks for. Raises as `find`."""
        study = series.study
        with self._open().lane(study.node) as lane:
            search = self._source.search(lane, Row(1, "", {}, {}, ("", 0), {}), study.node)
            found = [InstanceAnswer(series, answer) for answer in search.images_of(study.uid, series.dataset)]
        self._settle(search)
        return found

    def _settle(self, search: Search) -> None:
        """Raise IncompleteError, or warn, where answers may be missing: as the project's guards say."""
        holds, told = sort_doubts(sorted(search.doubts), self._source.query.guards)
        unseen = [
            f"the PACS does not answer {name}, so it is not known whether it fits" for name in sorted(search.unseen)
        ]
        if why := [*holds, *unseen]:
            raise IncompleteError("; ".join(why), fix="narrow the question, or leave out what is not answered")
        for text in [*told, *sorted(search.warnings)]:
            warnings.warn(text, PacsflowWarning, stacklevel=4)

    @noted
    def datasets(
        self, what: Selectable | Iterable[Selectable], *, raw: bool = False, progress: bool | None = None
    ) -> Iterator[Dataset]:
        """The images, one after the other, as pydicom Datasets in memory; nothing is written to disk.

        De-identified by the project's profile and verified, as in a run of the project: the same pseudonyms, day
        shifts and UIDs. A few images wait in memory (64 MB, or one that is larger); further ones wait at the node.
        Closing the iterator early, or leaving its loop, breaks off the retrieval.

        Parameters
        ----------
        what : answer, UID, tuple of UIDs, or an iterable of them
            Studies, series or instances that were found; or UIDs alone: "study", ("study", "series") or
            ("study", "series", "instance").
        raw : bool
            IDENTIFIABLE datasets, as the PACS sends them. Without a project it must be said.
        progress : bool, optional
            Whether a line shows how many came; left out: in a terminal and in a notebook.

        Returns
        -------
        iterator of pydicom.Dataset
            With file meta information. Ended by IncompleteError where something did not come, or was refused.

        Raises
        ------
        ArgumentError
            Where `what` is none of these; where there is no profile and `raw` was not said.
        IncompleteError
            At the end: with the numbers of images that are missing and refused, and why. All others were given.
        PacsError, PausedError, BusyError
            Where the node does not answer at all, outside its hours, or where its associations are in use.
        SecretError, KeyMismatchError, LedgerError
            Where the project's key or ledger cannot be used.

        Examples
        --------
        >>> for dataset in pacs.datasets(studies[0].series[0]):  # doctest: +SKIP
        ...     print(dataset.SOPClassUID)
        """
        source = self._open()
        return self._datasets(DatasetStream(source, source.cleaner(raw=raw), raw=raw), selected(what), progress)

    def _datasets(self, stream: DatasetStream, studies: Sequence[Any], progress: bool | None) -> Iterator[Dataset]:
        try:
            with counted("images", progress) as heard:
                stream.heard = heard
                yield from stream.datasets(studies)
        except PacsflowError as error:
            note_fix(error)
            raise

    @noted
    def download(
        self,
        what: Selectable | Iterable[Selectable],
        out: str | PathLike[str],
        *,
        workers: int = 4,
        layout: str | None = None,
        raw: bool = False,
        progress: bool | None = None,
    ) -> "DownloadResult":
        """Fetch studies, series or instances into a folder: by the engine of a run, with its proof of completeness.

        What is done is remembered in `out/.pacsflow/download`, readable by you only: calling it again asks for what
        is missing, and fetches nothing twice. Studies of patients whom the project excludes or a person withdrew are
        not asked for, by UID either: their status is `excluded`.

        Parameters
        ----------
        what : answer, UID, tuple of UIDs, or an iterable of them
            Studies, series or single instances, as for `datasets`.
        out : path
            Folder of the files; made where it is not there.
        workers : int
            Associations at once, at most; never more than the node's `limits.associations`.
        layout : str, optional
            Folder of a series below `out`, as `layout` in export.yaml; left out: the project's first folder target,
            else `sub-{patient}/ses-{session}/{series_number:05d}-{series_description}`.
        raw : bool
            IDENTIFIABLE files, as the PACS sends them. Without a project it must be said.
        progress : bool, optional
            Whether a bar is shown; left out: in a terminal and in a notebook.

        Returns
        -------
        DownloadResult
            Status, reason and numbers of each study. `complete` is false, and a warning is given, where not all came.

        Raises
        ------
        ArgumentError
            As `datasets`; where `layout` cannot be used; where the folder holds a download of another kind.
        PacsError
            Where the node does not answer.
        BusyError
            While another download into the folder is at work.

        Examples
        --------
        >>> result = pacs.download(studies, "out", workers=4)  # doctest: +SKIP
        >>> result.raise_if_incomplete()  # doctest: +SKIP
        """
        source = self._open()
        if source.project is None and not raw:
            raise without_profile()
        from pacsflow.library.download import DownloadOrder, download

        order = DownloadOrder(Path(out), workers, layout, raw, progress)
        return download(source, selected(what), order)

    def _open(self) -> PacsSource:
        if self._closed:
            raise ArgumentError("the connection is closed", fix="use it within its `with` statement, or connect again")
        return self._source


@noted
def connect(project: str | PathLike[str] | None = None, **node: Any) -> PacsConnection:
    """Connect to the PACS of a project, or to a node.

    Parameters
    ----------
    project : path, optional
        Folder of a project: its nodes, hours and limits, its profile, key and pseudonyms. Images are de-identified
        by its profile unless `raw=True` is said.
    **node
        Fields of pacs.yaml instead of a project: `host`, `port`, `called_aet`, or `protocol` and `url`, and any
        other, as `auth`, `find`, `fetch`, `limits`, `timeouts`. Passwords by reference only, as ${env:NAME}.
        Relative paths of files start at the current folder.

    Returns
    -------
    PacsConnection
        To be used in a `with` statement. Nothing was asked of the PACS yet.

    Raises
    ------
    ArgumentError
        Where both a project and fields of a node are given, or neither.
    ProjectError
        With every mistake in the project's files and rows, or in the fields.
    SecretError, KeyMismatchError, LedgerError
        Where the project's key or ledger cannot be used.

    Examples
    --------
    >>> with pacsflow.connect("projects/lung-ct") as pacs:  # doctest: +SKIP
    ...     studies = pacs.find(PatientID="0045322")
    >>> pacsflow.connect(host="pacs.example.org", port=104, called_aet="MAINPACS")  # doctest: +SKIP
    <PacsConnection: pacs.example.org; no project>
    """
    if (project is None) == (not node):
        fix = "write connect('projects/lung-ct'), or connect(host=..., port=..., called_aet=...)"
        raise ArgumentError("connect() takes a project's folder, or fields of a node", fix=fix)
    if project is not None:
        return PacsConnection(project_source(Path(project).absolute()))
    fields = {"name": str(node.get("host") or node.get("called_aet") or "pacs"), **node}
    return PacsConnection(node_source(given_nodes(fields, called="connect()")))


def _fill_series(search: Search, studies: Iterable[StudyAnswer]) -> None:
    for study in studies:
        study.found = [SeriesAnswer(study, answer) for answer in search.series_of(study.dataset)]


def _fill_instances(search: Search, studies: Iterable[StudyAnswer], row: Row) -> None:
    for study in studies:
        for series in study.series:
            series.found = [InstanceAnswer(series, answer) for answer in search.images_of(study.uid, series.dataset)]
        if _narrowed(row, "IMAGE"):
            study.found = [series for series in study.series if series.found]


def _narrowed(row: Row, level: str) -> bool:
    """Whether a row asks for some series, or some images, only."""
    return any(keys_at(row, level).values())
