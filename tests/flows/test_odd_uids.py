"""SOP Instance UIDs as old scanners write them: a component with a leading zero, or over 64 characters."""

from dataclasses import replace

import pytest

from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from whole_run import METHODS, lying, project, run_once

IMAGES = 3
PROFILES = {
    "none": {"base": "none"},
    "retain-uids": {"options": ["retain-uids"]},
    "default": {},
}


def archive_of(odd):
    """An archive of one study whose images have UIDs that break PS3.5 9.1."""
    archive = phantom_archive(1, matrix=16, images=IMAGES)
    [study] = archive.studies.values()
    series = tuple(
        replace(one, instances=tuple(renamed(image, odd(image.uid)) for image in one.instances))
        for one in archive.series(study.uid)
    )
    return StudyArchive([replace(study, make_series=lambda: series)])


def renamed(image, uid):
    old = image.uid.encode() + b"\0" * (len(image.uid) % 2)
    new = uid.encode() + b"\0" * (len(uid) % 2)

    def encoded():
        data = bytes(image.encoded())
        at = data.index(b"\x08\x00\x18\x00UI") + 8
        assert data[at : at + len(old)] == old
        return data[: at - 2] + len(new).to_bytes(2, "little") + new + data[at + len(old) :]

    return replace(image, attributes={**image.attributes, "SOPInstanceUID": uid}, encoded=encoded)


@METHODS
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "odd", [lambda uid: f"{uid[:40]}.007", lambda uid: uid[:40] + ".1" * 15], ids=["leading-zero", "over-64"]
)
def test_they_come_by_each_method_and_are_kept_or_refused_with_a_reason(tmp_path, method, profile, odd):
    names = iter(range(100, 200))
    with lying(archive=archive_of(lambda uid: f"{odd(uid)}.{next(names)}"), method=method) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, number=1, deid=PROFILES[profile]), pacs)
    [(status, reason)] = told.studies
    assert status == "complete"
    if profile == "retain-uids":
        assert not told.out
        assert f"{IMAGES} refused (uid: " in told.rows[0][1]
        return
    assert len(told.out) == IMAGES
    assert ("breaks PS3.5 9.1" in reason) is (profile == "none")
