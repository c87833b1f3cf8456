"""A recipe at work on one instance: what it adds, and what its process makes of the header."""

from pacsflow.deid.contract import Source
from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.deid.encoding.elements import element
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.normalize import IMPLICIT
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.encoding.walk import NotStrictError, Walk
from pacsflow.deid.recipe.compile import CompiledRecipe
from pacsflow.deid.recipe.functions import GivenValue
from pacsflow.deid.recipe.worker import Workers
from pacsflow.deid.rules.actions import Case
from pacsflow.deid.rules.table import PIXELS
from pacsflow.errors import RefusalError


def added(recipe: CompiledRecipe, header: Header, case: Case, *, explicit: bool) -> dict[int, bytes]:
    """Whole elements that take the place of the tag's own at top level."""
    extra: dict[int, bytes] = {}
    for tag, rule in recipe.added.items():
        value = header.raw(tag)
        new = value if isinstance(rule.action, GivenValue) else rule.action(VR_OF[tag], value, case)
        if isinstance(new, bytes):
            extra[tag] = element(tag, VR_OF[tag], new, explicit=explicit)
    return extra


def given(workers: Workers, source: Source, header: Header) -> tuple[Walk, Header]:
    """The instance with the header that the recipe's process makes of it; pixel data stays here.

    Raises RefusalError `recipe: …`.
    """
    pixels = header.level.place(PIXELS)
    head = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
    new = workers.run(head + bytes(header.view[:pixels]))
    data = new + bytes(header.view[pixels:])
    walk = Walk(data, explicit=source.transfer_syntax_uid != IMPLICIT)
    try:
        return walk, Header(walk.dataset(), memoryview(data))
    except NotStrictError:
        raise RefusalError("recipe: what it makes of the header cannot be read") from None
