"""review: a person looks at images of which it is not clear whether they show who was examined."""

from contextlib import suppress
from typing import Annotated, cast

import typer
from rich.markup import escape

from pacsflow.cli.project_folder import Folder
from pacsflow.cli.show import Folding, advice, console
from pacsflow.errors import ProjectError
from pacsflow.system import user_name
from pacsflow.wording import counted

_NUMBERS = 4


def review(
    project: Folder,
    group: Annotated[str | None, typer.Argument(help="Group, as the list names it", metavar="GROUP")] = None,
    decision: Annotated[
        str | None, typer.Option(help="mask, pass or refuse: what becomes of all images of the group")
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(help="Box to mask in place of those that were found; may be repeated", metavar="T,L,B,R"),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Show contact sheets to a browser on this machine, until Ctrl-C")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the contact sheets; 0: a free one", min=0, max=65535)] = 0,
) -> None:
    """Decide about images that wait for a look, group by group. Written into deid.yaml, with who and when.

    Without a group those that wait are listed. The next run fetches their images again.
    """
    from pacsflow.deid.burned.boxes import Box
    from pacsflow.run.people.review import Decision, decide

    if show:
        _show(project, port)
        return
    if group is None:
        if decision or box:
            raise ProjectError.at("review", "no group is named", "pacsflow review PROJECT GROUP --decision mask")
        _list_waiting(project)
        return
    if decision not in ("mask", "pass", "refuse") or (box and decision != "mask"):
        fix = "--decision mask (with --box TOP,LEFT,BOTTOM,RIGHT, or those found), pass or refuse"
        raise ProjectError.at("review", "say what is decided", fix)
    rule = decide(
        project, group, cast("Decision", decision), [Box(*each) for each in _boxes(box or [])], by=user_name()
    )
    console.print(f"deid.yaml, pixels.masks: {escape(str(dict(rule)))}")


def _boxes(texts: list[str]) -> list[tuple[int, int, int, int]]:
    found = []
    for text in texts:
        numbers = [part.strip() for part in text.split(",")]
        if len(numbers) != _NUMBERS or not all(number.isdecimal() for number in numbers):
            raise ProjectError.at("review", "not a box", "four numbers: --box TOP,LEFT,BOTTOM,RIGHT, as 0,0,60,640")
        top, left, bottom, right = map(int, numbers)
        if top >= bottom or left >= right:
            raise ProjectError.at("review", "a box without a pixel", "TOP is less than BOTTOM, LEFT less than RIGHT")
        found.append((top, left, bottom, right))
    return found


def _list_waiting(project: Folder) -> None:
    from pacsflow.run.people.held_pictures import texts
    from pacsflow.run.people.review import waiting

    groups = waiting(project)
    if not groups:
        console.print("no image waits for a look")
        return
    table = Folding("group", "images", "of", "why")
    for one in groups:
        shown = [f"{name}: {text}" for name, text in texts(one.kind) if name != "series"]  # it may name a patient
        whys = sorted({sample.why for sample in one.samples})
        table.add_row(one.key[:8], str(one.images), escape("\n".join(shown)), escape("\n".join(whys)))
    console.print(table)
    console.print(advice("pacsflow review PROJECT --show | GROUP --decision mask|pass|refuse"), soft_wrap=True)


def _show(project: Folder, port: int) -> None:
    from pacsflow.run.people.contact_sheet import SheetServer
    from pacsflow.run.people.review import Decision, decide, waiting

    by = user_name()

    def taken(group: str, decision: str) -> None:
        decide(project, group, cast("Decision", decision), by=by)

    with SheetServer(lambda: waiting(project), taken, port=port) as server:
        console.print(f"{counted(len(waiting(project)), 'group')}: {server.link}", soft_wrap=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
