"""What a query finds: studies, their series, their instances; levels that were not asked for are asked on demand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, overload

from pydicom import Dataset

from pacsflow.library.questions import AnswerLevel, checked_level
from pacsflow.run.answer_fields import attributes
from pacsflow.wording import counted

if TYPE_CHECKING:
    import pandas as pd


class LevelAsker(Protocol):
    """Who is asked for levels that are not there yet."""

    def series_of(self, study: "StudyAnswer") -> "list[SeriesAnswer]":
        """All series of a study."""

    def instances_of(self, series: "SeriesAnswer") -> "list[InstanceAnswer]":
        """All instances of a series."""


class _Answer:
    """What a node answered, as a pydicom Dataset, whose attributes are attributes of this object too.

    Its representation shows no value, so that none ends in a log.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        """The node's answer. Identifying."""

    def __getattr__(self, keyword: str) -> Any:
        if keyword.startswith("_") or keyword == "dataset":
            raise AttributeError(keyword)
        if keyword in self.dataset:
            return getattr(self.dataset, keyword)
        raise AttributeError(f"the node did not answer {keyword}; name it under `include`")


class InstanceAnswer(_Answer):
    """An instance that was found.

    Attributes
    ----------
    dataset : pydicom.Dataset
        What the node answered. Identifying.
    uid : str
        SOP Instance UID.
    series : SeriesAnswer
        The series it is in.
    """

    def __init__(self, series: "SeriesAnswer", dataset: Dataset) -> None:
        super().__init__(dataset)
        self.series = series

    @property
    def uid(self) -> str:
        """SOP Instance UID."""
        return str(self.dataset.SOPInstanceUID)

    def __repr__(self) -> str:
        return "<InstanceAnswer>"


class SeriesAnswer(_Answer):
    """A series that was found.

    Attributes
    ----------
    dataset : pydicom.Dataset
        What the node answered. Identifying.
    uid : str
        Series Instance UID.
    study : StudyAnswer
        The study it is in.
    instances : list of InstanceAnswer
        Asked for when first looked at, unless the query was of level "instance".
    """

    def __init__(self, study: "StudyAnswer", dataset: Dataset) -> None:
        super().__init__(dataset)
        self.study = study
        self.found: list[InstanceAnswer] | None = None

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return str(self.dataset.SeriesInstanceUID)

    @property
    def instances(self) -> list[InstanceAnswer]:
        """The instances; raises PacsError where they must be asked for and cannot be."""
        if self.found is None:
            self.found = self.study.asker.instances_of(self)
        return self.found

    def __repr__(self) -> str:
        return f"<SeriesAnswer: {self.dataset.get('Modality') or 'series'}{_counted(self.found, 'instance')}>"


class StudyAnswer(_Answer):
    """A study that was found.

    Attributes
    ----------
    dataset : pydicom.Dataset
        What the node answered. Identifying.
    uid : str
        Study Instance UID.
    node : str
        Name of the fallback node that has it; empty for the first.
    series : list of SeriesAnswer
        Asked for when first looked at, unless the query was of level "series" or "instance".
    """

    def __init__(self, asker: LevelAsker, dataset: Dataset, *, node: str = "") -> None:
        super().__init__(dataset)
        self.asker, self.node = asker, node
        self.found: list[SeriesAnswer] | None = None

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return str(self.dataset.StudyInstanceUID)

    @property
    def series(self) -> list[SeriesAnswer]:
        """The series; raises PacsError where they must be asked for and cannot be."""
        if self.found is None:
            self.found = self.asker.series_of(self)
        return self.found

    def __repr__(self) -> str:
        return f"<StudyAnswer{_counted(self.found, 'series')}>"


@dataclass(frozen=True, repr=False)
class StudyAnswers(Sequence[StudyAnswer]):
    """The studies that a query found, in the order of the node's answers.

    Attributes
    ----------
    studies : tuple of StudyAnswer
        The studies.
    level : {"study", "series", "instance"}
        How deep the query went.

    Examples
    --------
    >>> studies = pacs.find(PatientID="0045322", level="series")  # doctest: +SKIP
    >>> studies[0].series[0].instances[:3]  # doctest: +SKIP
    """

    studies: tuple[StudyAnswer, ...]
    level: AnswerLevel = "study"

    @overload
    def __getitem__(self, position: int) -> StudyAnswer: ...

    @overload
    def __getitem__(self, position: slice) -> "StudyAnswers": ...

    def __getitem__(self, position: int | slice) -> "StudyAnswer | StudyAnswers":
        if isinstance(position, slice):
            return StudyAnswers(self.studies[position], self.level)
        return self.studies[position]

    def __len__(self) -> int:
        return len(self.studies)

    def __repr__(self) -> str:
        return f"<StudyAnswers: {len(self)} {'study' if len(self) == 1 else 'studies'}, level {self.level}>"

    def to_frame(self, level: str | None = None) -> "pd.DataFrame":
        """The answers as a table. Identifying.

        Parameters
        ----------
        level : {"study", "series", "instance"}, optional
            What a line is; left out: the level of the query. A level that was not asked for yet is asked for now.

        Returns
        -------
        pandas.DataFrame
            One line for each study, series or instance; one column for each keyword that was answered, those of the
            study first. Values are text, as the node sent them; several values are joined by a backslash.

        Raises
        ------
        ArgumentError
            Where the level is none of the three.
        PacsError
            Where a level must be asked for and the node does not give it.
        """
        import pandas as pd

        wanted = checked_level(level) if level is not None else self.level
        lines: dict[AnswerLevel, Callable[[], Iterator[list[Dataset]]]] = {
            "study": lambda: ([one.dataset] for one in self),
            "series": lambda: ([one.dataset, two.dataset] for one in self for two in one.series),
            "instance": lambda: (
                [one.dataset, two.dataset, three.dataset]
                for one in self
                for two in one.series
                for three in two.instances
            ),
        }
        return pd.DataFrame([_texts(line) for line in lines[wanted]()], dtype=object).fillna("")


def _texts(line: list[Dataset]) -> dict[str, str]:
    """Keyword -> text; what is answered at several levels is of the highest."""
    found: dict[str, str] = {}
    for dataset in line:
        for keyword, value in attributes(dataset).items():
            found.setdefault(keyword, value)
    for unwanted in ("QueryRetrieveLevel", "SpecificCharacterSet", "RetrieveAETitle"):
        found.pop(unwanted, None)
    return found


def _counted(found: Sequence[object] | None, what: str) -> str:
    return "" if found is None else f", {counted(len(found), what, 'series' if what == 'series' else '')}"
