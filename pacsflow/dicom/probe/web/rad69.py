"""The check of RAD69: a list of images by SOAP (IHE RAD TF-2 4.69). It cannot be queried."""

from functools import partial

from pacsflow.dicom.probe.contract import Checks
from pacsflow.dicom.probe.web import arrival
from pacsflow.dicom.web.rad69 import Rad69Lane

_WAY = arrival.Way("rad69", "rad69", Rad69Lane)

FIRST: Checks = {}
ASKING: Checks = {}
FETCHING: Checks = {"RAD69": partial(arrival.check, way=_WAY)}
LAST: Checks = {}
CHEAP: frozenset[str] = frozenset()
