"""dicomtrolley's tool: its settings, its channels in the keyring (or in a file), and a table of rows."""

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pacsflow.projects.moving.contract import Moved, OldProject
from pacsflow.projects.moving.parts import COMPARED, IDENTIFIABLE, folder_target, placed, table_of
from pacsflow.projects.moving.reading import checked, read_json, refuse

_SERVICE = "dicomtrolleytool"
_PROTOCOLS = {"mint": "mint", "rad69": "rad69", "dicomqr": "dimse", "dicomweb": "dicomweb"}
_LOGIN = ("login_url", "user", "password", "realm")


class _Settings(BaseModel):
    """DICOMTrolleyToolSettings.yml, which is JSON."""

    model_config = ConfigDict(extra="forbid")

    searcher_name: str
    downloader_name: str
    query_missing: bool | None = None
    http_chunk_size: int | None = None
    request_per_series: bool = True
    channels: list[str] = []


class _Channel(BaseModel):
    """A channel: one way to a server."""

    model_config = ConfigDict(extra="forbid")

    class_key: Literal["mint", "rad69", "dicomqr", "dicomweb"]
    key: str = ""
    description: str = ""
    login_url: str = ""
    mint_url: str = ""
    rad69_url: str = ""
    dicom_web_url: str = ""
    user: str = ""
    password: str = ""
    realm: str = ""
    host: str = ""
    port: int | None = None
    aet: str = "DICOMTROLLEY"
    """Our own AE title."""
    aec: str = "ANY-SCP"
    """The node's."""

    @property
    def url(self) -> str:
        """Its web address."""
        return {"mint": self.mint_url, "rad69": self.rad69_url, "dicomweb": self.dicom_web_url}.get(self.class_key, "")


def moved_dicomtrolley(old: OldProject) -> Moved:
    """The project that searches by the one channel and downloads by the other. Raises ProjectError."""
    settings = checked(old.config, _Settings)
    searcher, downloader = (_channel(old, name) for name in (settings.searcher_name, settings.downloader_name))
    finds, fetches = _PROTOCOLS[searcher.class_key], _PROTOCOLS[downloader.class_key]
    node: dict[str, Any] = {"name": settings.downloader_name, "protocol": fetches}
    if finds != fetches:
        node["find"] = finds
    if urls := {_PROTOCOLS[one.class_key]: one.url for one in (searcher, downloader) if one.url}:
        node["urls"] = urls
    for one in (searcher, downloader):
        if one.class_key == "dicomqr":
            node |= {"host": one.host, "port": one.port, "called_aet": one.aec, "calling_aet": one.aet}
    secrets = _signed(old, node, searcher, downloader)
    files = {
        "pacs.yaml": node,
        "query.yaml": {"level": "study", "table": table_of(old, {})},
        "deid.yaml": {"base": "none"},
        "export.yaml": folder_target(old, "{study}/{series}"),
    }
    return Moved(files, tuple(_changes(old, settings)), secrets)


def _changes(old: OldProject, settings: _Settings) -> Iterator[str]:
    yield COMPARED
    yield from placed(old, "the folder given by -o")
    yield "folders are of study and series, as before, with the dots of their UIDs"
    yield "request_per_series: images are asked for by series, after a fault one by one, and only what is missing"
    yield "query_missing, http_chunk_size: what is missing is always asked for, and answers are read as they come"
    if others := sorted({*settings.channels} - {settings.searcher_name, settings.downloader_name}):
        yield f"a project asks one node; left out: {', '.join(others)}"
    yield "passwords are where pacsflow keeps its keys; those in the old tool's keyring stay there"
    yield IDENTIFIABLE


def _channel(old: OldProject, name: str) -> _Channel:
    """A channel of the file that `choices` names, or of the keyring."""
    file = old.choices.get("channels")
    channels = read_json(old.config.parent / file) if file else {name: _of_keyring(old, name)}
    if not isinstance(channels, dict) or name not in channels:
        refuse(old.config, "channels", "one of the two channels in use is not in the file", "write {name: {...}}")
    try:
        return _Channel.model_validate(channels[name])
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors(include_input=False)}))
        refuse(old.config, "channels", f"a channel is not as it should be: {fields}", "fix it in the old tool first")


def _of_keyring(old: OldProject, name: str) -> Any:
    import keyring
    from keyring.errors import KeyringError

    try:
        text = keyring.get_password(_SERVICE, name)
    except KeyringError:
        text = None
    try:
        return json.loads(text or "")
    except json.JSONDecodeError:
        refuse(old.config, "channels", "a channel in use is not in the keyring", "give the channels by --channels FILE")


def _signed(old: OldProject, node: dict[str, Any], searcher: _Channel, downloader: _Channel) -> dict[str, str]:
    """`auth` of the node, with the password apart; both channels must log in alike."""
    web = [one for one in (searcher, downloader) if one.class_key != "dicomqr" and one.user]
    if not web:
        return {}
    if len({tuple(getattr(one, name) for name in _LOGIN) for one in web}) > 1:
        refuse(old.config, "channels", "the two channels log in differently", "make a project of one of them by hand")
    one = web[0]
    node["auth"] = {"kind": "basic", "username": one.user, "password": "@password@"}
    if one.login_url:
        node["auth"] |= {"kind": "vitrea", "login_url": one.login_url}
        node["auth"] |= {"realm": one.realm} if one.realm else {}
    return {"password": one.password}
