"""sign-off: persons look at samples, and let what was fetched go to the targets, or do not."""

from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pacsflow.cli.answering import Json, answer
from pacsflow.cli.project_folder import HERE, Folder
from pacsflow.cli.show import Folding, console
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.projects import read_project
from pacsflow.system import user_name
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.run.people.signing import Sample, SignOff


def sign_off(
    project: Folder = HERE,
    release: Annotated[
        str, typer.Option(metavar="DIGEST", help="Let exactly these studies go to the targets, as the list names them")
    ] = "",
    withhold: Annotated[str, typer.Option(metavar="DIGEST", help="Do not let them go; until you release them")] = "",
    note: Annotated[str, typer.Option(help="Why; name no patient here")] = "",
    as_json: Json = False,
) -> None:
    """List what waits for a sign-off, with samples to look at; release it, or withhold it. Recorded with who and when.

    The exit code is 1 as long as something waits.
    """
    from pacsflow.ledger.signatures import Signature
    from pacsflow.run.people import signing
    from pacsflow.run.stores import open_ledger_of

    opened = read_project(project)
    if release and withhold:
        raise ProjectError.at("sign-off", "these options do not go together", "--release DIGEST | --withhold DIGEST")
    with closing(open_ledger_of(opened)) as ledger:
        if release or withhold:
            said = Signature(user_name(), bool(release), note, 0.0)
            state, samples = signing.decide(ledger, opened, release or withhold, said), []
        else:
            state, samples = signing.waiting(ledger, opened), signing.samples(ledger, opened)
    code = WorkLeftError.exit_code if state.studies else 0
    if as_json:
        counts = {"studies": len(state.studies), "images": state.images, "persons": state.asked}
        named = {"digest": state.digest, "said": [asdict(one) for one in state.said]}
        answer("sign-off", _word(state), exit_code=code, project=opened.settings.name, counts=counts, **named)
        raise typer.Exit(code)
    _show(state, samples)
    if code:
        fix = "the other person looks too" if state.said and not state.withheld else "look at the samples"
        fix += f": pacsflow sign-off {project} --release {state.digest}"
        raise WorkLeftError(f"{counted(len(state.studies), 'study waits', 'studies wait')} for a sign-off", fix=fix)


def _word(state: "SignOff") -> str:
    return "withheld" if state.withheld else "waiting" if state.studies else "released"


def _show(state: "SignOff", samples: "list[Sample]") -> None:
    if not state.studies:
        asked = "nothing waits for a sign-off; the next run delivers what was released"
        console.print(asked if state.asked else "the project asks for no sign-off (`sign_off: none`)")
        return
    console.print(
        f"{counted(len(state.studies), 'study', 'studies')}, {counted(state.images, 'image')} wait; "
        f"{counted(state.lacking, 'person', 'persons')} must still release them; digest {state.digest}"
    )
    for one in state.said:
        when, what = datetime.fromtimestamp(one.at).astimezone(), "released" if one.release else "withheld"
        note = f": {one.note}" if one.note else ""
        console.print(f"{what} by {one.by} at {when:%Y-%m-%d %H:%M}{note}", markup=False, soft_wrap=True)
    if samples:
        table = Folding("study", "modality", "images", "description, as it would leave", "middle image")
        for sample in samples:
            after = {name: value for name, _, value in sample.header}
            text = " / ".join(filter(None, (after.get("StudyDescription"), after.get("SeriesDescription"))))
            table.add_row(sample.study, sample.modality, str(sample.images), escape(text), escape(str(sample.file)))
        console.print(table)
