"""Medical-Imaging-Downloader: a folder of JSON files and an Excel query."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydicom.datadict import dictionary_VR, tag_for_keyword

from pacsflow.projects.moving.contract import Moved, Old
from pacsflow.projects.moving.parts import COMPARED, folder_target, profile, table_of
from pacsflow.projects.moving.reading import read_json, refuse

SELF = "<SELF>"
_FILES = {
    "config_user_defaults": "user_defaults.json",
    "config_peers": "peers.json",
    "config_anon_vrs": "anon_vrs.json",
    "config_anon_tags": "anon_tags.json",
    "config_anon_imgs": "anon_imgs.json",
    "config_tag_to_excel_map": "excel_headings.json",
    "config_query_identifiers": "query_identifiers.json",
}
_VRS = {"DT": "empty", "DA": "empty", "TM": "empty", "PN": "empty"}
"""Of the VRs that were wiped: those that can be emptied and leave a legal image."""
_IDENTIFIERS = (
    "PatientID", "StudyDate", "AccessionNumber", "StudyDescription", "SeriesDescription", "Modality", "SeriesNumber",
    "StudyInstanceUID", "SeriesInstanceUID",
)  # fmt: skip
"""The program's own defaults, where a file is missing: what a query may ask by, what was wiped, which images went."""
_WIPED = ("DT", "DA", "TM", "UI", "PN", "SQ")
_IMAGES = {"Modality": ["SR"], "SeriesDescription": ["Summary", "Report", "Outside", "Text"], "SeriesNumber": ["999"]}
_TAGS = {
    "DS": ["PatientBodyMassIndex", "PatientSize", "PatientWeight"],
    "SH": ["AccessionNumber", "ImplementationVersionName", "PerformedProcedureStepID", "StationName", "StudyID"],
    "IS": ["AcquisitionNumber"],
    "LO": ["FillerOrderNumberImagingServiceRequest", "InstitutionName", "IssuerOfPatientID", "PatientAddress",
           "PatientID", "RequestingService"],
}  # fmt: skip
_NUMBER = "QueryNumber"
_PATIENT = frozenset({"PatientID", "PatientName"})
_DATES = ["%m/%d/%Y", "%m/%d/%y", "%Y/%m/%d", "%d-%b-%Y"]


class _Peer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    peer_name: str
    peer_aet: str
    peer_ip: str
    peer_port: int


@dataclass(frozen=True)
class _Config:
    """What the files say, each with the old system's own default where it is missing."""

    peers: Mapping[str, _Peer]
    user: Mapping[str, Any] = field(default_factory=dict)
    vrs: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, list[str]] = field(default_factory=dict)
    images: Mapping[str, list[str]] = field(default_factory=dict)
    headings: Mapping[str, list[str]] = field(default_factory=dict)
    identifiers: frozenset[str] = frozenset(_IDENTIFIERS)


def moved_mid(old: Old) -> Moved:
    """The project that downloads and de-identifies what the query lists. Raises ProjectError."""
    config = _read(old.config)
    source = _source(old, config)
    rules, skipped = _elements(config.tags)
    away = _destination(config)
    files = {
        "pacs.yaml": _node(source, config, away),
        "query.yaml": {"level": "study", "table": _table(old, config)},
        "deid.yaml": {"base": "none"} if away else _profile(config, rules),
        "export.yaml": {"targets": []} if away else folder_target(old, "{patient}/{session}/{series_number:03d}"),
    }
    return Moved(files, tuple(_changes(skipped, away=away)))


def _read(place: Path) -> _Config:
    folder = place if place.is_dir() else place.parent
    named = read_json(folder / "config.json") if (folder / "config.json").is_file() else {}
    files = {key: _file(folder, named.get(key), name) for key, name in _FILES.items()}
    values = {key: read_json(file) if file else {} for key, file in files.items()}
    if not files["config_peers"]:
        refuse(folder / _FILES["config_peers"], "", "is not there", "name the folder that holds it, as configs/")
    try:
        peers = TypeAdapter(dict[str, _Peer]).validate_python(values["config_peers"])
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        refuse(files["config_peers"], ".".join(map(str, first["loc"])), first["msg"], "mend the peer")
    return _Config(
        peers,
        values["config_user_defaults"],
        values["config_anon_vrs"] if files["config_anon_vrs"] else dict.fromkeys(_WIPED, ""),
        values["config_anon_tags"] if files["config_anon_tags"] else _TAGS,
        values["config_anon_imgs"] if files["config_anon_imgs"] else _IMAGES,
        values["config_tag_to_excel_map"],
        frozenset(values["config_query_identifiers"]) or frozenset(_IDENTIFIERS),
    )


def _file(folder: Path, named: str | None, usual: str) -> Path | None:
    places = [folder / named] if named else []
    return next((p for p in (*places, folder / usual, folder / "configs" / usual) if p.is_file()), None)


def _source(old: Old, config: _Config) -> _Peer:
    others = {name: peer for name, peer in config.peers.items() if name != SELF}
    name = old.choices.get("peer") or config.user.get("default_src", "")
    if name not in others and len(others) == 1:
        (name,) = others
    if name not in others:
        refuse(
            old.config / _FILES["config_peers"],
            "",
            "does not say which peer is the PACS",
            f"say --peer with one of: {', '.join(sorted(others)) or 'none is there'}",
        )
    return others[name]


def _destination(config: _Config) -> _Peer | None:
    """The peer that images were moved to, where it was not the program itself."""
    name = config.user.get("default_dest", SELF)
    return config.peers.get(name) if name != SELF else None


def _node(source: _Peer, config: _Config, away: _Peer | None) -> dict[str, Any]:
    own = config.peers.get(SELF)
    node: dict[str, Any] = {
        "name": source.peer_name.lower(),
        "host": source.peer_ip,
        "port": source.peer_port,
        "called_aet": source.peer_aet,
    }
    if own:
        node["calling_aet"] = own.peer_aet
    if away:
        node["fetch"] = {
            "method": "c-move",
            "move_to": {"aet": away.peer_aet, "port": away.peer_port, "ours": False},
        }
    elif own:
        node["fetch"] = {"method": "auto", "move_to": {"aet": own.peer_aet, "port": own.peer_port}}
    return {**node, "limits": {"associations": 1}}


def _table(old: Old, config: _Config) -> dict[str, Any]:
    """The query's table: own headings, all others left out as the old program did; ids of seven digits."""
    meanings = _meanings(old, config)
    numbers = [heading for heading, meaning in meanings.items() if meaning == "id"]
    columns = {
        heading: "ignore" if meaning == "id" else meaning
        for heading, meaning in meanings.items()
        if meaning != old.meanings[heading] and heading not in numbers[:1]
    } | dict.fromkeys(numbers[1:], "ignore")
    texts = [keyword for keyword in ("StudyDescription", "SeriesDescription") if keyword in meanings.values()]
    return {
        **table_of(old, columns),
        **({"id_column": numbers[0]} if numbers and (len(numbers) > 1 or old.meanings[numbers[0]] != "id") else {}),
        "zero_pad": {"PatientID": 7},
        "date_formats": _DATES,
        **({"contains": texts} if texts else {}),
    }


def _meanings(old: Old, config: _Config) -> dict[str, str]:
    """Heading of the query -> keyword, `id` or `ignore`: only what the program's own files let it ask by."""
    own = {
        form: "id" if keyword == _NUMBER else keyword
        for keyword, headings in config.headings.items()
        for heading in headings
        for form in (heading, heading.lower(), heading.upper(), heading.capitalize())
    }
    known = {"id", *config.identifiers}
    meant = {heading: own.get(heading, meaning) for heading, meaning in old.meanings.items()}
    return {heading: meaning if meaning in known else "ignore" for heading, meaning in meant.items()}


def _profile(config: _Config, rules: list[dict[str, str]]) -> dict[str, Any]:
    vrs = {vr: action for vr, action in _VRS.items() if vr in config.vrs}
    drop = [{keyword: values} for keyword, values in config.images.items()]
    parts = {"patient": {"source": "sequential"}, "elements": rules, "vrs": vrs, "drop": drop}
    return {**profile(**{name: part for name, part in parts.items() if part}), "options": []}


def _elements(tags: Mapping[str, list[str]]) -> tuple[list[dict[str, str]], list[str]]:
    """Rules for the tags that were made anonymous one by one, and the names that are no DICOM keywords."""
    names = [name for group in tags.values() for name in group]
    unknown = [name for name in names if tag_for_keyword(name) is None]
    rules = [{"tag": name, "action": "empty"} for name in names if name not in {*unknown, *_PATIENT} and _emptied(name)]
    return rules, unknown


def _emptied(name: str) -> bool:
    """Whether an attribute needs a rule: UIDs get new ones, sequences are cleaned inside, the rest goes by VR."""
    tag = tag_for_keyword(name) or 0
    return tag > 0x0002FFFF and dictionary_VR(tag) not in {"UI", "SQ", *_VRS}  # noqa: PLR2004 file meta information


def _changes(unknown: list[str], *, away: _Peer | None) -> Iterator[str]:
    yield COMPARED
    yield "of several sheets the first is read, as before; `sheet` in query.yaml names another"
    if away:
        yield "images go to the other application entity as they are, and only the PACS's numbers tell what went"
    else:
        yield "images are de-identified, as with the program's box ticked; without: `base: none` alone in deid.yaml"
        yield "UIDs become new ones that keep studies, series and references together; they were all the same word"
        yield "sequences are cleaned inside and not wiped, so enhanced images stay readable"
        yield "patients get numbers by PatientID, the same in every run; studies had numbers"
    if unknown:
        yield f"these names in anon_tags.json are no DICOM keywords and never did anything: {', '.join(unknown)}"
    yield "ages above 89 become 090Y, as HIPAA wants; they became 089Y"
    yield f"dates are read as {', '.join(_DATES)} beside YYYYMMDD: see `date_formats` in query.yaml"
    yield "descriptions are still sought anywhere in the text (`contains` in query.yaml)"
    yield "series are chosen in the plan's workbook, or by `series:` rules in query.yaml; left alone, all are taken"
    yield "your table comes back with every row's status; rows without a hit are told in the report too"
