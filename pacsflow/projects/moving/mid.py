"""Medical-Imaging-Downloader: a folder of JSON files and an Excel query."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from pacsflow.attributes import tag_for_keyword, vr_of_tag
from pacsflow.projects.moving.contract import Moved, OldProject
from pacsflow.projects.moving.mid_defaults import HEADINGS, IDENTIFIERS, IMAGES, NUMBER, SELF, TAGS, USER, WIPED
from pacsflow.projects.moving.parts import COMPARED, DESCRIBED, folder_target, placed, profile, table_of
from pacsflow.projects.moving.reading import checked, refuse

_FILES = {
    "config_user_defaults": "user_defaults.json",
    "config_peers": "peers.json",
    "config_anon_vrs": "anon_vrs.json",
    "config_anon_tags": "anon_tags.json",
    "config_anon_imgs": "anon_imgs.json",
    "config_tag_to_excel_map": "excel_headings.json",
    "config_query_identifiers": "query_identifiers.json",
}
_WRAPPED = "QUERY_IDENTIFIERS"
_TEXTS = ("LO", "SH", "LT", "ST", "UT", "UC", "UR", "AE", "AS")
_EMPTIED = ("DT", "DA", "TM", "PN", *_TEXTS)
"""Of the VRs that were wiped: those that can be emptied and leave a legal image."""
_CLEANED = ("UI", "SQ")
"""And those that the profile treats better: new UIDs, sequences cleaned inside."""
_PATIENT = frozenset({"PatientID", "PatientName"})
_DATES = ["%m/%d/%Y", "%m/%d/%y", "%Y/%m/%d", "%d-%b-%Y"]
T = TypeVar("T")


class _Peer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    peer_name: str
    peer_aet: str
    peer_ip: str
    peer_port: int


@dataclass(frozen=True)
class _MidConfig:
    """What the files say, with the old system's own default for each key that they lack."""

    peers: Mapping[str, _Peer]
    user: Mapping[str, Any]
    vrs: Mapping[str, Any]
    tags: Mapping[str, list[str]]
    images: Mapping[str, list[str | int]]
    headings: Mapping[str, list[str]]
    identifiers: frozenset[str]


def moved_mid(old: OldProject) -> Moved:
    """The project that downloads and de-identifies what the query lists. Raises ProjectError."""
    config = _read(old.config)
    source = _source(old, config)
    away = _destination(old, config)
    files = {
        "pacs.yaml": _node(source, config, away),
        "query.yaml": {"level": "study", "table": _table(old, config)},
        "deid.yaml": {"base": "none"} if away else _profile(config),
        "export.yaml": {"targets": []} if away else folder_target(old, "{patient}/{session}/{series_number:03d}"),
    }
    return Moved(files, tuple(_changes(config, old, source=source, away=away)))


def _read(place: Path) -> _MidConfig:
    folder = place if place.is_dir() else place.parent
    named = checked(folder / "config.json", dict[str, str]) if (folder / "config.json").is_file() else {}
    files = {key: _file(folder, named.get(key), name) for key, name in _FILES.items()}
    if not files["config_peers"]:
        refuse(folder / _FILES["config_peers"], "", "is not there", "name the folder that holds it, as configs/")

    def said(key: str, shape: type[dict[str, T]]) -> dict[str, T]:
        return checked(file, shape) if (file := files[key]) else {}

    lists = dict[str, list[str]]
    return _MidConfig(
        peers=said("config_peers", dict[str, _Peer]),
        user=USER | said("config_user_defaults", dict[str, Any]),
        vrs=WIPED | said("config_anon_vrs", dict[str, Any]),
        tags={**TAGS, **said("config_anon_tags", lists)},
        images={**IMAGES, **said("config_anon_imgs", dict[str, list[str | int]])},
        headings={**HEADINGS, **said("config_tag_to_excel_map", lists)},
        identifiers=frozenset(said("config_query_identifiers", lists).get(_WRAPPED) or IDENTIFIERS),
    )


def _file(folder: Path, named: str | None, usual: str) -> Path | None:
    places = [folder / named] if named else []
    return next((p for p in (*places, folder / usual, folder / "configs" / usual) if p.is_file()), None)


def _source(old: OldProject, config: _MidConfig) -> _Peer:
    others = {name: peer for name, peer in config.peers.items() if name != SELF}
    name = old.choices.get("peer") or (next(iter(others)) if _alone(config) else config.user["default_src"])
    if name not in others:
        fix = f"say --peer with one of: {', '.join(sorted(others)) or 'none is there'}"
        refuse(old.config / _FILES["config_peers"], "", "does not say which peer is the PACS", fix)
    return others[name]


def _alone(config: _MidConfig) -> bool:
    """Whether the default source is not a peer, and one peer only can be meant."""
    return config.user["default_src"] not in config.peers and len(config.peers.keys() - {SELF}) == 1


def _destination(old: OldProject, config: _MidConfig) -> _Peer | None:
    """The peer that images were moved to, where it was not the program itself."""
    name = config.user["default_dest"]
    if name not in {SELF, *config.peers}:
        fix = f"write {SELF}, or one of: {', '.join(sorted(config.peers.keys() - {SELF}))}"
        refuse(old.config / _FILES["config_user_defaults"], "default_dest", "names no peer", fix)
    return config.peers[name] if name != SELF else None


def _node(source: _Peer, config: _MidConfig, away: _Peer | None) -> dict[str, Any]:
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


def _table(old: OldProject, config: _MidConfig) -> dict[str, Any]:
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


def _meanings(old: OldProject, config: _MidConfig) -> dict[str, str]:
    """Heading of the query -> keyword, `id` or `ignore`: only what the program's own files let it ask by."""
    own = {NUMBER: "id"} | {
        form: "id" if keyword in {NUMBER, "Query"} else keyword
        for keyword, headings in config.headings.items()
        for heading in headings
        for form in (heading, heading.lower(), heading.upper(), heading.capitalize())
    }
    known = {"id", *config.identifiers}
    meant = {heading: own.get(heading, heading) for heading in old.meanings}
    return {heading: meaning if meaning in known else "ignore" for heading, meaning in meant.items()}


def _profile(config: _MidConfig) -> dict[str, Any]:
    vrs = {vr: "empty" for vr in _EMPTIED if vr in config.vrs}
    drop = [{keyword: values} for keyword, values in config.images.items() if tag_for_keyword(keyword) is not None]
    rules = [{"tag": name, "action": "empty"} for name in _named(config) if _emptied(name, vrs)]
    parts = {"patient": {"source": "sequential"}, "elements": rules, "vrs": vrs, "drop": drop}
    return profile(**{name: part for name, part in parts.items() if part})


def _named(config: _MidConfig) -> list[str]:
    """The attributes that were made anonymous one by one."""
    return [name for group in config.tags.values() for name in group]


def _emptied(name: str, vrs: Mapping[str, str]) -> bool:
    """Whether an attribute needs a rule: UIDs get new ones, sequences are cleaned inside, the rest may go by VR."""
    tag = tag_for_keyword(name) or 0
    of_the_file = tag <= 0x0002FFFF  # noqa: PLR2004 file meta information
    return not of_the_file and name not in _PATIENT and vr_of_tag(tag) not in {*_CLEANED, *vrs}


def _changes(config: _MidConfig, old: OldProject, *, source: _Peer, away: _Peer | None) -> Iterator[str]:
    yield COMPARED
    if not old.choices.get("peer") and _alone(config):
        yield f"default_src names no peer there is: {source.peer_name}, the only other one, is asked"
    if others := [name for name, peer in config.peers.items() if name != SELF and peer not in (source, away)]:
        yield f"a project asks one node; left out: {', '.join(others)}"
    yield f"peer_ip of {SELF}: we listen at every address; what counts is what the PACS knows of its AE title"
    yield "of several sheets the first is read, as before, but no hidden one; `sheet` in query.yaml names another"
    if away:
        yield "images go to the other application entity as they are, and only the PACS's numbers show what went"
    else:
        yield from _cleaned_otherwise(config)
    yield f"dates are read as {', '.join(_DATES)} beside YYYYMMDD: see `date_formats` in query.yaml"
    yield "a cell with nothing but `*` is a mistake: leave it empty"
    yield "descriptions are still sought anywhere in the text (`contains` in query.yaml)"
    yield "series are chosen in the plan's workbook, or by `series:` rules in query.yaml; left alone, all are taken"
    if not away:
        yield from placed(old, "default_download_dir")
    yield (
        "default_prefix_…, default_suffix_…, default_xlsx_dir: tables have names of their own, in `report/`: plan.xlsx "
        "with all results in its sheet `series`, queries without any in `unmatched`; results.xlsx with what was done"
    )
    yield (
        "query.json, tags.json, default_legend_tags and default_column_selection said what was shown: the plan's "
        "workbook has columns of its own; synonyms.json was never read"
    )


def _cleaned_otherwise(config: _MidConfig) -> Iterator[str]:
    yield "images are de-identified, as with the program's box ticked; without: `base: none` alone in deid.yaml"
    yield "UIDs become new ones that keep studies, series and references together; they were all the same word"
    yield "sequences are cleaned inside and not wiped, so enhanced images stay readable"
    yield "patients get numbers by PatientID, the same in every run, and folders; studies had numbers"
    yield DESCRIBED
    yield "what the standard's profile treats beside anon_vrs and anon_tags, as comments and serial numbers, goes too"
    for file, names in (("anon_tags.json", _named(config)), ("anon_imgs.json", config.images)):
        if unknown := [name for name in names if tag_for_keyword(name) is None]:
            yield f"these names in {file} are no DICOM keywords and never did anything: {', '.join(unknown)}"
    if left := [vr for vr in config.vrs if vr not in {*_EMPTIED, *_CLEANED}]:
        yield f"anon_vrs.json: images cannot be read without {', '.join(left)}; the profile treats each attribute"
    yield "ages above 89 become 090Y, as HIPAA wants; they became 089Y"
