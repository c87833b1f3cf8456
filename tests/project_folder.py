"""A project folder for a test: the five files, written from Python."""

import json
from pathlib import Path
from typing import Any

KEY = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def write_project(folder: Path, *, pacs: dict[str, Any], rows: list[dict[str, Any]], **files: dict[str, Any]) -> Path:
    """The folder of a project that asks `pacs` for `rows`; `project=`, `query=`, `deid=`, `export=` add fields."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder.parent / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    content = {
        "project": {"version": 1, "name": folder.name, "workdir": str(folder.parent / "data")},
        "pacs": {
            "name": "test",
            "host": "127.0.0.1",
            "calling_aet": "PACSFLOW",
            "timeouts": {"connect": 20, "response": 30, "idle": 60},
            "retries": {"attempts": 3, "wait": {"first": 0, "max": 0}},
            "limits": {"associations": 2},
        }
        | pacs,
        "query": {"rows": rows},
        "deid": {"base": "ps3.15-basic", "key": f"${{file:{key}}}"},
        "export": {},
    }
    for name, fields in content.items():
        # JSON is YAML
        (folder / f"{name}.yaml").write_text(json.dumps({**fields, **files.get(name, {})}))
    return folder
