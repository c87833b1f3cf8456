"""The commands."""

import typer

from pacsflow.cli import (
    convert,
    deid,
    dicomdir,
    explain,
    extract,
    init,
    karnak_tag,
    move_info,
    moving,
    probe,
    project,
    pseudonyms,
    schema,
    select,
    send,
    server,
    settle,
    shift_table,
    validate,
    vault,
    verify,
)
from pacsflow.secrets import register_resolver


def _of_prefect(name: str) -> str:
    from tasks.blocks import secret_block

    return secret_block(name)


register_resolver("prefect", _of_prefect)
app = typer.Typer(
    name="pacsflow",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Declarative batch retrieval of imaging studies: find, fetch, de-identify, convert, deliver, account for.",
)
app.command("init", rich_help_panel="A project")(init.init)
app.add_typer(moving.app, name="import", rich_help_panel="A project")
app.command("validate", rich_help_panel="A project")(validate.validate)
app.command("probe", rich_help_panel="A project")(probe.probe)
app.command("schema", rich_help_panel="A project")(schema.schema)
app.command("plan", rich_help_panel="A run")(project.plan)
app.command("settle", rich_help_panel="A run")(settle.settle)
app.command("select", rich_help_panel="A run")(select.select)
app.command("approve", rich_help_panel="A run")(settle.approve)
app.command("run", rich_help_panel="A run")(project.run)
app.command("status", rich_help_panel="A run")(project.status)
app.command("deid", rich_help_panel="Files at hand")(deid.deid)
app.command("explain", rich_help_panel="Files at hand")(explain.explain)
app.command("verify", rich_help_panel="Files at hand")(verify.verify)
app.command("shift-table", rich_help_panel="Files at hand")(shift_table.shift_table)
app.command("dicomdir", rich_help_panel="Files at hand")(dicomdir.dicomdir)
app.command("send", rich_help_panel="Files at hand")(send.send)
app.command("pseudonyms", rich_help_panel="Files at hand")(pseudonyms.pseudonyms)
app.command("karnak-tag", rich_help_panel="Files at hand")(karnak_tag.karnak_tag)
app.command("convert", rich_help_panel="Files at hand")(convert.convert)
app.command("extract", rich_help_panel="Files at hand")(extract.extract)
app.command("move-info", rich_help_panel="Files at hand")(move_info.move_info)
app.command("demo", rich_help_panel="Training")(server.demo)
app.command("simpacs", rich_help_panel="Training")(server.simpacs)
app.add_typer(vault.app, name="vault", rich_help_panel="Keys")
