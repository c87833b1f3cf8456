"""Plain data -> the text of a project file."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

_TITLES = {
    "pacs.yaml": "The PACS node, how it is asked, and how many associations at once.",
    "query.yaml": "Which studies are wanted.",
    "deid.yaml": "How patients are made unrecognisable (DICOM PS3.15 Annex E).",
    "export.yaml": "What is made of the images and where it goes.",
}
_OTHERWISE = """
# To have images de-identified on their way, write this instead, before the first run:
# base: ps3.15-basic
# options: [retain-longitudinal-modified-dates, retain-patient-characteristics]
# key: "@key@"
"""


def texts_of(files: Mapping[str, Mapping[str, Any]], system: str) -> dict[str, str]:
    """File name -> YAML, commented; words as `@key@` stand for what is only known when the project is begun."""
    return {name: _text(name, content, system) for name, content in files.items()}


def _text(name: str, content: Mapping[str, Any], system: str) -> str:
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 110
    stream = StringIO()
    yaml.dump(dict(content), stream)
    schema = name.replace(".yaml", ".schema.json")
    title = f"{_TITLES[name]} Moved over from {system}."
    if content.get("base") == "none":
        stream.write(_OTHERWISE)
    return f"# yaml-language-server: $schema=.schema/{schema}\n# {title}\n\n{stream.getvalue()}"
