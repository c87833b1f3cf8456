"""policy: what projects reach for outside their folders, as a policy of this machine's worker to read and to keep."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pacsflow.cli.deploy import All, Folders, chosen
from pacsflow.cli.show import console


def policy(
    projects: Folders = None,
    everything: All = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write, readable by all, writable by you")
    ] = None,
) -> None:
    """Print the policy that lets projects do what they say now, and nothing else: hosts, secrets, folders, code.

    Read it, and keep it outside every project: PACSFLOW_POLICY=FILE in the worker's environment, or
    /etc/pacsflow/policy.yaml. Projects that reach for anything else are refused there.
    """
    from pacsflow.run.policies import policy_now, yaml_of
    from pacsflow.staging import PUBLIC, write_text

    text = yaml_of(policy_now(chosen(projects, everything)))
    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out.absolute(), text, PUBLIC)
    console.print(
        f"written to {escape(str(out))}: read it, then PACSFLOW_POLICY={escape(str(out.absolute()))}", soft_wrap=True
    )
