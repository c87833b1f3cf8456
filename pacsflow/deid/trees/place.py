"""Where a cleaned file goes: names that are made of the new identity alone."""

import re
from typing import Final

from pacsflow.deid.contract import Cleaned
from pacsflow.errors import RefusalError

OURS: Final = ".pacsflow"
"""Folder at the top of a cleaned tree: lock, unfinished files, and which profile and key the tree is under."""
STUDIES: Final = "studies"
"""In it, where no vault is kept: whose each study is, encrypted under the key."""

NO_STUDY: Final = "nostudy"
NO_SERIES: Final = "noseries"
_UNSAFE: Final = re.compile(r"[^0-9A-Za-z_-]+")
_UID: Final = re.compile(r"(?=.{1,64}$)[0-9]+(\.[0-9]+)*")


def place(cleaned: Cleaned) -> str:
    """`pseudonym/study/series/instance.dcm`, by the new UIDs. Raises RefusalError where a UID is none (PS3.5 9.1)."""
    study, series, instance = cleaned.study_instance_uid, cleaned.series_instance_uid, cleaned.sop_instance_uid
    if not instance or any(uid and not _UID.fullmatch(uid) for uid in (study, series, instance)):
        raise RefusalError("malformed: a UID is not valid")
    patient = _UNSAFE.sub("_", cleaned.person.pseudonym)[:64]
    return "/".join((patient, study or NO_STUDY, series or NO_SERIES, f"{instance}.dcm"))
