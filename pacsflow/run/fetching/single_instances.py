"""Single instances of a series: where only some are wanted, it counts as those and as no more."""

from dataclasses import replace

from pacsflow.ledger.studies import Instance, Series, Study
from pacsflow.projects.project import Project

NOT_ASKED = "of a series of which other instances were asked for"


def narrowed(project: Project, study: Study) -> Study:
    """The study, with the number of the wanted instances as the count of each series of which not all are wanted.

    So the verdict on a study is the same as on whole series: each wanted instance is held, refused, or missing.
    """
    if not project.only:
        return study
    return replace(study, series=tuple(_narrowed(one, project.only.get((study.uid, one.uid))) for one in study.series))


def _narrowed(series: Series, only: frozenset[str] | None) -> Series:
    if only is None:
        return series
    count = {"NumberOfSeriesRelatedInstances": str(len(only))}
    return replace(series, expected=len(only), attributes={**series.attributes, **count}, only=only)


def unlisted(series: Series, listed: set[str]) -> list[Instance]:
    """The wanted single instances that a node does not list: they are asked for all the same."""
    return [Instance(series.key, uid) for uid in sorted((series.only or frozenset()) - listed)]


def singled_out(study: Study) -> frozenset[str]:
    """Keys of the series of which only some instances are wanted: they are never asked for whole."""
    return frozenset(series.key for series in study.wanted if series.only is not None)
