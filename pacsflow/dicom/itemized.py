"""A request for a study or series as requests for the instances in it, for protocols that know nothing else."""

from collections.abc import Callable, Iterator

from pacsflow.dicom.contract import Outcome, Request
from pacsflow.dicom.dimse.sop_classes import Find, values
from pacsflow.dicom.one_by_one import alone, merge


def by_instance(request: Request, find: Find, fetch: Callable[[Request], Outcome]) -> Outcome:
    """What `fetch` gives for the instances of each series of `request`, as `find` lists them.

    What is refused in one series does not keep back the others. Raises PacsError.
    """
    return merge(alone(listed(request, find), fetch))


def listed(request: Request, find: Find) -> Iterator[Request]:
    """A request for the instances of each series of `request`, as `find` lists them. Raises PacsError."""
    if request.sop_uids and len(request.series_uids) == 1:
        yield request
        return
    study = {"StudyInstanceUID": request.study_uid}
    series = request.series_uids or sorted(
        values(find("SERIES", {**study, "SeriesInstanceUID": ""}), "SeriesInstanceUID")
    )
    for uid in series:
        found = values(find("IMAGE", {**study, "SeriesInstanceUID": uid, "SOPInstanceUID": ""}), "SOPInstanceUID")
        wanted = found & set(request.sop_uids) if request.sop_uids else found
        if wanted:
            yield Request(request.study_uid, (uid,), tuple(sorted(wanted)), request.sop_classes, request.patient_id)
