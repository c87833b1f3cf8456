"""How much a command says, and its log: options that all commands have."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import IO, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from pacsflow.cli import show
from pacsflow.errors import PacsflowError, ProjectError
from pacsflow.version import __version__
from pacsflow.wording import counted

_PANEL: Final = "What it says"


class Log:
    """A file that lines are added to, each with its moment. What is written there never holds an identifier."""

    def __init__(self) -> None:
        """A log that goes nowhere, until `open`."""
        self._path: Path | None = None
        self._lock = Lock()

    def open(self, path: Path | None) -> None:
        """Write to this file from now on; None: to none. Raises ProjectError where it cannot be written."""
        self._path = path
        if path:
            try:
                _appended(path).close()
            except OSError as refused:
                message, fix = f"cannot be written: {refused.strerror}", "name a file in a folder that you can write"
                raise ProjectError.at("--log-file", message, fix) from None

    def __call__(self, text: str) -> None:
        """Add a line. A disk that is full ends no run."""
        if not self._path:
            return
        line = f"{moment()} {' '.join(text.split())}\n"
        with self._lock:
            try:
                with _appended(self._path) as file:
                    file.write(line)
            except OSError:
                self._path = None
                show.errors.print("[yellow]![/] the log file cannot be written any longer; all else goes on")


def _appended(path: Path) -> IO[str]:
    """The file, opened to add to it; a pipe that nobody reads is not waited for. Raises OSError."""
    wait_not = getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | wait_not, 0o666)
    return os.fdopen(descriptor, "a", encoding="utf-8")


log: Final = Log()


class Saying:
    """Whether what a run notes on its way is shown too (`-v`)."""

    verbose = False


def moment() -> str:
    """Now, as 2026-11-30T04:20:11+01:00."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def noted(text: str) -> None:
    """A note of a run: into the log, and on the screen with `-v`."""
    log(text)
    if Saying.verbose:
        show.errors.print(text, markup=False, soft_wrap=True)


def aloud(text: str) -> None:
    """What matters at once: into the log and on the screen."""
    log(text)
    show.errors.print(text, markup=False, soft_wrap=True)


def _quiet(*, value: bool) -> None:
    show.console.quiet = value


def _verbose(*, value: bool) -> None:
    Saying.verbose = value


def _log_file(value: Path | None) -> None:
    log.open(value)


def _common(
    *,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            callback=_quiet,
            expose_value=False,
            is_eager=True,
            rich_help_panel=_PANEL,
            help="Show errors only, and an answer for scripts",
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            callback=_verbose,
            expose_value=False,
            is_eager=True,
            rich_help_panel=_PANEL,
            help="Show what a run notes on its way: nodes, hours, associations, rows by their numbers",
        ),
    ] = False,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file",
            callback=_log_file,
            expose_value=False,
            is_eager=True,
            rich_help_panel=_PANEL,
            metavar="FILE",
            help="Add to this file, with time stamps, what happens; it holds no identifier of a patient",
        ),
    ] = None,
) -> None:
    """Carry the options of all commands."""


def _options() -> list[Any]:
    """The options as typer makes them, new ones for each command."""
    carrier = typer.Typer(add_completion=False)
    carrier.command()(_common)
    return [each for each in typer.main.get_command(carrier).params if "--help" not in each.opts]


class SayingCommand(TyperCommand):
    """A command that can be quiet or say more, and write a log."""

    def __init__(self, *words: Any, **more: Any) -> None:
        """See `TyperCommand`."""
        super().__init__(*words, **more)
        taken = {each for one in self.params for each in one.opts}
        for option in _options():
            option.opts = [each for each in option.opts if each not in taken]  # -q of `pseudonyms` is its own
            self.params.append(option)
        self._old: dict[str, str] = {}
        for option in self.params:
            shown = {one.replace("-", ""): one for one in option.opts if "-" in one.strip("-")}
            self._old |= {one: new for one in option.opts if (new := shown.get(re.sub("[-_]", "", one), one)) != one}
            option.opts = [one for one in option.opts if one not in self._old]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """See `TyperCommand`; what is too long for its column is folded, where typer would cut it."""
        from importlib import import_module

        from rich.table import Table

        rich_utils: Any = import_module("typer.rich_utils")

        class _Folded(Table):
            def add_row(self, *cells: Any, **words: Any) -> None:
                super().add_row(*cells, **words)
                for column in self.columns:
                    column.overflow = "fold"

        whole, rich_utils.Table = rich_utils.Table, _Folded
        try:
            super().format_help(ctx, formatter)
        finally:
            rich_utils.Table = whole

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `TyperCommand`; that a command could not begin is in the log.

        Old spellings (`--in_folder`) are heard, and not shown: with them names are too long for the help.
        """
        named = [one.partition("=") for one in args]
        try:
            return super().parse_args(ctx, [f"{self._old.get(name, name)}{sign}{value}" for name, sign, value in named])
        except PacsflowError as error:
            log(f"pacsflow {self.name}: {_told(error)}; ends with exit code {error.exit_code}")
            raise

    def invoke(self, ctx: Any) -> Any:
        """See `TyperCommand`; begin and end are in the log."""
        try:
            with _logged(f"pacsflow {self.name}"):
                return super().invoke(ctx)
        finally:
            show.console.quiet = Saying.verbose = False


@contextmanager
def _logged(name: str) -> Iterator[None]:
    log(f"{name} begins, version {__version__}")
    try:
        yield
    except PacsflowError as error:
        log(f"{name}: {_told(error)}; ends with exit code {error.exit_code}")
        raise
    except typer.Exit as ended:
        log(f"{name} ends with exit code {ended.exit_code}")
        raise
    except BaseException as error:
        log(f"{name} ends by {type(error).__name__}")
        raise
    log(f"{name} ends with exit code 0")


def _told(error: PacsflowError) -> str:
    """An error for the log: of mistakes in files only where they are, as names of folders may tell too much."""
    if not isinstance(error, ProjectError):
        return f"{type(error).__name__}: {error}"
    places = (f"{each.where}: {each.field}" for each in error.problems if each.file.endswith((".yaml", ".yml")))
    named = ", ".join(list(places)[:20])
    return f"{counted(len(error.problems), 'mistake')}{' in ' + named if named else ''}"
