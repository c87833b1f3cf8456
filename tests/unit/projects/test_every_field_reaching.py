"""Each field of text that a project may say: what it reaches for is known, and under a policy it reaches nothing else."""

import importlib
import pkgutil
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

import schemas
from pacsflow.policy import is_host
from pacsflow.projects import reaching
from pacsflow.projects.reaching import _fault, _leaf
from pacsflow.secrets import _REFERENCE
from schemas import FILES
from schemas.policy import Policy, SecretRule

for module in pkgutil.iter_modules(schemas.__path__):
    importlib.import_module(f"schemas.{module.name}")

HARMLESS = {
    # words that are written, shown, compared or sent as they stand
    "name", "title", "contact", "ethics", "email", "sender", "cron", "timezone", "authors", "license", "album", "labels",
    "username", "user", "realm", "scope", "client_id", "tenant_id", "account_name", "region", "project", "called_aet",
    "calling_aet", "aet", "character_set", "sop_classes", "days", "begin", "end", "holidays", "holiday_calendar",
    "modality", "series_description", "session_column", "column", "prefix", "root", "private", "keep", "drop", "vrs",
    "tag", "value", "words", "patterns", "suffix", "entities", "sidecar", "intended_for", "when", "sheet", "encoding",
    "columns", "id_column", "zero_pad", "date_formats", "contains", "look_around_days", "match_case", "include",
    "exclude", "images", "take",
    # what images say, or who decided
    "no_face", "by", "decided", "image_type", "manufacturer", "model", "series",
    # one of a table of names
    "protocol", "find", "method", "converter", "source", "options", "results_per_query", "addressing", "checksums",
    # templates of names below a folder; `..` and absolute ones are mistakes
    "layout",
    # rows: values of keys that the node is asked for; program: its first word is looked at
    "rows", "run",
}  # fmt: skip
"""Fields that lead nowhere. One that is new belongs here, or to a set of `reaching`."""
REACHING = reaching._HOSTS | reaching._URLS | reaching._WRITTEN | reaching._READ | reaching._ADDRESSES
SECRETS = {"password", "token", "key", "secret", "client_secret", "account_key", "sas_token", "passphrase"}
POLICY = Policy(
    version=1, hosts=["pacs.example.org"], secrets=[SecretRule(name="env:MINE", hosts=["pacs.example.org"])],
    secrets_folder="/run/secrets", write=["/srv/data"], read=["/srv/tables"],
)  # fmt: skip
HOSTILE = [
    "evil.example.com", "https://evil.example.com/", "https://pacs.example.org@evil.example.com/",
    "https://evil.example.com\\.pacs.example.org/", "https://evil.example.com%2f.pacs.example.org",
    "//evil.example.com/x", "\\\\evil.example.com\\share", "|id", "`id`", "$(id)", "../../etc/passwd", "/etc/passwd",
    "~root/.ssh/id_rsa", "${env:AWS_SECRET_ACCESS_KEY}", "${file:/etc/shadow}", "${keyring:login/root}",
    "${prefect:others}", "${/../../etc/passwd", "/srv/data/../x", "/srv/data/${/../../../etc/passwd", "file:///etc/passwd",
    "https://[::1", "http:/\\evil.example.com", "pacs.example.org:80@evil.example.com", "10.0.0.1", "::1", "0x7f000001",
]  # fmt: skip


def of_projects(kind, seen):
    """Models that stand in the files of a project."""
    if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
        seen.add(kind)
        for each in kind.model_fields.values():
            of_projects(each.annotation, seen)
    for inner in typing.get_args(kind):
        of_projects(inner, seen)
    return seen


def says_text(kind):
    if typing.get_origin(kind) is typing.Literal:
        return False
    return kind in (str, typing.Any) or any(says_text(inner) for inner in typing.get_args(kind))


MODELS = set().union(*(of_projects(kind, set()) for kind in FILES.values())) | {
    kind for name, kind in vars(importlib.import_module("schemas.storages")).items() if name.endswith("Options")
}
TEXTS = sorted({(kind.__name__, name) for kind in MODELS for name, each in kind.model_fields.items()
                if says_text(each.annotation)})  # fmt: skip


def test_each_field_of_text_is_known_to_reach_or_not():
    assert len(TEXTS) > 80
    assert [pair for pair in TEXTS if pair[1] not in HARMLESS | REACHING | SECRETS] == []


@pytest.mark.parametrize("field", sorted({name for _, name in TEXTS if name in REACHING | SECRETS}))
@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_field_reaches_for_is_refused(field, text):
    name = "project.yaml" if field in reaching._ADDRESSES else "export.yaml"
    if field == "ledger" and not _REFERENCE.match(text):
        return  # is a mistake by itself, see test_reading
    found = list(_leaf(name, ("targets", 0, field), text, ("evil.example.com",), Path("/srv/projects/lung")))
    if field in SECRETS - REACHING and not _REFERENCE.match(text):
        assert not found, "no reference: a mistake by itself"
        return
    folder = Path("/srv/projects/lung")
    assert found
    for one in found:
        inside = one.kind == "read" and Path(one.value).resolve().is_relative_to(folder)
        assert inside or _fault(POLICY, one, folder), (one, "is let through")


@pytest.mark.parametrize("field", ["key", "token", "password", "secret"])
def test_a_secret_for_one_host_is_sent_to_no_other_one_whatever_its_field_is_called(field):
    for hosts, fine in ((("pacs.example.org",), True), (("evil.example.com",), False)):
        [one] = _leaf("export.yaml", ("targets", 0, "options", field), "${env:MINE}", hosts, Path("/p"))
        assert (_fault(POLICY, one, Path("/p")) == "") is fine


def test_a_host_is_what_every_parser_reads():
    wild = ["*.pacs.example.org", "pacs.example.org"]
    assert is_host("a.pacs.example.org", wild)
    for text in ("evil.com\\.pacs.example.org", "evil.com%2f.pacs.example.org", "evil.com;.pacs.example.org",
                 "evil.com#.pacs.example.org", "a b.pacs.example.org", "evil.com\0.pacs.example.org", ".pacs.example.org",
                 "a..pacs.example.org", "", "[", "pacs.example.org:80"):  # fmt: skip
        assert not is_host(text, wild), text
