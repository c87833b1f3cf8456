"""The group of all commands: the module of a command is imported when that command is called."""

import ast
from functools import cache
from importlib.util import find_spec
from inspect import cleandoc
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class CommandSpec(NamedTuple):
    """A command, or a group of them. `panel`: its heading in the help. `place`: `module:function`, or a group's app."""

    name: str
    panel: str
    place: str


class Door(TyperGroup):
    """A group that knows its commands by name, heading and help, and loads the one that is called."""

    specs: tuple[CommandSpec, ...] = ()

    def __init__(self, **words: Any) -> None:
        """See `TyperGroup`."""
        super().__init__(**words)
        self._places = {one.name: one for one in self.specs}
        for one in self.specs:
            self.add_command(TyperCommand(one.name, help=help_of(one.place), rich_help_panel=one.panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(self._places[command.name or ""]) if command else None, rest


@cache
def loaded(spec: CommandSpec) -> Any:
    """A command as typer makes it of its function, or a group of its app."""
    from pacsflow.cli.saying import SayingCommand

    group = typer.Typer(pretty_exceptions_enable=False)
    does = resolve_name(spec.place)
    if isinstance(does, typer.Typer):
        for each in does.registered_commands:
            each.cls = SayingCommand
        group.add_typer(does, name=spec.name, rich_help_panel=spec.panel)
    else:
        group.command(spec.name, cls=SayingCommand, rich_help_panel=spec.panel)(does)
    return typer.main.get_group(group).commands[spec.name]


def help_of(place: str) -> str:
    """What a command's module says of it: a function's docstring, or `help` of a group's app; nothing is imported."""
    module, _, name = place.partition(":")
    found = find_spec(module)
    source = Path(found.origin).read_text(encoding="utf-8") if found and found.origin else ""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node) or ""
        if isinstance(node, ast.Assign) and any(isinstance(at, ast.Name) and at.id == name for at in node.targets):
            return _help_word(node.value)
    return ""


def _help_word(made: ast.expr) -> str:
    words = made.keywords if isinstance(made, ast.Call) else []
    for word in words:
        if word.arg == "help" and isinstance(word.value, ast.Constant):
            return cleandoc(str(word.value.value))
    return ""
