"""Records of reports, built from the ledger's states: rows, studies and series in a few words."""

from collections import Counter

from pacsflow.ledger.summary import RowState, SeriesState, StudyState
from pacsflow.report.records import RowOutcome, StudyOutcome


def series(number="1", held=1, *, key="", modality="MR", converted=("", ""), refused=None, warnings=(), expected=None):
    """A series in numbers; `refused`: reason -> images."""
    refusals = Counter(refused or {})
    counts = Counter(held=held) + Counter(refused=refusals.total())
    attributes = {"SeriesNumber": number, "Modality": modality}
    return SeriesState(
        key or f"series{number}", "", attributes, expected, "", counts, refusals, 0, converted, tuple(warnings)
    )


def state(key="0123456789abcdef", status="complete", *found, reason="", proof="", attributes=None):
    """A study and its series."""
    return StudyState(key, status, reason, attributes or {}, 0.0, found, {}, proof)


def study(key="0123456789abcdef", pseudonym="P1", status="complete", *found, reason="", proof="", **facts):
    """A study that rows take, with all of its series."""
    return StudyOutcome(state(key, status, *found, reason=reason, proof=proof), found, pseudonym=pseudonym, **facts)


def row(number, label="", status="complete", reason="", *studies, warnings=(), images=(0, 0), **facts):
    """A row that takes studies (of `study`), whose series it wants; `images`: announced and held where it has none."""
    taken = tuple(one.state for one in studies)
    wanted = tuple(one for each in studies for one in each.series)
    counts = sum((one.counts for one in wanted), Counter(held=images[1]))
    counts["announced"] = sum(one.images or 0 for one in wanted) or images[0]
    known = RowState(f"row{number}", number, status, reason, list(warnings))
    return RowOutcome(known, status, reason, taken, wanted, counts=counts, label=label or str(number), **facts)
