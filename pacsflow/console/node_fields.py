"""The fields of a node on its page: where each stands in pacs.yaml, what it takes, when it is shown."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pacsflow.projects.source import FieldPath
from schemas.pacs import PacsNode
from schemas.protocols import FINDING, METHODS, PROTOCOLS
from schemas.web import Auth

Kind = Literal["text", "number", "choice"]


class NodeField(NamedTuple):
    """`path`: in pacs.yaml. `label`: a word of `words/`. `choices`: of a choice; '' stands for the file's silence."""

    path: FieldPath
    label: str
    kind: Kind = "text"
    choices: tuple[str, ...] = ()


SECTIONS: Final[Mapping[str, tuple[NodeField, ...]]] = {
    "Who it is": (
        NodeField(("name",), "Name in reports"),
        NodeField(("protocol",), "Protocol", "choice", ("", *PROTOCOLS)),
        NodeField(("find",), "Protocol of queries, where another", "choice", ("", *FINDING)),
        NodeField(("host",), "Host name or address"),
        NodeField(("port",), "Port", "number"),
        NodeField(("called_aet",), "AE title of the PACS"),
        NodeField(("calling_aet",), "Our AE title"),
        NodeField(("url",), "Address of the web service"),
        NodeField(("ca",), "Authorities of its certificate (PEM file)"),
    ),
    "How images come": (
        NodeField(("fetch", "method"), "Method", "choice", ("", "auto", *METHODS)),
        NodeField(("fetch", "move_to", "aet"), "C-MOVE: AE title of the receiver"),
        NodeField(("fetch", "move_to", "port"), "C-MOVE: port of our receiver", "number"),
        NodeField(("tls", "ca"), "DICOM TLS: authorities (PEM file)"),
        NodeField(("tls", "certificate"), "DICOM TLS: our certificate (PEM file)"),
        NodeField(("tls", "key"), "DICOM TLS: our key (PEM file)"),
    ),
    "Limits and waits": (
        NodeField(("limits", "associations"), "Associations at once", "number"),
        NodeField(("limits", "studies_per_minute"), "Studies per minute", "number"),
        NodeField(("timeouts", "connect"), "Seconds to connect", "number"),
        NodeField(("timeouts", "response"), "Seconds to answer", "number"),
        NodeField(("retries", "attempts"), "Attempts", "number"),
    ),
}
"""Heading -> its fields. What is not here stays as it is in the file."""
LOG_INS: Final[Mapping[str, type[BaseModel]]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(Auth)[0])
}
"""Kind of log-in -> its model."""


def log_in_fields(kind: str) -> tuple[NodeField, ...]:
    """The fields of a kind of log-in that are texts; a command's list of words is for an editor."""
    model = LOG_INS.get(kind)
    fields = model.model_fields if model else {}
    return tuple(NodeField(("auth", name), name) for name, info in fields.items() if name != "kind" and _is_text(info))


def _is_text(info: FieldInfo) -> bool:
    return info.annotation in (str, str | None)


def described(path: FieldPath) -> str:
    """What the schema says of a field; '' where it says nothing."""
    model: Any = PacsNode
    info: FieldInfo | None = None
    for part in path:
        info = model.model_fields.get(str(part)) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if info is None:
            return ""
        inner = [info.annotation, *get_args(info.annotation)]
        model = next((each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)), None)
    return (info.description or "") if info else ""


def typed(field: NodeField, entered: Any) -> Any:
    """What stands in the file for what was entered: None for nothing; whole numbers without a decimal point."""
    if entered is None or not str(entered).strip():
        return None
    if field.kind != "number":
        return str(entered).strip()
    number = float(entered)
    return int(number) if number.is_integer() else number
