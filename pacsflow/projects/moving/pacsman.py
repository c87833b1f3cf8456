"""PACSMAN (and PACSIFIER, its successor): config.json and query.csv."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from pacsflow.errors import ProjectError
from pacsflow.projects.moving.contract import Moved, OldProject
from pacsflow.projects.moving.parts import (
    COMPARED,
    DESCRIBED,
    IDENTIFIABLE,
    folder_target,
    placed,
    profile,
    table_of,
)
from pacsflow.projects.moving.reading import checked, refuse

_NEW_IDS = "new_ids"
_MISSPELT = "SeriesDecription"
"""A column as PACSMAN's own readme spells it."""
_DROP = [
    {"ImageType": "SCREEN SAVE"},
    {"Modality": "CT", "ImageType": "SECONDARY"},
    {"Modality": "SR"},
]
"""What `--delete_identifiable` took out."""


class _PacsmanConfig(BaseModel):
    """config.json: PACSMAN's keys (texts), or PACSIFIER's (`server_address`, numbers)."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    server_ip: str = ""
    server_address: str = ""
    port: int
    server_AET: str  # noqa: N815 the old system's name
    AET: str
    move_AET: str = ""  # noqa: N815
    move_port: int | None = None
    batch_size: int | None = None
    batch_wait_time: float | None = None
    gateway: list[str] = []
    """Names of the keys about Karnak, which are not carried over."""

    @model_validator(mode="before")
    @classmethod
    def _without_karnak(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        gateway = sorted(key for key in value if key.startswith(("karnak_", "pynetdicom_")))
        kept = {key: given for key, given in value.items() if key not in gateway}
        return {**kept, "gateway": gateway} if gateway else kept

    @model_validator(mode="after")
    def _address(self) -> "_PacsmanConfig":
        if bool(self.server_ip) == bool(self.server_address):
            raise ValueError("give either server_ip or server_address")
        return self


def moved_pacsman(old: OldProject) -> Moved:
    """The project that does what `pacsman --save` (or `--move`) did. Raises ProjectError."""
    config = checked(old.config, _PacsmanConfig)
    if old.choices.get("move") and not config.move_AET:
        refuse(old.config, "move_AET", "is missing, and `--move` sends there", "write it, or leave --move out")
    ids = old.choices.get(_NEW_IDS, "")
    pseudonyms = bool(ids) or _NEW_IDS in old.meanings
    files = {
        "pacs.yaml": _node(config, away=bool(old.choices.get("move"))),
        "query.yaml": {"level": "study", "table": table_of(old, _columns(old, used=pseudonyms and not ids))},
        "deid.yaml": _profile(ids, _dates(old)) if pseudonyms else {"base": "none"},
        "export.yaml": {"targets": []} if old.choices.get("move") else folder_target(old),
    }
    return Moved(files, tuple(_changes(config, old, pseudonyms=pseudonyms)))


def _node(config: _PacsmanConfig, *, away: bool) -> dict[str, Any]:
    fetch: dict[str, Any] = {"method": "c-move" if away else "auto"}
    if away:
        fetch["move_to"] = {"aet": config.move_AET, "ours": False}
    elif config.move_port:
        fetch["move_to"] = {"aet": config.AET, "port": config.move_port}
    limits: dict[str, Any] = {"associations": 1}
    if config.batch_size and config.batch_wait_time:
        limits["pause"] = {"every_series": config.batch_size, "seconds": config.batch_wait_time}
    return {
        "name": config.server_AET.lower(),
        "host": config.server_ip or config.server_address,
        "port": config.port,
        "called_aet": config.server_AET,
        "calling_aet": config.AET,
        "fetch": fetch,
        "limits": limits,
    }


def _columns(old: OldProject, *, used: bool) -> dict[str, str]:
    columns = {_MISSPELT: "SeriesDescription"} if _MISSPELT in old.meanings else {}
    if _NEW_IDS in old.meanings and not used:
        columns[_NEW_IDS] = "ignore"
    return columns


def _dates(old: OldProject) -> dict[str, Any]:
    """How dates move: by PACSIFIER's own numbers where they are given, else by keyed ones."""
    file, direction = old.choices.get("day_shift", ""), old.choices.get("direction", "")
    if not file:
        return {"method": "shift", "days": [-30, 30]}
    if not direction:
        fix = "write --direction subtract where Karnak has used these numbers, --direction add where they were added"
        raise ProjectError.at("--day-shift", "does not say in which direction dates move", fix)
    return {"method": "shift", "source": "table", "file": file, "direction": direction}


def _profile(ids: str, dates: dict[str, Any]) -> dict[str, Any]:
    patient = {"source": "table", "file": ids} if ids else {"source": "column", "column": _NEW_IDS}
    return profile("retain-longitudinal-modified-dates", patient=patient, dates=dates, drop=_DROP)


def _changes(config: _PacsmanConfig, old: OldProject, *, pseudonyms: bool) -> Iterator[str]:
    yield COMPARED
    yield "each PATIENT-level move could bring a whole patient: studies, series and images are asked for by their UIDs"
    yield "the whole query is checked before the first question; a bad row no longer stops the run half-way"
    yield "SeriesNumber and StudyTime are really asked for: rows with them find less than before, and the right ones"
    if "PatientName" in old.meanings:
        yield "PatientName is sent as written; PACSMAN sent `*` and the last word: write `FAMILY*`"
    if config.batch_size and config.batch_wait_time:
        yield "the pause comes after so many series of a run, as before"
    if not config.move_port and not old.choices.get("move"):
        yield "config.json names no port of ours, so images come by C-GET only: for C-MOVE write `fetch.move_to`"
    if config.gateway:
        names = ", ".join(config.gateway)
        yield f"images come straight from the PACS, and a gateway is a target in export.yaml; left out: {names}"
    yield "one association at once, as before: raise `limits.associations` in pacs.yaml when the PACS allows"
    if old.choices.get("move"):
        yield "images go to the other application entity as they are, and only the PACS's numbers show what went"
    else:
        yield from placed(old, "./data")
    if pseudonyms:
        yield DESCRIBED
        yield "pseudonyms come from your new ids; every UID, date, name and private element is treated, not 32 of them"
        if old.choices.get("day_shift"):
            way = {"subtract": "subtracted, as Karnak does", "add": "added"}[old.choices["direction"]]
            yield f"dates go on by the numbers of your day shifts: {way}, as you said"
        else:
            yield "dates keep their intervals: one shift per patient from the project's key, the same in every run"
            yield "if patients have a shift already, as in PACSIFIER's day_shift file, begin again with --day-shift"
        yield (
            "always on: --delete_identifiable (`drop` in deid.yaml; at the PACS nothing is deleted), "
            "--remove_private_tags (`private`), --fuzz_acq_dates (`dates`); folders have the new ids' names"
        )
        yield "ages above 89 become 090Y, which is legal DICOM; they became 90+Y"
    elif not old.choices.get("move"):
        yield IDENTIFIABLE
    if config.move_AET and not old.choices.get("move"):
        yield f"move_AET is for `--move` only: give it to this command, and images go to {config.move_AET} instead"
    yield "`--info` is `pacsflow plan --info`, `--count` is `pacsflow plan`, `--resume` is running again"
    yield "`--upload` is a target in export.yaml, or `pacsflow send` for a folder that is there"
