"""The help of every command at widths that terminals have: no word of it, and no name of a value, is cut."""

import re
from itertools import pairwise

import pytest
import typer
from typer.testing import CliRunner

from pacsflow.cli.app import COMMANDS, app

BOX = re.compile(r"[│╭╮╰╯─]+")


def commands(group, named=()):
    """Each command with the words that call it, those of groups too."""
    with typer.main.get_command(group).make_context("pacsflow", [], resilient_parsing=True) as context:
        yield from below(context.command, context, named)


def below(command, context, named):
    yield named, command, context
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        one = command.resolve_command(context, [name])[1]
        yield from below(one, one.context_class(one, info_name=name, parent=context), (*named, name))


EVERY = [pytest.param(*found, id=" ".join(found[0]) or "pacsflow") for found in commands(app)]


def test_all_commands_are_looked_at():
    assert {spec.name for spec in COMMANDS} <= {one.values[0][0] for one in EVERY if one.values[0]}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(("words", "command", "context"), EVERY)
def test_no_word_of_the_help_is_cut(words, command, context, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", width)
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": str(width)})
    assert shown.exit_code == 0, shown.output
    assert max(map(len, shown.output.splitlines())) <= width
    told = BOX.sub(" ", shown.output).split()
    texts = [command.help or "", *(getattr(one, "help", "") or "" for one in command.params)]
    wanted = [plain(word) for text in texts for word in text.split("\f")[0].split()]
    letters = plain("".join(told))
    assert not [word for word in set(wanted) - {plain(one) for one in told} if word not in letters]
    names = [name for one in command.params for name in getattr(one, "opts", ()) if name.startswith("-")]
    assert not [name for name in names if name not in letters and not folded(name, shown.output.splitlines())]


def folded(name, lines):
    """Whether a name stands in a column that is too narrow for it: the rest of it is below its beginning."""
    for line, below in pairwise(lines):
        begins = max((size for size in range(3, len(name)) if name[:size] + " " in line), default=0)
        if begins and below[line.index(name[:begins]) :].split(" ")[0] == name[begins:]:
            return True
    return False


def plain(word):
    """A word without the marks of Markdown, which the help shows as type."""
    return re.sub(r"[`*\\<>\[\]]", "", word)
