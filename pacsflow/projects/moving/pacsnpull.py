"""pacsnpull: conf.json and a JSON list of queries."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pacsflow.projects.moving.contract import Moved, OldProject
from pacsflow.projects.moving.parts import COMPARED, IDENTIFIABLE, folder_target, placed, table_of
from pacsflow.projects.moving.reading import checked


class _PacsnpullConfig(BaseModel):
    """conf.json."""

    model_config = ConfigDict(extra="forbid")

    job_title: str = ""
    host_ip: str
    host_port: int
    client_name: str
    client_ip: str = ""
    client_port: int
    query_model: Literal["S", "P"] = "S"
    query_break_count: int | None = None
    log_level: str | int | None = None


def moved_pacsnpull(old: OldProject) -> Moved:
    """The project that does what `flask move --store` did. Raises ProjectError."""
    config = checked(old.config, _PacsnpullConfig)
    node: dict[str, Any] = {
        "name": config.job_title or "pacs",
        "host": config.host_ip,
        "port": config.host_port,
        "called_aet": "ANY-SCP",
        "calling_aet": config.client_name,
        "fetch": {"method": "auto", "move_to": {"aet": config.client_name, "port": config.client_port}},
        "limits": {"associations": 1},
    }
    files = {
        "pacs.yaml": node,
        "query.yaml": {"level": "study", "table": table_of(old, {})},
        "deid.yaml": {"base": "none"},
        "export.yaml": folder_target(old, "{study}/{series_number:05d}-{series_description}"),
    }
    changes = (
        COMPARED,
        'each query says its own QueryRetrieveLevel; `"*"` asks an attribute back and filters nothing, as before',
        "called_aet is ANY-SCP, which pacsnpull sent without asking: write your PACS's own title where it wants one",
        "query_model: the Study Root is used, the Patient Root where the PACS has no other",
        "query_break_count: a retrieval without progress ends by `timeouts.response`, and is tried again",
        "client_ip: we listen at every address; what counts is what the PACS knows of client_name and client_port",
        "log_level: troubles are in the ledger and on the report, whatever the level",
        "job_title is the node's name in reports",
        *placed(old, "instance/<job_title>/dcm"),
        "series have folders of their own below that of the study",
        IDENTIFIABLE,
        "`find` alone is `pacsflow plan`: its workbook has the answers",
    )
    return Moved(files, changes)
