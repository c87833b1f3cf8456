"""Describe a found study's series by what only images answer: the columns of PACSMAN's --info."""

from contextlib import suppress

from pacsflow.errors import PausedError
from pacsflow.ledger import Ledger, studies, summary
from pacsflow.refs import StudyRef
from pacsflow.run.answer_fields import attributes
from pacsflow.run.session import session

INFO = ("ImageType", "SequenceName", "AcquisitionDate", "SeriesDescription", "ProtocolName", "DeviceSerialNumber")


def describe_study(ref: StudyRef) -> StudyRef | None:
    """The study, whose series have what one of their images answers (C-FIND, IMAGE level).

    None: it was not asked, outside the node's hours. Raises PacsError.
    """
    run = session(ref.project)
    study = studies.study(run.ledger, ref.key)
    with suppress(PausedError), run.lanes_to(ref.node).borrow() as lane:
        for series in study.series:
            above = {"StudyInstanceUID": study.uid, "SeriesInstanceUID": series.uid, "SOPInstanceUID": ""}
            answers = lane.find("IMAGE", above | dict.fromkeys(INFO, ""))
            told = attributes(answers[0]) if answers else {}
            studies.describe(run.ledger, series, dict.fromkeys(INFO, "") | dict(series.attributes) | _said(told))
        run.traffic(ref.node, find=len(study.series))
        return ref
    return None


def _said(told: dict[str, str]) -> dict[str, str]:
    return {keyword: told[keyword] for keyword in INFO if told.get(keyword)}


def undescribed(ledger: Ledger, node: str) -> list[str]:
    """Keys of the studies of a node with a series that no image was asked about."""
    mine = [study for study in summary.studies(ledger).values() if study.node == node]
    return [study.key for study in mine if any("ImageType" not in s.attributes for s in study.series)]
