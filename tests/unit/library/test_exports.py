"""What `import pacsflow` gives: lazily, typed, documented."""

import inspect
import json
import subprocess
import sys

import pytest

import pacsflow

SECTIONS = ("Parameters", "Returns", "Raises")


def test_importing_loads_nothing_of_the_work():
    told = "import sys; before = set(sys.modules); import pacsflow, json; print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    own = {"pacsflow", "pacsflow.version"}
    loaded = {name for name in json.loads(done.stdout) if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in loaded if not name.startswith(("_", "encodings"))} == own


def test_every_name_is_there_and_no_other():
    for name in pacsflow.__all__:
        assert getattr(pacsflow, name) is not None
        assert name in dir(pacsflow)
    with pytest.raises(AttributeError, match="has no attribute 'Connect'"):
        pacsflow.Connect  # noqa: B018


def test_the_front_door_needs_no_prefect():
    told = "import sys, pacsflow; [getattr(pacsflow, name) for name in pacsflow.__all__]; print('prefect' in sys.modules, 'typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def exported():
    for name in pacsflow.__all__:
        one = getattr(pacsflow, name)
        if inspect.isfunction(one):
            yield name, one
        elif inspect.isclass(one):
            yield from (
                (f"{name}.{method}", member)
                for method, member in inspect.getmembers(one, inspect.isroutine)
                if not method.startswith("_")
                and member.__module__.startswith("pacsflow.library")
                and inspect.signature(member).parameters
            )


MAIN = ["connect", "PacsConnection.find", "PacsConnection.datasets", "PacsConnection.download", "StudyAnswers.to_frame"]


@pytest.mark.parametrize("name", MAIN)
def test_what_is_called_is_documented_in_full(name):
    called = dict(exported())[name]
    text = inspect.getdoc(called)
    for section in SECTIONS:
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    for parameter in inspect.signature(called).parameters.values():
        if parameter.name != "self":
            stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
            assert f"\n{stars}{parameter.name}" in text, parameter.name


@pytest.mark.parametrize("fields", [{}, {"host": "x", "port": 104, "called_aet": "A", "folder": "p"}])
def test_connecting_to_nothing_and_with_unknown_fields_is_an_error(fields):
    with pytest.raises(pacsflow.errors.PacsflowError):
        pacsflow.connect(**fields)
    with pytest.raises(pacsflow.errors.ArgumentError):
        pacsflow.connect("projects/x", host="y")


def test_a_password_in_the_open_is_refused_and_not_repeated(tmp_path):
    auth = {"kind": "basic", "username": "me", "password": "hunter2"}
    with pytest.raises(pacsflow.errors.ProjectError) as told:
        pacsflow.connect(protocol="dicomweb", url="https://pacs.example.org/dicom-web", auth=auth)
    assert "auth.password" in str(told.value)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"host": "x", "prot": 104, "called_aet": "A"}, "write `port`"),
        ({"host": "x", "called_aet": "A"}, "port: is missing"),
        ({"host": "x", "port": "104x", "called_aet": "A"}, "port: should be"),
        ({"protocol": "dicomweb"}, "url: is missing"),
        ({"protocol": "mint", "url": "https://x"}, "mint cannot fetch"),
        ({"host": "x", "port": 104, "called_aet": "A", "limits": {"associations": 0}}, "limits.associations"),
        ({"host": "x", "port": 104, "called_aet": "A", "fallback": ["nowhere.yaml"]}, "fallback"),
    ],
)
def test_mistakes_in_fields_are_told_as_in_a_project(fields, said):
    with pytest.raises(pacsflow.errors.ProjectError) as told:
        pacsflow.connect(**fields)
    assert said in str(told.value)
    assert str(told.value).startswith("connect(): ")


def test_a_project_that_is_not_a_folder_or_has_mistakes(tmp_path):
    with pytest.raises(pacsflow.errors.ArgumentError, match="is not a folder"):
        pacsflow.Project.load(tmp_path / "nothing")
    (tmp_path / "p").mkdir()
    problems = pacsflow.Project.load(tmp_path / "p").validate()
    assert {problem.file for problem in problems} >= {"pacs.yaml", "query.yaml"}
    with pytest.raises(pacsflow.errors.ProjectError) as told:
        pacsflow.connect(tmp_path / "p")
    assert told.value.problems == problems
