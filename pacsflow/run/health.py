"""What a new installation of a project gets wrong, found before a night is lost: each fault with its fix."""

import importlib.util
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from pacsflow.confined import available
from pacsflow.dicom.dimse import receiver
from pacsflow.dicom.lanes import greet
from pacsflow.errors import PacsflowError
from pacsflow.projects import Project
from pacsflow.run.stores import key_of, open_ledger_of
from schemas.pacs import MoveTo, PacsNode

GIGABYTES_FREE = 20
_OTHERS = 0o077
_SECONDS = 5.0


@dataclass(frozen=True)
class HealthFinding:
    """One thing looked at: its name, whether it is as it should be, what was found, and how to fix it."""

    what: str
    fine: bool
    said: str
    fix: str = ""


def looked_at(what: str, look: Callable[[], str]) -> HealthFinding:
    """A finding: what `look` says, or the error that it raises, with its fix."""
    try:
        return HealthFinding(what, fine=True, said=look())
    except PacsflowError as error:
        return HealthFinding(what, fine=False, said=str(error), fix=error.fix)
    except OSError as error:
        said = error.strerror or type(error).__name__
        return HealthFinding(what, fine=False, said=said, fix="look at rights, room and network of this machine")


def health_of(project: Project) -> Iterator[HealthFinding]:
    """Work directory, key, ledger, converters, nodes, our own port. Of a node one echo or query is asked."""
    yield looked_at("work directory", lambda: _work_directory(project.workdir))
    yield looked_at("key", lambda: _key(project))
    yield looked_at("ledger", lambda: _ledger(project))
    yield HealthFinding("confinement", fine=True, said=_confinement())
    yield from _converters(project)
    for node in project.nodes.values():
        yield looked_at(f"node {node.name}", partial(_node, node))
        move_to = node.fetch.move_to if node.fetches_by == "dimse" else None
        if move_to and move_to.ours:
            yield looked_at(f"our port for {node.name}", partial(_our_port, node, move_to))


class HealthError(PacsflowError):
    """Something is not as it should be."""


def _work_directory(folder: Path) -> str:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise HealthError(f"{there} cannot be written to", fix=f"give this user rights: chown or chmod u+rwx {there}")
    private = folder / "private"
    if private.exists() and private.stat().st_mode & _OTHERS:
        raise HealthError("its folder `private` can be read by others", fix=f"chmod 700 {private}")
    free = shutil.disk_usage(there).free / 1e9
    if free < GIGABYTES_FREE:
        raise HealthError(
            f"{free:.0f} GB are free, less than {GIGABYTES_FREE}", fix="make room, or set another workdir"
        )
    return f"{folder}, {free:,.0f} GB free"


def _key(project: Project) -> str:
    return "is there and whole" if key_of(project) else "not needed: nothing is de-identified"


def _ledger(project: Project) -> str:
    if project.settings.ledger == "sqlite":
        file = project.workdir / "private" / "ledger.sqlite"
        if not file.exists():
            return "SQLite; the first run makes it"
        with closing(open_ledger_of(project)):
            return "SQLite; opened with the project's key"
    with closing(open_ledger_of(project)) as ledger:
        [version] = ledger.all(sa.text("show server_version"))
        return f"PostgreSQL {version[0]}; opened with the project's key"


def _confinement() -> str:
    """Whether functions of recipes and converters are kept from files and network by the kernel."""
    if why := available():
        return f"recipes and converters run without it: {why}"
    return "recipes and converters reach no files but their own, and no network (Landlock)"


def _converters(project: Project) -> Iterator[HealthFinding]:
    for name in sorted({wish.converter for wish in project.export.nifti}):
        there = importlib.util.find_spec(name) is not None
        fix = "" if there else f"pip install {name}"
        yield HealthFinding(f"converter {name}", there, "is installed" if there else "is not installed", fix)


def _node(node: PacsNode) -> str:
    seconds = greet(node)
    named = f" to {node.calling_aet}" if node.finds_by == "dimse" else ""
    return f"{node.place} answers{named} within {seconds:.1f} s"


def _our_port(node: PacsNode, move_to: MoveTo) -> str:
    """Whether we can listen, and are reached by the name under which the node is to reach us."""
    held = receiver.acquire(node, move_to)
    try:
        host = move_to.host or socket.gethostname()
        with suppress(TimeoutError), socket.create_connection((host, move_to.port), timeout=_SECONDS):
            return f"{move_to.aet} listens, and {host}:{move_to.port} leads here; the node's side: pacsflow probe"
        raise HealthError(
            f"{host}:{move_to.port} does not lead here", fix="open the port in the firewall, or fix move_to.host"
        )
    finally:
        receiver.give_back(held)
