"""What people choose by eye: which of the series found are to be fetched."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pacsflow.errors import ProjectError
from pacsflow.ledger import choices
from pacsflow.ledger.choices import Candidate
from pacsflow.projects.patterns import alike
from pacsflow.report.decisions import read_choice
from pacsflow.run.people.decisions import ledger_of

GROUPED = ("StudyDescription", "SeriesDescription", "Modality")
_NUMBERS = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class Group:
    """Series of the same study description, series description and modality; `number` counts from 1."""

    number: int
    name: tuple[str, str, str]
    series: tuple[Candidate, ...]

    @property
    def studies(self) -> int:
        """In how many studies they are."""
        return len({one.study for one in self.series})

    @property
    def images(self) -> int:
        """Their images, as far as the node counts them."""
        return sum(one.images or 0 for one in self.series)


@dataclass(frozen=True)
class ChosenSeries:
    """Series wanted and not wanted from now on, how many of them differ from before, and those not mentioned."""

    wanted: int
    dropped: int
    changed: int
    left: int = 0


def series_found(folder: Path) -> list[Candidate]:
    """All series of the studies that the project takes. Raises ProjectError where nothing was found yet."""
    with ledger_of(folder) as ledger:
        found = choices.candidates(ledger)
    if not found:
        raise _mistake("no series was found yet", "pacsflow plan PROJECT")
    return found


def grouped(found: Iterable[Candidate]) -> list[Group]:
    """The series in groups, by name."""
    groups: dict[tuple[str, str, str], list[Candidate]] = {}
    for one in found:
        study, series, modality = (one.attributes.get(keyword, "") for keyword in GROUPED)
        groups.setdefault((study, series, modality), []).append(one)
    ordered = sorted(groups.items(), key=lambda item: [text.casefold() for text in item[0]])
    return [Group(number, name, tuple(series)) for number, (name, series) in enumerate(ordered, 1)]


def picked(groups: Sequence[Group], words: Iterable[str]) -> set[str]:
    """Keys of the series that words name: `3`, `2-5`, `T1*`, `/t[12]/i`, `Modality=SR`.

    A pattern without a keyword is compared with the series description. Raises ProjectError where one names nothing.
    """
    keys: set[str] = set()
    for position, word in enumerate(words, 1):
        fitting = [group for group in groups if _names(word, group)]
        if not fitting:
            fix = "pacsflow select PROJECT --list shows numbers and descriptions; KEYWORD=PATTERN, with "
            raise _mistake(f"pattern {position} fits no series that was found", fix + ", ".join(GROUPED))
        keys |= {one.key for group in fitting for one in group.series}
    return keys


def _names(word: str, group: Group) -> bool:
    if numbers := _NUMBERS.fullmatch(word):
        return int(numbers[1]) <= group.number <= int(numbers[2] or numbers[1])
    keyword, sign, pattern = word.partition("=")
    if not sign or keyword not in GROUPED:
        keyword, pattern = "SeriesDescription", word
    try:
        return alike(pattern, group.name[GROUPED.index(keyword)].strip())
    except re.error as error:
        raise _mistake(f"a pattern is not a regular expression: {error.msg}", "fix it") from None


def choose(folder: Path, wanted: set[str], *, seen: Sequence[Candidate], by: str) -> ChosenSeries:
    """Record that of the series `seen` a person wants exactly `wanted`."""
    with ledger_of(folder) as ledger:
        choices.choose(ledger, {one.key: one.key in wanted for one in seen}, by=by)
    changed = sum(one.wanted != (one.key in wanted) for one in seen)
    return ChosenSeries(len(wanted), len(seen) - len(wanted), changed)


def choose_in_workbook(folder: Path, workbook: Path, *, visible: bool | None, by: str) -> ChosenSeries:
    """Record the column `want` of the plan's sheet `series`; series that it does not have stay as they are."""
    told = read_choice(workbook, visible=visible)
    found = series_found(folder)
    if unknown := told.keys() - {one.key for one in found}:
        fix = "plan again; of a CSV that a spreadsheet has saved, see that it left the column `series` as it was"
        raise _mistake(f"the workbook names {len(unknown)} series that the plan does not have", fix)
    seen = [one for one in found if one.key in told]
    with ledger_of(folder) as ledger:
        choices.choose(ledger, told, by=by)
    changed = sum(one.wanted != told[one.key] for one in seen)
    wanted = sum(told.values())
    return ChosenSeries(wanted, len(told) - wanted, changed, len(found) - len(seen))


def forget_choices(folder: Path, *, by: str) -> None:
    """Let the rules of query.yaml decide of all series again."""
    with ledger_of(folder) as ledger:
        choices.forget(ledger, by=by)


def _mistake(message: str, fix: str) -> ProjectError:
    return ProjectError.at("select", message, fix)
