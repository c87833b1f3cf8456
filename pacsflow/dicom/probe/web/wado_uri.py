"""The check of WADO-URI: one request per image, so three of them at most (PS3.18 9.4). It cannot be queried."""

from functools import partial

from pacsflow.dicom.probe.contract import Checks
from pacsflow.dicom.probe.web import arrival
from pacsflow.dicom.web.wado_uri import WadoUriLane

_WAY = arrival.Way("wado-uri", "wado-uri", WadoUriLane, most=3, single=True)

FIRST: Checks = {}
ASKING: Checks = {}
FETCHING: Checks = {"WADO-URI": partial(arrival.check, way=_WAY)}
LAST: Checks = {}
CHEAP: frozenset[str] = frozenset()
