"""Sign-off: what was fetched stays here until one person, or two, looked at samples and let it go."""

import json

import pytest
from typer.testing import CliRunner

from pacsflow.cli.app import app
from pacsflow.errors import ProjectError
from pacsflow.ledger.acts import trail
from pacsflow.ledger.signatures import Signature
from pacsflow.projects import inspect_project, read_project
from pacsflow.report.looking import Looker
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.people import signing
from pacsflow.run.people.decisions import ledger_of
from pacsflow.run.reporting.ending import ending_of
from pacsflow.system import user_name
from whole_run import IMAGES, by_uid, delivered, lying, project
from yaml_folder import problems_of


@pytest.fixture
def world(tmp_path):
    with lying() as (pacs, node):
        yield tmp_path, pacs, node


def made(world, people, *, number=2):
    tmp_path, pacs, node = world
    return project(tmp_path, pacs, node, number=number, project={"sign_off": people})


def run(folder):
    with open_session(str(folder), action="run") as opened:
        return run_locally(opened)


def waiting(folder):
    with ledger_of(folder) as ledger:
        return signing.waiting(ledger, read_project(folder))


def decide(folder, by, *, release=True, digest="", note=""):
    with ledger_of(folder) as ledger:
        said = Signature(by, release, note, 0.0)
        return signing.decide(ledger, read_project(folder), digest or waiting(folder).digest, said)


def test_nothing_is_delivered_before_two_persons_let_it_go_and_then_as_without_sign_off(world, tmp_path):
    with lying() as (pacs, node):
        plain = project(tmp_path / "plain", pacs, node)
        run(plain)
    folder = made(world, "two")
    pacs = world[1]
    ended = run(folder)
    assert (ended.state, ended.report.statuses) == ("waiting for sign-off", {"unsigned": 2})
    assert delivered(folder) == {}
    fetched = pacs.counts.copy()
    state = decide(folder, "erika", note="heads only")
    assert (state.lacking, [one.note for one in state.said]) == (1, ["heads only"])
    decide(folder, "erika")
    assert run(folder).state == "waiting for sign-off", "one person twice is one person"
    assert delivered(folder) == {}
    assert decide(folder, "hans").studies == ()
    assert run(folder).state == "done"
    assert pacs.counts["gets"] == fetched["gets"], "nothing is fetched again"
    assert delivered(folder) == delivered(plain)
    assert len(delivered(folder)) == 2 * IMAGES
    with ledger_of(folder) as ledger:
        assert [(act.action, act.by) for act in trail(ledger)] == [
            ("sign off", "erika"), ("sign off", "erika"), ("sign off", "hans"),
        ]  # fmt: skip


def test_what_one_withholds_stays_until_the_same_person_lets_it_go(world):
    folder = made(world, "one")
    run(folder)
    decide(folder, "erika", release=False, note="a name in the picture")
    assert decide(folder, "hans").withheld
    run(folder)
    assert delivered(folder) == {}
    assert decide(folder, "erika").studies == ()
    assert run(folder).state == "done"


@pytest.mark.parametrize("again", ["Erika", "ERIKA", " erika ", "\uff45rika"])
def test_a_name_in_other_letters_is_no_second_person_and_takes_its_own_word_back(world, again):
    folder = made(world, "two", number=1)
    run(folder)
    decide(folder, "erika")
    assert decide(folder, again).lacking == 1
    decide(folder, "hans", release=False)
    decide(folder, again, release=False)
    assert len(waiting(folder).said) == 2
    decide(folder, "HANS")
    assert decide(folder, "erika").studies == ()


def test_the_environment_makes_nobody_a_second_person(monkeypatch):
    before = user_name()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert user_name() == before


def test_an_image_that_was_changed_after_the_sign_off_is_not_delivered(world, tmp_path):
    folder = made(world, "one", number=1)
    run(folder)
    decide(folder, "erika")
    image = next((tmp_path / "data" / "staging").rglob("*.dcm"))
    content = image.read_bytes()
    image.unlink()
    image.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    run(folder)
    assert delivered(folder) == {}


def test_a_study_that_comes_later_waits_by_itself_and_an_old_digest_releases_nothing(world):
    folder = made(world, "one", number=1)
    run(folder)
    old = waiting(folder).digest
    tmp_path, pacs, node = world
    project(tmp_path, pacs, node, number=2, project={"sign_off": "one"})
    run(folder)
    with pytest.raises(ProjectError, match="names other studies"):
        decide(folder, "erika", digest=old)
    assert len(waiting(folder).studies) == 2
    decide(folder, "erika")
    run(folder)
    project(tmp_path, pacs, node, asked=by_uid(pacs.archive, 3), project={"sign_off": "one"})
    assert run(folder).report.statuses == {"complete": 2, "unsigned": 1}
    assert len(delivered(folder)) == 2 * IMAGES


def test_samples_are_of_each_study_the_same_for_all_and_show_before_and_after(world):
    folder = made(world, "two")
    run(folder)
    with ledger_of(folder) as ledger:
        opened = read_project(folder)
        found = signing.samples(ledger, opened)
        assert signing.samples(ledger, opened) == found
        assert {one.study for one in found} == set(signing.waiting(ledger, opened).studies)
        [few] = signing.samples(ledger, opened, 1)
    assert few == found[0]
    for sample in found:
        header = {name: (before, after) for name, before, after in sample.header}
        before, after = header["PatientID"]
        assert before
        assert after
        assert before != after
    with Looker() as looker:
        assert looker.look([found[0].file], picture=True).picture.startswith(b"\x89PNG")


def test_the_command_lists_releases_and_says_so_by_its_exit_code(world):
    folder = made(world, "one")
    run(folder)

    def said(*words):
        return CliRunner().invoke(app, ["sign-off", str(folder), *words])

    listed = said("--json")
    facts = json.loads(listed.output)
    assert (listed.exit_code, facts["state"], facts["counts"]["studies"]) == (1, "waiting", 2)
    assert not any(study.attributes["PatientID"] in said().output for study in world[1].archive.studies.values())
    assert said("--release", "0" * 12).exit_code != 0
    assert said("--release", facts["digest"], "--withhold", facts["digest"]).exit_code != 0
    assert json.loads(said("--release", facts["digest"], "--json").output)["state"] == "released"
    with ledger_of(folder) as ledger:
        assert trail(ledger)[-1].by == user_name()
    assert run(folder).state == "done"
    assert "nothing waits" in said().output


def test_a_run_whose_rows_wait_for_a_sign_off_is_not_red_and_is_told_as_held():
    from schemas.project import Alert

    ended = ending_of({"unsigned": 2, "complete": 1}, Alert(), finished=False, message="")
    assert (ended.name, ended.red, "held" in ended.kinds) == ("WaitingForSignOff", False, True)
    assert ending_of({"unsigned": 2, "failed": 1}, Alert(), finished=False, message="").red


def test_a_project_that_delivers_nothing_here_cannot_ask_for_a_sign_off(world):
    tmp_path, pacs, node = world
    node = {**node, "fetch": {"method": "c-move", "move_to": {"aet": "OTHER", "ours": False}}}
    folder = project(tmp_path, pacs, node, project={"sign_off": "one"}, deid={"base": "none"}, export={"targets": []})
    assert any(one.field == "sign_off" for one in inspect_project(folder).problems), problems_of(folder)
