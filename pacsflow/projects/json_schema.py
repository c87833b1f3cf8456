"""The language as JSON Schemas, with which an editor completes and checks the files."""

import json

from schemas import BESIDE, FILES

_USE = {
    "type": "object",
    "properties": {"use": {"type": "string", "description": "A node file shared between projects"}},
    "required": ["use"],
    "additionalProperties": False,
}


def json_schemas() -> dict[str, str]:
    """File name -> JSON Schema text (draft 2020-12) for each file of a project, as `pacs.schema.json`."""
    texts = {}
    for file, model in {**FILES, **BESIDE}.items():
        schema = model.model_json_schema(by_alias=True)
        if file == "pacs.yaml":
            named = {key: schema.pop(key) for key in ("$defs",) if key in schema}
            schema = {"anyOf": [schema, _USE], "title": "PacsNode", **named}
        whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        texts[file.replace(".yaml", ".schema.json")] = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
    return texts
