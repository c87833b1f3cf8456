"""Files of an earlier delivery where nothing can be taken back."""

from collections.abc import Sequence

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, Target
from pacsflow.wording import counted


def refuse_leftovers(target: Target, paths: Sequence[str]) -> None:
    """Raises TargetError where `target`, which can be asked, still has some of the files."""
    if still := len(paths) - len(target.verify(Delivered(tuple((path, "", 0) for path in paths)))):
        raise TargetError(
            f"the destination still holds {counted(still, 'instance')} of an earlier delivery",
            fix="delete them there, then run again",
        )
