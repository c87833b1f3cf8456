"""Whatever kind of place an identifier stands in, it does not leave: the instance is clean, or it is refused."""

from functools import cache

import pytest
import yaml

from pacsflow.errors import RefusalError
from unit.deid.adversarial.kinds import kinds
from unit.deid.adversarial.places import places
from unit.deid.instances import cleaner, whole

MODIFIED = "retain-longitudinal-modified-dates"
PROFILES = {
    "none": {},
    "modified": {"options": [MODIFIED, "retain-patient-characteristics", "clean-descriptors"]},
    "device": {"options": ["retain-device-identity", MODIFIED]},
    "safe": {"options": ["retain-safe-private"]},
    "remove": {"unlisted": "remove"},
    "graphics": {"options": ["clean-descriptors", "clean-graphics", "clean-structured-content"]},
    "pixels": {"pixels": {"burned_in": "keep"}},
    "projects/mr-nifti": None,
    "projects/demo": None,
    "uids": {"options": ["retain-uids"]},
    "keep": {"unlisted": "keep"},
}
NOT_MEANT = {"uid": {"uids", "keep"}, "third": {"keep"}, "date": {"keep"}, "id": {"keep"}, "spelled": {"keep"}}
"""Profiles that keep such values because somebody asked for it."""
KINDS = kinds() | places()
ASKED = {
    "third name in GatewayID": {"device"},
    "third name, RT plan labels": {"device"},
    "third name, device UDI seq": {"device"},
}
"""What an option keeps as the name of a device: docs/deid.md says so among its limits."""


@cache
def compiled(name, root):
    profile = PROFILES[name]
    if profile is None:
        profile = yaml.safe_load((root / name / "deid.yaml").read_text("utf-8"))
        del profile["key"]
    return cleaner(**profile)


@pytest.mark.parametrize("name", list(KINDS))
def test_no_identifier_leaves(name, pytestconfig):
    kind = KINDS[name]
    for profile in PROFILES.keys() - NOT_MEANT.get(kind.whose, set()) - ASKED.get(name, set()):
        try:
            out = whole(compiled(profile, pytestconfig.rootpath).clean(kind.source)).lower()
        except RefusalError as error:
            out = str(error).lower().encode()
        assert not [trace for trace in kind.traces if trace.lower() in out], profile
