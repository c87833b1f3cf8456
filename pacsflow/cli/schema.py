"""schema: the language of project files, for editors."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.show import console
from pacsflow.projects.json_schema import json_schemas
from pacsflow.projects.reference import reference
from pacsflow.wording import counted


def schema(
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write the schemas and reference.md to", file_okay=False)
    ] = None,
) -> None:
    """JSON Schemas of the files of a project, as one JSON object; or with --out as files, with a page for people."""
    texts = json_schemas()
    if out is None:
        console.print_json(json.dumps({name: json.loads(text) for name, text in texts.items()}))
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text, "utf-8")
    (out / "reference.md").write_text(reference(), "utf-8")
    console.print(f"{counted(len(texts), 'schema')} and reference.md written to {out}", soft_wrap=True)
