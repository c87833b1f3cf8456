"""metrics: numbers of projects for a monitoring system."""

from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.deploy import All, Folders, chosen
from pacsflow.cli.show import console
from pacsflow.cli.stopping import stoppable
from pacsflow.errors import PacsflowError, StoppedError

TEXT = "text/plain; version=0.0.4; charset=utf-8"


def metrics(
    projects: Folders = None,
    everything: All = None,
    port: Annotated[int, typer.Option("--port", help="TCP port that is listened on", min=0, max=65535)] = 9464,
    host: Annotated[str, typer.Option("--host", help="Address that is listened on")] = "127.0.0.1",
    once: Annotated[bool, typer.Option("--once", help="Print the numbers and end")] = False,
) -> None:
    """Tell Prometheus, at /metrics, of rows, studies, requests, bytes, slowings and associations. Numbers only."""
    folders = chosen(projects, everything)
    if once:
        typer.echo(_told(folders), nl=False)
        return
    with suppress(StoppedError), stoppable(), ThreadingHTTPServer((host, port), _handler(folders)) as server:
        console.print(f"metrics at http://{host}:{server.server_port}/metrics; Ctrl-C ends", soft_wrap=True)
        server.serve_forever()


def _told(folders: Sequence[Path]) -> str:
    from pacsflow.run.metrics import metrics_of, text_of
    from tasks.lanes_taken import lanes_taken

    return text_of({**metrics_of(folders), "pacsflow_lanes": lanes_taken()})


def _handler(folders: Sequence[Path]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/metrics":
                self.send_error(404)
                return
            try:
                status, body = 200, _told(folders)
            except PacsflowError as error:
                status, body = 503, f"{error}\n"
            self.send_response(status)
            self.send_header("Content-Type", TEXT)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    return Handler
