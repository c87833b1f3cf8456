"""The commands."""

from typing import Annotated, Final

import typer

import tasks  # noqa: F401 - reads the secrets that Prefect keeps; Prefect itself is imported when one is asked for
from pacsflow.cli.door import CommandSpec, Door

COMMANDS: Final = (
    CommandSpec("init", "A project", "pacsflow.cli.init:init"),
    CommandSpec("import", "A project", "pacsflow.cli.moving:app"),
    CommandSpec("validate", "A project", "pacsflow.cli.validate:validate"),
    CommandSpec("probe", "A project", "pacsflow.cli.probe:probe"),
    CommandSpec("bids", "A project", "pacsflow.cli.bids:bids"),
    CommandSpec("schema", "A project", "pacsflow.cli.schema:schema"),
    CommandSpec("plan", "A run", "pacsflow.cli.project:plan"),
    CommandSpec("settle", "A run", "pacsflow.cli.settle:settle"),
    CommandSpec("select", "A run", "pacsflow.cli.select:select"),
    CommandSpec("review", "A run", "pacsflow.cli.review:review"),
    CommandSpec("approve", "A run", "pacsflow.cli.settle:approve"),
    CommandSpec("run", "A run", "pacsflow.cli.project:run"),
    CommandSpec("pause", "A run", "pacsflow.cli.pausing:pause"),
    CommandSpec("resume", "A run", "pacsflow.cli.pausing:resume"),
    CommandSpec("sign-off", "A run", "pacsflow.cli.sign_off:sign_off"),
    CommandSpec("status", "A run", "pacsflow.cli.project:status"),
    CommandSpec("receive", "A run", "pacsflow.cli.receive:receive"),
    CommandSpec("withdraw", "A run", "pacsflow.cli.withdraw:withdraw"),
    CommandSpec("check", "A run", "pacsflow.cli.check:check"),
    CommandSpec("audit", "A run", "pacsflow.cli.check:audit"),
    CommandSpec("trail", "A run", "pacsflow.cli.check:trail"),
    CommandSpec("console", "In the browser", "pacsflow.console.command:console"),
    CommandSpec("console-user", "In the browser", "pacsflow.console.command:app"),
    CommandSpec("up", "By schedule", "pacsflow.cli.up:up"),
    CommandSpec("deploy", "By schedule", "pacsflow.cli.deploy:deploy"),
    CommandSpec("serve", "By schedule", "pacsflow.cli.deploy:serve"),
    CommandSpec("policy", "By schedule", "pacsflow.cli.policy:policy"),
    CommandSpec("doctor", "By schedule", "pacsflow.cli.doctor:doctor"),
    CommandSpec("metrics", "By schedule", "pacsflow.cli.metrics:metrics"),
    CommandSpec("deid", "Files at hand", "pacsflow.cli.deid:deid"),
    CommandSpec("explain", "Files at hand", "pacsflow.cli.explain:explain"),
    CommandSpec("verify", "Files at hand", "pacsflow.cli.verify:verify"),
    CommandSpec("shift-table", "Files at hand", "pacsflow.cli.shift_table:shift_table"),
    CommandSpec("dicomdir", "Files at hand", "pacsflow.cli.dicomdir:dicomdir"),
    CommandSpec("send", "Files at hand", "pacsflow.cli.send:send"),
    CommandSpec("pseudonyms", "Files at hand", "pacsflow.cli.pseudonyms:pseudonyms"),
    CommandSpec("karnak-tag", "Files at hand", "pacsflow.cli.karnak_tag:karnak_tag"),
    CommandSpec("convert", "Files at hand", "pacsflow.cli.convert:convert"),
    CommandSpec("compare", "Files at hand", "pacsflow.cli.compare:compare"),
    CommandSpec("extract", "Files at hand", "pacsflow.cli.extract:extract"),
    CommandSpec("move-info", "Files at hand", "pacsflow.cli.move_info:move_info"),
    CommandSpec("demo", "Training", "pacsflow.cli.server:demo"),
    CommandSpec("simpacs", "Training", "pacsflow.cli.server:simpacs"),
    CommandSpec("key", "Keys", "pacsflow.cli.key:app"),
    CommandSpec("backup", "Keys", "pacsflow.cli.backup:backup"),
    CommandSpec("restore", "Keys", "pacsflow.cli.backup:restore"),
    CommandSpec("vault", "Keys", "pacsflow.cli.vault:app"),
)
"""All commands, in the order of the help."""


def _version(asked: bool) -> None:
    if asked:
        from pacsflow.version import __version__

        typer.echo(f"pacsflow {__version__}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Options that stand before a command."""


class _Commands(Door):
    specs = COMMANDS


app = typer.Typer(
    name="pacsflow",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    callback=_options,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Declarative batch retrieval of imaging studies: find, fetch, de-identify, convert, deliver, account for.",
)
