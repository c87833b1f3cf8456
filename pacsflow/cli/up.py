"""up: one command to Prefect's server, a worker and the deployments of a folder of projects."""

import os
import time
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from pacsflow.cli.deploy import All, Folders, Pool, chosen
from pacsflow.cli.show import console
from pacsflow.cli.stopping import stoppable
from pacsflow.errors import ServerError, StoppedError

Port = Annotated[int, typer.Option("--port", help="TCP port of server and UI, on 127.0.0.1", min=1, max=65535)]
HealthPort = Annotated[
    int, typer.Option("--health-port", help="TCP port on which the worker tells whether it lives", min=1, max=65535)
]


def up(
    projects: Folders = None,
    everything: All = None,
    pool: Pool = "pacsflow",
    port: Port = 4200,
    health_port: HealthPort = 8080,
) -> None:
    """Start Prefect's server and a worker, and deploy projects; everything ends with Ctrl-C.

    The server keeps leases in files, deletes what is old and is reached from this machine only.
    """
    from flows.deployments import deploy, read_all
    from pacsflow.cli.stack import LOOPBACK, stack
    from pacsflow.run.policies import own_policy
    from tasks.automations import bring_automations

    folders = chosen(projects, everything)
    known = read_all(folders)
    log = _log()
    console.print(own_policy(folders, log.parent), markup=False, soft_wrap=True)
    try:
        with stoppable(), stack(log, port, console.print) as running:
            console.print(f"starting Prefect's server; what it says is in {log}", markup=False, soft_wrap=True)
            running.start_server()
            _speak_to(f"http://{LOOPBACK}:{port}")
            for name in deploy(known, pool=pool):
                console.print(f"deployed: {name}", markup=False, soft_wrap=True)
            bring_automations()
            running.start_worker(pool, health_port=health_port)
            console.print(f"ready: the UI is at http://{LOOPBACK}:{port}; Ctrl-C ends everything", soft_wrap=True)
            while not (ended := running.ended()):
                time.sleep(0.5)
            raise ServerError(f"the {ended} ended by itself", fix=f"look into {log}")
    except StoppedError:
        console.print("stopped: server and worker have ended")


def _speak_to(url: str) -> None:
    """Have Prefect in this process speak to the server that was started."""
    from prefect.context import refresh_global_settings_context

    os.environ["PREFECT_API_URL"], os.environ["PREFECT_UI_URL"] = f"{url}/api", url
    refresh_global_settings_context()


def _log() -> Path:
    folder = platformdirs.user_state_path("pacsflow", appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "up.log"
