"""A run on the pages: chosen by group, settled, approved, begun and stopped, signed off by two, with real Chromium."""

import re

import pytest
from playwright.sync_api import expect

from pacsflow.console.accounts import Accounts
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.people.choices import series_found
from pacsflow.run.people.decisions import ledger_of
from pacsflow.simpacs import Faults, SimPacs, demo_archive
from peers.console import ConsoleServer, Watched, chromium
from peers.ports import wait_until
from project_folder import write_project
from whole_run import delivered

PASSWORDS = {"anna": "anna's long password", "ben": "ben's long password"}
A_RUN = 240_000
"""Milliseconds that a run as a process of its own may take on a full machine."""


@pytest.fixture(scope="module")
def pacs():
    slow = Faults.model_validate({"faults": [{"kind": "slow", "image": 0.2}]})  # long enough to look on, and to stop
    with SimPacs(demo_archive(), slow) as peer:
        yield peer


def asked(pacs):
    """A row that two studies fit, and two rows of one study each, of which one has several series."""
    numbers = [study.attributes["AccessionNumber"] for study in pacs.archive.studies.values()]
    twice = next(number for number in numbers if numbers.count(number) > 1)
    several = sorted(
        (s.uid for s in pacs.archive.studies.values() if s.attributes["AccessionNumber"] != twice),
        key=lambda uid: -len(pacs.archive.series(uid)),
    )
    rows = [{"id": "two", "AccessionNumber": twice}]
    return rows + [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(several[:2])]


def made(folder, pacs, **settings):
    one = {"associations": 1}  # a study is under way, and another is not
    node = {"port": pacs.port, "called_aet": pacs.aet, "limits": one}
    return write_project(folder, pacs=node, rows=asked(pacs), project=settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pacs):
    return made(tmp_path_factory.mktemp("projects") / "p", pacs, approval="required", sign_off="two")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    file = tmp_path_factory.mktemp("users") / "users.json"
    for name, password in PASSWORDS.items():
        Accounts(file).add(name, password, ["decide", "run"])
    return file


@pytest.fixture(scope="module")
def console(tmp_path_factory, folder, people):
    with ConsoleServer(tmp_path_factory.mktemp("console"), folder, "--users", str(people)) as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def browsers(console, browser):
    """Anna's and Ben's browsers, at once."""
    seen = {}
    for name, password in PASSWORDS.items():
        seen[name] = Watched(browser.new_context(viewport={"width": 1280, "height": 800}))
        page = seen[name].page
        page.goto(f"{console.url}/login")
        page.locator("input[name=name]").fill(name)
        page.locator("input[name=password]").fill(password)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    yield {name: one.page for name, one in seen.items()}
    assert [error for one in seen.values() for error in one.errors] == []


def at(page, console, name):
    page.goto(f"{console.url}/project/p/{name}")


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def idle(page):
    expect(page.get_by_text("nothing is at work")).to_be_visible(timeout=A_RUN)


@pytest.mark.timeout(900)
def test_a_project_from_plan_to_sign_off_by_two_gives_what_the_command_line_gives(
    tmp_path, console, browsers, folder, pacs
):
    anna, ben = browsers["anna"], browsers["ben"]
    at(anna, console, "run")
    at(ben, console, "run")
    click(anna, "Plan")
    expect(ben.get_by_text(re.compile("1 held")).first).to_be_visible(timeout=A_RUN)
    idle(anna)
    dropped = chosen(anna, console, folder)
    approved_begun_and_stopped(anna, ben, console)
    assert delivered(folder) == {}
    signed_off(anna, ben, console)
    at(anna, console, "run")
    click(anna, "Start")
    expect(anna.get_by_text(re.compile("done: 3 rows"))).to_be_visible(timeout=A_RUN)
    idle(anna)
    results(anna, console, folder)
    assert delivered(folder) == by_command_line(tmp_path, pacs, folder, dropped)
    assert "Traceback" not in console.log


def chosen(page, console, folder):
    """One study of the held row is taken, a group is dropped, that is undone, and done again; the series dropped."""
    at(page, console, "found")
    page.get_by_role("button", name=re.compile(r"two · held")).click()
    expect(page.get_by_text("Take only this")).to_have_count(2)
    page.get_by_role("button", name="Take only this").first.click()
    expect(page.get_by_role("button", name=re.compile(r"two · found"))).to_be_visible()
    page.get_by_role("button", name=re.compile(r"two · found")).click()
    expect(page.get_by_text("Take only this")).to_have_count(0)
    before = {one.key: one.wanted for one in series_found(folder)}
    page.get_by_role("button", name=re.compile("^Drop: ")).first.click()
    expect(page.get_by_role("cell", name="no", exact=True).first).to_be_visible()
    dropped = {one.key for one in series_found(folder) if not one.wanted}
    assert 0 < len(dropped) < len(before)
    click(page, "Undo")
    expect(page.get_by_role("cell", name="no", exact=True)).to_have_count(0)
    assert {one.key: one.wanted for one in series_found(folder)} == before
    page.get_by_role("button", name=re.compile("^Drop: ")).first.click()
    expect(page.get_by_role("cell", name="no", exact=True).first).to_be_visible()
    return dropped


def approved_begun_and_stopped(anna, ben, console):
    """Anna approves and begins, Ben looks on and stops it, and it goes on to where persons must sign off."""
    at(anna, console, "run")
    expect(anna.get_by_text(re.compile(r"Plan: \d+ studies, \d+ series, .* GB and .* hours"))).to_be_visible()
    click(anna, "Approve the plan")
    expect(anna.get_by_text(re.compile("approved"))).to_be_visible()
    click(anna, "Start")
    expect(ben.get_by_text("run is at work since")).to_be_visible(timeout=A_RUN)
    expect(ben.get_by_text(re.compile(r"images/s: .* images? to fetch, about .* GB"))).to_be_visible()
    click(ben, "Pause")
    expect(anna.get_by_text(re.compile("paused by ben, .*; nothing is at work"))).to_be_visible(timeout=A_RUN)
    click(anna, "Start")
    expect(anna.get_by_role("alert").get_by_text(re.compile("paused by ben"))).to_be_visible()
    click(anna, "Resume")
    expect(ben.get_by_text("run is at work since")).to_be_visible(timeout=A_RUN)
    click(ben, "Stop")
    expect(ben.get_by_text("1 run is asked to end")).to_be_visible()
    idle(ben)
    click(anna, "Start")
    expect(ben.get_by_text(re.compile("waiting for sign-off: "))).to_be_visible(timeout=A_RUN)
    idle(ben)


def signed_off(anna, ben, console):
    for page, left in ((anna, "must still release them: 1"), (ben, "nothing waits")):
        at(page, console, "sign-off")
        expect(page.get_by_role("img").first).to_be_visible()
        click(page, "Release")
        expect(page.get_by_text(re.compile(left))).to_be_visible()


def results(page, console, folder):
    at(page, console, "results")
    expect(page.get_by_text("complete").first).to_be_visible()
    with page.expect_download() as download:
        click(page, "results.xlsx")
    workbook = folder.parent / "data" / "report" / "results.xlsx"
    assert download.value.path().read_bytes() == workbook.read_bytes()
    page.get_by_text("Pictures", exact=True).click()
    click(page, "Show the pictures")
    expect(page.get_by_role("img", name="middle image").first).to_be_visible()
    click(page, "Compare what was delivered")
    expect(page.get_by_text(re.compile("✓ folder 1: .* are there, compared by content"))).to_be_visible()


def by_command_line(tmp_path, pacs, folder, dropped):
    """The same project, decided and run without a page."""
    from pacsflow.ledger import summary
    from pacsflow.run.local import plan_locally
    from pacsflow.run.people.choices import choose
    from pacsflow.run.people.decisions import settle_row

    other = made(tmp_path / "p", pacs)
    with open_session(str(other), action="plan") as run:
        plan_locally(run)
    with ledger_of(folder) as ledger:
        [row] = [one for one in summary.rows(ledger) if one.id == "two"]
    settle_row(other, "two", take=[key for key, said in row.hits.items() if said == "take"], by="somebody")
    found = series_found(other)
    choose(other, {one.key for one in found} - dropped, seen=found, by="somebody")
    with open_session(str(other), action="run") as run:
        assert run_locally(run).state == "done"
    return delivered(other)


def begun(prefect):
    """The flow runs of the project but those that its schedule plans."""
    return [one for one in prefect.runs("with-prefect") if one["state_type"] != "SCHEDULED"]


def test_where_prefects_server_is_named_a_page_begins_a_flow_run_that_outlives_the_console(
    tmp_path, pacs, browser, prefect
):
    node, rows = {"port": pacs.port, "called_aet": pacs.aet}, asked(pacs)[-1:]
    soon = {"schedule": [{"cron": "0 3 1 1 *", "timezone": "Europe/Zurich"}]}
    folder = write_project(tmp_path / "projects" / "with-prefect", pacs=node, rows=rows, project=soon)
    own = prefect.environment(prefect.folder) | {"PREFECT_API_URL": prefect.url}
    page = Watched(browser.new_context()).page
    with ConsoleServer(tmp_path / "console", folder, **own) as console:
        page.goto(console.link)
        expect(page.get_by_role("heading", name="Projects")).to_be_visible()
        expect(page.get_by_text("its schedule is not deployed")).to_be_visible()
        prefect.pacsflow("deploy", str(folder))  # this thread has a loop of its own
        wait_until(lambda: prefect.runs("with-prefect") != [])
        page.reload()
        expect(page.get_by_text(re.compile(r"Next run: 20\d\d-01-01 0\d:00"))).to_be_visible()
        page.goto(f"{console.url}/project/with-prefect/run")
        click(page, "Start")
        expect(page.get_by_text("run is at work since")).to_be_visible(timeout=A_RUN)
        wait_until(lambda: begun(prefect) != [])
    ended = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    wait_until(lambda: {one["state_type"] for one in begun(prefect)} <= ended)
    [flow_run] = begun(prefect)
    assert (flow_run["state_type"], flow_run["parameters"]["project"]) == ("COMPLETED", str(folder))
    assert len(delivered(folder)) > 0
