"""How many associations does the node take at once? As many as pacs.yaml wants are opened, greeted, released."""

import time
from collections.abc import Iterator

from pacsflow.dicom.contract import CrowdedError
from pacsflow.dicom.dimse.association import associate
from pacsflow.dicom.dimse.channel import Channel
from pacsflow.dicom.dimse.query import echo_on
from pacsflow.dicom.probe.results import CheckResult, failure
from pacsflow.dicom.probe.visit import Visit
from pacsflow.errors import PacsError

_MOMENTS = (0.05, 0.2, 1.0, 0.0)
"""Seconds waited for a node to forget associations that were released; then it is believed."""
_NAME = "associations"


def check(visit: Visit) -> Iterator[CheckResult]:
    """`associations`."""
    visit.close()
    wanted, refused, channels = visit.node.limits.associations, None, []
    try:
        for _ in range(wanted):
            channels.append(_another(visit))
            echo_on(channels[-1], visit.node)
            visit.requests["echoes"] += 1
    except PacsError as error:
        refused = error
    finally:
        for channel in channels:
            channel.release()
    taken, facts = len(channels), {"wanted": wanted, "taken": len(channels)}
    if refused is None:
        yield CheckResult(_NAME, "ok", f"{taken} at once are taken, as `limits.associations` wants", facts)
    elif not taken:
        yield failure(_NAME, refused)
    else:
        fix = f"set `limits.associations: {taken}`; or ask for {wanted}"
        yield CheckResult(_NAME, "partly", f"{taken} of {wanted} at once are taken: {refused}", facts, fix=fix)


def _another(visit: Visit) -> Channel:
    for seconds in _MOMENTS:
        visit.requests["associations"] += 1
        try:
            return associate(visit.node, verify=True)
        except CrowdedError:
            if not seconds:
                raise
            time.sleep(seconds)
    raise AssertionError("the last moment is none")
