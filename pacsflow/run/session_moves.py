"""Sessions of a BIDS dataset whose label another study of the patient has now."""

from dataclasses import replace
from pathlib import Path

from pacsflow.export import Delivered, open_target
from pacsflow.ledger import Ledger, outcomes, studies
from pacsflow.run.session_order import ordinals
from schemas.export import BidsDataset


def make_way(ledger: Ledger, workdir: Path, key: str, name: str, target: BidsDataset) -> None:
    """Take other studies of the patient out of a target whose session there has the label of this study now.

    They have another order since, and are delivered again under it. `name`: of the target. Raises TargetError.
    """
    orders, patients = ordinals(ledger), studies.patients(ledger)
    for other in (one for one in orders if one != key and patients[one] == patients[key]):
        known = outcomes.deliveries(ledger, other).get(name)
        if known is None or not any(_session_of(path) == orders[key] for path, *_ in known.files):
            continue
        place = open_target(target, workdir)
        changed = set(place.verify(Delivered(tuple(known.files))))
        place.remove([path for path, *_ in known.files if path not in changed])
        left, reason = tuple(one for one in known.files if one[0] in changed), "its session has another label now"
        told = replace(known, status=outcomes.UNREADY, digest="", files=left, reason=reason)
        outcomes.note_delivery(ledger, other, told)


def _session_of(path: str) -> str:
    """The label of the session that a file of a dataset is in."""
    return next((part.removeprefix("ses-") for part in path.split("/") if part.startswith("ses-")), "")
