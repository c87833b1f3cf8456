"""Files of other systems, as their readmes and defaults show them, and moving them over."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from pacsflow.cli.app import app
from pacsflow.errors import ProjectError

PACSMAN = {
    "server_ip": "127.0.0.1",
    "port": "4444",
    "server_AET": "SCU_STORE",
    "AET": "PACSMAN",
    "move_AET": "CLIENT",
    "move_port": "11112",
    "batch_size": "30",
    "batch_wait_time": "10",
}
PACSNPULL = {
    "job_title": "cmdline",
    "host_ip": "127.0.0.1",
    "host_port": 4242,
    "client_name": "STORESCP",
    "client_ip": "",
    "client_port": 2000,
    "query_model": "S",
    "query_break_count": 10,
}
PEERS = {
    "<SELF>": {"peer_name": "<SELF>", "peer_aet": "EXAMPLE_SELF", "peer_ip": "1.1.1.1", "peer_port": 4100},
    "EXAMPLE PACS": {"peer_name": "EXAMPLE PACS", "peer_aet": "PACSQR", "peer_ip": "2.2.2.2", "peer_port": 4100},
    "JVS": {"peer_name": "JVS", "peer_aet": "TESTSERVER", "peer_ip": "localhost", "peer_port": 5678},
}
IDENTIFIERS = {"QUERY_IDENTIFIERS": ["PatientID", "StudyDate", "StudyDescription", "SeriesDescription", "Modality"]}
HEADINGS = {"PatientID": ["MRN", "Hospital no"], "Query": ["ID", "Query", "Query ID", "QueryID", "Index"]}
"""excel_headings.json of the downloader's first version; the later one says `QueryNumber`."""
TROLLEY = {
    "searcher_name": "find",
    "downloader_name": "get",
    "query_missing": None,
    "http_chunk_size": None,
    "request_per_series": True,
    "channels": ["find", "get", "spare"],
}
_LOGIN = {"login_url": "https://vitrea.example.org/login", "user": "research", "password": "hunter2", "realm": "Ward"}
CHANNELS = {
    name: {"key": name, "description": "", **channel}
    for name, channel in {
        "find": {"class_key": "mint", "mint_url": "https://vitrea.example.org/mint", **_LOGIN},
        "get": {"class_key": "rad69", "rad69_url": "https://vitrea.example.org/rids", **_LOGIN},
        "archive": {"class_key": "dicomqr", "host": "localhost", "port": "4242", "aet": "US", "aec": "ARCHIVE"},
        "web": {"class_key": "dicomweb", "dicom_web_url": "http://localhost/dicom-web", "user": "", "password": ""},
    }.items()
}


def written(path: str, content: str | Mapping[str, Any] | list[Any]) -> str:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def moved(*arguments: str, expect: int = 0) -> str:
    result = CliRunner().invoke(app, ["import", *arguments])
    assert result.exit_code == expect, result.output
    return result.output


def refused(*arguments: str) -> str:
    """What a move says that is refused; nothing of a project is there afterwards."""
    result = CliRunner().invoke(app, ["import", *arguments, "--project", "old"])
    assert isinstance(result.exception, ProjectError), result.exception
    assert not Path("old").exists()
    assert not list(Path().rglob("old*.key"))
    return str(result.exception)
