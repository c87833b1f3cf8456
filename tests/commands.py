"""Commands of pacsflow, called in the tests' process as a person calls them."""

from typer.testing import CliRunner

from pacsflow.cli.app import app
from pacsflow.errors import PacsflowError


def pacsflow(*words: object, expect: int = 0) -> str:
    """What `pacsflow WORDS` says, or the error it ends with and its fix; its exit code must be the expected one."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, PacsflowError):
        assert done.exception.exit_code == expect, done.exception
        return f"{done.exception} -> {done.exception.fix}"
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == expect, done.output
    return done.output
