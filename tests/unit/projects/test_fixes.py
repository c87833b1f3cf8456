"""A fix is something that can be done: never a field's description, never the words of a library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from pacsflow.projects import read_project
from pacsflow.projects.hosts import host_fault
from schemas import FILES as MODELS
from yaml_folder import FILES, only_problem, problems_of, write_files

LIBRARY = (
    "instance of",
    "unable to",
    "mapping values",
    "block end",
    "hexdecimal",
    "token",
    "valid dictionary",
    "parse",
)


def descriptions(model, seen=None):
    """All descriptions of a model and of those within it."""
    seen = seen if seen is not None else set()
    found = set()
    for info in model.model_fields.values():
        found |= {info.description or ""}
        for inner in models_in(info.annotation):
            if inner not in seen:
                seen.add(inner)
                found |= descriptions(inner, seen)
    return found - {""}


def models_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for inner in getattr(annotation, "__args__", ()) for each in models_in(inner)]


DESCRIBED = {text for model in MODELS.values() for text in descriptions(model)}
PACS = FILES["pacs"]
QUERY = FILES["query"]


@pytest.mark.parametrize(
    ("file", "text", "fix"),
    [
        ("pacs", PACS + "aet: X\n", "write `called_aet` or `calling_aet`"),
        ("pacs", PACS + "fetch: c-get\n", "write `fetch: {method: c-get}`"),
        ("pacs", PACS.replace("104", "many"), "write a whole number, for example 11112"),
        ("pacs", PACS + "associations: 2\n", "belongs under `limits`"),
        ("query", "level: studies\n" + QUERY, "write `study`"),
        ("query", QUERY + "guards: {cut_answers: stop}\n", "write `hold`"),
        ("query", QUERY + "guards: {cut_answers: xyzzy}\n", "write one of `hold`, `warn`, `accept`"),
        ("query", "table: cohort.csv\n", "write `table: {file: cohort.csv}`"),
        ("query", "table: {file: 'C:\\data\\cohort.csv'}\n", "/mnt/c/data/cohort.csv"),
        ("query", "table: {file: absent.csv}\n", "looked for it at /"),
        ("query", "", "`pacsflow init NAME`"),
        ("deid", FILES["deid"] + "elements: [{tag: StationName, action: delete}]\n", "write `remove`"),
        ("deid", FILES["deid"] + "dates: {method: shift, days: 5}\n", "[a, b]"),
        ("export", "targets: [{kind: folder, path: ../x, dicom: ja}]\n", "write true or false"),
        ("export", "targets: [{kind: foldr, path: x}]\n", "write `folder`"),
        ("export", "nifti: yes\n", "write a list"),
        ("project", FILES["project"] + "title: Lung: CT\n", "in quotes"),
        ("project", FILES["project"] + "title: @home\n", "in quotes"),
        ("project", FILES["project"] + 'title: "C:\\Users"\n', "single quotes"),
        ("project", FILES["project"] + 'title: "Lung\n', "close the quotation mark"),
        ("query", "rows:\n  {PatientID: '1'}\n  {PatientID: '2'}\n", "each item of a list with `- `"),
        ("query", "rows: [{PatientID: '1'}\nlevel: study\n", "close the list"),
    ],
)
def test_what_to_write_is_said(tmp_path, file, text, fix):
    problem = only_problem(write_files(tmp_path / "p", **{file: text}))
    assert fix in problem.fix
    assert not [words for words in LIBRARY if words in str(problem)]
    assert problem.fix not in DESCRIBED


def test_a_wrong_indent_is_told_as_one(tmp_path):
    problems = problems_of(write_files(tmp_path / "p", pacs=PACS + "fetch:\nmethod: c-get\n"))
    told = {problem.field: problem.fix for problem in problems}
    assert "belongs under `fetch`" in told["method"]
    assert "indented: method" in told["fetch"]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 99999), st.text("abc{}[]:*&!%@'\"\\- ", max_size=8), st.lists(st.integers()),
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(), max_size=2),
)  # fmt: skip
FIELDS = [(name.partition(".")[0], field) for name, model in MODELS.items() for field in model.model_fields]


@given(st.sampled_from(FIELDS), VALUES, st.booleans())
def test_no_mistake_in_any_field_is_answered_with_a_description(tmp_path_factory, place, value, raw):
    import json

    file, field = place
    folder = tmp_path_factory.mktemp("any") / "p"
    kept = [line for line in FILES.get(file, "").splitlines() if line[:1] != " " and not line.startswith(f"{field}:")]
    said = str(value).replace("\n", " ") if raw else json.dumps(value)
    write_files(folder, **{file: "\n".join([*kept, f"{field}: {said}"]) + "\n"})
    for problem in problems_of(folder):
        assert problem.fix not in DESCRIBED
        assert not problem.fix.startswith(tuple(DESCRIBED))
        assert "instance of" not in str(problem)


@pytest.mark.parametrize(
    ("host", "lines"),
    [
        ("127.0.0.1:104", "`host: 127.0.0.1` and `port: 104`"),
        ("pacs.example.org:11112", "`host: pacs.example.org` and `port: 11112`"),
        ("http://pacs.example.org/", "`host: pacs.example.org`"),
        ("https://user:pw@pacs.example.org:8042/dicom-web", "`host: pacs.example.org` and `port: 8042`"),
        ("dicom://10.0.0.7:104", "`host: 10.0.0.7` and `port: 104`"),
        ("[::1]:104", "`host: '::1'` and `port: 104`"),
        ("[::1]", "`host: '::1'`"),
        ("MAINPACS@10.0.0.7:104", "`called_aet: MAINPACS` and `host: 10.0.0.7` and `port: 104`"),
        ("pacs.example.org/dicom", "`host: pacs.example.org`"),
        ("my pacs", "a name as pacs.example.org"),
    ],
)
def test_what_is_more_than_a_host_is_refused_with_the_lines_to_write(tmp_path, host, lines):
    problem = only_problem(write_files(tmp_path / "p", pacs=PACS.replace("localhost", f'"{host}"')))
    assert (problem.field, lines in problem.fix) == ("host", True)
    assert "pw" not in str(problem)


def test_the_host_of_a_target_is_looked_at_too(tmp_path):
    target = "targets: [{kind: dicom, host: '10.0.0.7:104', port: 104, called_aet: A}]\n"
    assert only_problem(write_files(tmp_path / "p", export=target)).field == "targets[0].host"


@pytest.mark.parametrize("host", ["localhost", "pacs", "pacs.example.org", "10.0.0.7", "::1", "fe80::1%eth0", "a_b-c"])
def test_names_and_addresses_are_hosts(tmp_path, host):
    assert host_fault(host) is None
    assert read_project(write_files(tmp_path / "p", pacs=PACS.replace("localhost", f'"{host}"'))).pacs.host == host
