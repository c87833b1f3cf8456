"""How many lanes this run may open: slots of a Prefect global concurrency limit, shared by all runs on a node.

Slots are held under leases that are renewed while the run lives. A run that was killed leaves a lease file
whose lock is free; the next run on the same machine gives such a lease back at once, others wait for it to
run out.
"""

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_HOME

from schemas.pacs import PacsNode

LEASE_SECONDS = 120.0
_LOCKED = 423


def limit_name(node: PacsNode) -> str:
    """Name of the node's concurrency limit in Prefect."""
    return f"pacsflow {node.called_aet} at {node.host}:{node.port}"


@contextmanager
def slots(node: PacsNode) -> Iterator[int]:
    """The number of lanes granted: waits for one, takes as many as are free, up to the node's limit."""
    folder = Path(PREFECT_HOME.value()) / "pacsflow-lanes"
    folder.mkdir(parents=True, exist_ok=True)
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(limit_name(node), node.limits.associations)
        held: list[tuple[UUID, IO[str]]] = []
        done = threading.Event()
        renewing = threading.Thread(target=_renew, args=(held, done), daemon=True, name="lane leases")
        try:
            _acquire(client, node, folder, held)
            renewing.start()
            yield len(held)
        finally:
            done.set()
            for lease, file in held:
                _give_back(client, lease, file)


def _acquire(client: SyncPrefectClient, node: PacsNode, folder: Path, held: list[tuple[UUID, IO[str]]]) -> None:
    _reclaim(client, folder)
    while len(held) < node.limits.associations:
        lease = _take(client, limit_name(node))
        if lease is not None:
            file = (folder / str(lease)).open("w")
            fcntl.flock(file, fcntl.LOCK_EX)
            held.append((lease, file))
        elif held:
            return
        else:
            time.sleep(2)
            _reclaim(client, folder)


def _take(client: SyncPrefectClient, name: str) -> UUID | None:
    """A lease on one slot; None when all are taken."""
    try:
        answer = client.increment_concurrency_slots_with_lease([name], 1, "concurrency", LEASE_SECONDS)
    except HTTPStatusError as error:
        if error.response.status_code == _LOCKED:
            return None
        raise
    return UUID(answer.json()["lease_id"])


def _give_back(client: SyncPrefectClient, lease: UUID, file: IO[str]) -> None:
    with suppress(HTTPStatusError):
        client.release_concurrency_slots_with_lease(lease)
    Path(file.name).unlink(missing_ok=True)
    file.close()


def _reclaim(client: SyncPrefectClient, folder: Path) -> None:
    """Give back the leases of processes of this machine that are gone: nobody holds the lock of their file."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError), path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _give_back(client, UUID(path.name), file)


def _renew(held: list[tuple[UUID, IO[str]]], done: threading.Event) -> None:
    with get_client(sync_client=True) as client:
        while not done.wait(LEASE_SECONDS / 4):
            for lease, _ in held:
                with suppress(HTTPStatusError):
                    client.renew_concurrency_lease(lease, LEASE_SECONDS)
