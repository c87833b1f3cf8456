"""What a person decides about images that wait for a look: one decision for all images of one kind."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.burned.finding import WAITS
from pacsflow.errors import ProjectError
from pacsflow.ledger import studies
from pacsflow.ledger.acts import Act, note
from pacsflow.projects.mask_rules import add_mask_rule
from pacsflow.query.loading import load
from pacsflow.run.people.decisions import ledger_of
from pacsflow.run.people.held_pictures import HeldGroup, held_pictures
from pacsflow.run.stores import key_of
from pacsflow.wording import counted

Decision = Literal["mask", "pass", "refuse"]


def waiting(folder: Path) -> list[HeldGroup]:
    """The groups of a project that wait for a decision. Raises ProjectError, SecretError, KeyMismatchError."""
    project, _ = load(folder)
    held = held_pictures(project, key_of(project))
    return held.groups() if held else []


def decide(folder: Path, name: str, decision: Decision, boxes: Sequence[Box] = (), *, by: str) -> Mapping[str, Any]:
    """Write a person's decision as a rule into deid.yaml, and expect the images again; gives the rule.

    `name`: the group's, or the beginning of it. `mask` without boxes takes those that were found. Raises ProjectError
    where no group, or more than one, is called so, or there is nothing to mask.
    """
    project, _ = load(folder)
    held = held_pictures(project, key_of(project))
    group = _named(held.groups() if held else [], name)
    rule = _rule(group, decision, boxes or group.boxes, by=by)
    add_mask_rule(folder, rule)
    if held:
        held.drop(group.key)
    with ledger_of(folder) as ledger:
        note(ledger, Act("review", by, f"{group.key[:8]}: {decision}, {counted(group.images, 'image')}"))
        for key in studies.refused(ledger, WAITS):
            studies.reopen(ledger, key, WAITS)
    return rule


def _named(groups: Sequence[HeldGroup], name: str) -> HeldGroup:
    found = [group for group in groups if name and group.key.startswith(name)]
    if len(found) != 1:
        near = ", ".join(group.key[:8] for group in groups)
        what = "more than one group begins so" if found else "no group is called so"
        raise ProjectError.at("review", what, f"waiting are {near}" if near else "nothing waits")
    return found[0]


def _rule(group: HeldGroup, decision: Decision, boxes: Sequence[Box], *, by: str) -> dict[str, Any]:
    kind = group.kind
    said = {
        "manufacturer": kind.manufacturer,
        "model": kind.model,
        "modality": kind.modality,
        "rows": kind.rows,
        "columns": kind.columns,
        "image_type": kind.image_type,
    }
    rule: dict[str, Any] = {name: value for name, value in said.items() if value}
    rule |= {"exactly": True, "decision": decision}
    if decision == "mask":
        if not boxes:
            raise ProjectError.at("review", "no boxes to mask", "say them: --box TOP,LEFT,BOTTOM,RIGHT")
        if outside := [box for box in boxes if box.top >= kind.rows or box.left >= kind.columns]:
            raise ProjectError.at(
                "review",
                f"{counted(len(outside), 'box lies', 'boxes lie')} outside of the picture and would mask nothing",
                f"TOP is below {kind.rows} and LEFT below {kind.columns} in the pictures of this group",
            )
        rule["boxes"] = [list(box) for box in boxes]
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return rule | {"by": by, "decided": when}
