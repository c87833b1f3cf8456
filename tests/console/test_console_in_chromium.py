"""The console as a person sees it: Debian's Chromium against a console of its own, and simpacs as the PACS."""

import json
import re
from pathlib import Path

import httpx
import openpyxl
import pytest
from playwright.sync_api import expect

from pacsflow.console.accounts import Accounts
from pacsflow.projects import inspect_project, read_project
from pacsflow.query import load
from pacsflow.simpacs import demo_archive, serve
from peers.certificates import Authority
from peers.console import ConsoleServer, Watched, chromium
from peers.ports import free_port
from yaml_folder import FILES, write_files

PACS = """# asked of the hospital on 3 May
name: main
host: 127.0.0.1
port: {port}              # as the hospital says
called_aet: SIMPACS
timeouts: {{connect: 2, response: 10, idle: 20}}
retries: {{attempts: 1, wait: {{first: 0, max: 0}}}}
"""
HOSTILE = "<img src=x onerror=alert(1)>'\"><script>alert(2)</script>"


@pytest.fixture(scope="module")
def pacs():
    peer = serve(demo_archive(), port=free_port(), aet="SIMPACS")
    yield peer
    peer.stop()


@pytest.fixture(scope="module")
def projects(tmp_path_factory, pacs):
    folder = tmp_path_factory.mktemp("projects")
    key = folder / "key"
    key.write_text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    key.chmod(0o600)
    write_files(
        folder / "lung-ct",
        project=f"version: 1\nname: lung-ct\nworkdir: {folder.parent / 'data'}\n",
        pacs=PACS.format(port=pacs.port),
        deid=f"key: ${{file:{key}}}\n",
    )
    return folder


@pytest.fixture(scope="module")
def console(tmp_path_factory, projects):
    with ConsoleServer(tmp_path_factory.mktemp("console"), projects) as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def seen(console, browser):
    """A person who came by the printed link."""
    watched = Watched(browser.new_context(viewport={"width": 1280, "height": 800}))
    watched.link = console.link
    watched.page.goto(console.link)
    expect(watched.page.get_by_role("heading", name="Projects")).to_be_visible()
    return watched


def test_a_link_works_once_and_a_wrong_one_never(console, browser, seen):
    page = browser.new_context().new_page()
    assert page.goto(seen.link).status == 403
    expect(page.get_by_text("was used already")).to_be_visible()
    assert page.goto(f"{console.url}/enter?token=guessed").status == 403
    page.goto(f"{console.url}/project/lung-ct/node")
    expect(page.get_by_text("Open the link")).to_be_visible()
    assert seen.link.partition("token=")[2] not in seen.page.url


def test_requests_from_elsewhere_are_refused(console, seen):
    cookies = {each["name"]: each["value"] for each in seen.page.context.cookies()}
    own = {"Origin": console.url}
    with httpx.Client(base_url=console.url, cookies=cookies) as client:
        assert client.post("/logout", headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.post("/logout").status_code == 403
        assert client.get("/", headers={"Host": f"rebound.example:{console.port}"}).status_code == 421
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
        path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket&client_id=x"
        assert client.get(path, headers=upgrade | {"Origin": "http://evil.example"}).status_code == 403
        assert client.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling").status_code == 404
        page = client.get("/")
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert "connect-src 'self'" in page.headers["content-security-policy"]
        assert client.get("/project/..%2F..%2Fetc/node").status_code in (200, 404)
    with httpx.Client(base_url=console.url) as stranger:
        assert stranger.get("/").status_code == 303
        assert stranger.get("/_nicegui/3.18.0/static/nicegui.js").status_code == 401
        assert stranger.post("/_nicegui/client/x/upload/1", headers=own).status_code == 401


def test_an_echo_answers_and_a_wrong_port_says_what_to_do(console, seen, pacs):
    page = seen.page
    page.goto(f"{console.url}/project/lung-ct/node")
    page.get_by_role("button", name="Echo").click()
    expect(page.get_by_text(re.compile(r"SIMPACS at 127\.0\.0\.1:\d+ answers after \d+ ms"))).to_be_visible()
    page.locator('[data-field="port"]').fill(str(free_port()))
    page.get_by_role("button", name="Echo").click()
    expect(
        page.get_by_role("status").get_by_text(re.compile("refuse|reach|connect", re.IGNORECASE)).first
    ).to_be_visible()
    expect(page.get_by_role("status").get_by_text("What to do:")).to_be_visible()
    page.locator('[data-field="port"]').fill("99999")
    page.get_by_role("button", name="Echo").click()
    expect(page.get_by_text(re.compile("65535|port")).first).to_be_visible()


def test_a_change_is_shown_before_it_is_saved_and_comments_stay(console, seen, projects):
    page, file = seen.page, projects / "lung-ct" / "pacs.yaml"
    before = file.read_text()
    page.goto(f"{console.url}/project/lung-ct/node")
    page.locator('[data-field="name"]').fill("main-pacs")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_text("+ name: main-pacs")).to_be_visible()
    expect(page.get_by_text("- name: main", exact=True)).to_be_visible()
    assert file.read_text() == before
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert file.read_text() == before.replace("name: main\n", "name: main-pacs\n")
    assert read_project(projects / "lung-ct").pacs.name == "main-pacs"


def test_a_mistake_stands_at_its_field_and_nothing_is_written(console, seen, projects):
    page, file = seen.page, projects / "lung-ct" / "pacs.yaml"
    before = file.read_text()
    page.goto(f"{console.url}/project/lung-ct/node")
    page.locator('[data-field="called_aet"]').fill("A-TITLE-OF-MORE-THAN-16")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator(".q-field--error")).to_contain_text("AE title of the PACS")
    assert file.read_text() == before
    assert not list(projects.glob(".change-of-*"))


def test_a_probe_shows_findings_and_the_mail(console, seen):
    page = seen.page
    page.goto(f"{console.url}/project/lung-ct/node")
    page.get_by_role("button", name="Probe").click()
    expect(page.get_by_text(re.compile("main-pacs, connection:"))).to_be_visible()
    expect(page.get_by_text("What pacsflow will do")).to_be_visible(timeout=60_000)


def workbook(file):
    """A hospital's table: a title line, headings of the house, a number that lost its zeros, a date that is none."""
    book = openpyxl.Workbook()
    for row in (
        ["Kohorte Lunge 2026"],
        [],
        ["Fall", "Pat-Nr", "Untersuchungsdatum", "Bemerkung"],
        ["A1", "0045322", "12.05.2015", "x"],
        ["A2", "0045323", "31.02.2015", HOSTILE],
        ["A3", 45324, "13.05.2016", ""],
    ):
        book.active.append(row)
    book.save(file)
    return file


def test_a_hospitals_table_is_handed_in_and_its_mistakes_are_in_their_cells(console, seen, projects, tmp_path):
    page, folder = seen.page, projects / "lung-ct"
    page.goto(f"{console.url}/project/lung-ct/query")
    page.locator("input[type=file]").set_input_files(workbook(tmp_path / "Muster Hans 1950.xlsx"))
    expect(page.get_by_text("headings in line 3; the lines above are titles")).to_be_visible()
    expect(page.get_by_text("zero_pad writes the zeros again")).to_be_visible()
    date = page.get_by_label("Untersuchungsdatum")
    expect(date).to_have_value("StudyDate")
    page.locator('[data-field="date_formats"]').fill("%d.%m.%Y")
    page.get_by_text("Take out what stands in query.yaml: 1 row").click()
    page.get_by_role("button", name="Check the table").click()
    expect(page.get_by_text("3 rows, 1 cell with a mistake")).to_be_visible()
    expect(page.locator(".cell-fault").first).to_have_text("31.02.2015")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_text("Wrong elsewhere in the project: 1")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    wanted = inspect_project(folder).models["query.yaml"].table
    kept = Path(wanted.file).expanduser() if "~" not in wanted.file else console.folder / "HOME" / wanted.file[2:]
    assert "Muster" not in (folder / "query.yaml").read_text()
    assert kept.stat().st_mode & 0o077 == 0
    assert kept.is_relative_to(projects.parent / "data" / "private")
    assert (wanted.zero_pad, wanted.id_column) == ({"PatientID": 7}, "Fall")
    (folder / "query.yaml").write_text(FILES["query"])


def test_a_row_typed_by_hand_stands_in_the_file(console, seen, projects):
    page, file = seen.page, projects / "lung-ct" / "query.yaml"
    page.goto(f"{console.url}/project/lung-ct/query")
    page.get_by_text("Type a row by hand").click()
    page.locator('[data-field="row-id"]').fill("B-1")
    page.locator('[data-field="row-PatientID"]').fill(HOSTILE)
    page.locator('[data-field="row-StudyDate"]').fill("20160102")
    page.get_by_role("button", name="Add the row").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2 rows, 0 cells with a mistake")).to_be_visible()
    _, rows = load(projects / "lung-ct")
    assert [(row.id, row.keys["PatientID"]) for row in rows] == [("A-001", "0045322"), ("B-1", HOSTILE)]
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert HOSTILE not in page.title() + page.url
    file.write_text(FILES["query"])


def test_options_of_the_profile_are_switches_that_say_what_follows(console, seen, projects):
    page, file = seen.page, projects / "lung-ct" / "deid.yaml"
    page.goto(f"{console.url}/project/lung-ct/deid")
    expect(page.get_by_role("status").first).to_contain_text("Basic profile of PS3.15")
    page.get_by_role("switch", name="retain-uids").click()
    expect(page.get_by_role("status").first).to_contain_text("with retain-uids")
    page.get_by_role("button", name="Show what changes").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert read_project(projects / "lung-ct").deid.options == ["retain-uids"]
    assert file.read_text().startswith("key:")


def test_a_project_is_begun_by_the_wizard(console, seen, projects):
    page = seen.page
    page.goto(console.url)
    expect(page.get_by_text("0 of 1 row done")).to_be_visible()
    page.get_by_role("button", name="New project").click()
    page.locator('[data-field="new-name"]').fill("../outside")
    page.get_by_role("button", name="Begin it").click()
    expect(page.get_by_text("is not a name for a project").first).to_be_visible()
    page.locator('[data-field="new-name"]').fill("heart-mr")
    page.locator('[data-field="new-host"]').fill("pacs.example.org")
    page.locator('[data-field="new-port"]').fill("11112")
    page.get_by_role("button", name="Begin it").click()
    expect(page.get_by_text("heart-mr is begun")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator('[data-field="host"]')).to_have_value("pacs.example.org")
    assert "\nport: 11112\n" in (projects / "heart-mr" / "pacs.yaml").read_text()
    assert not (projects.parent / "outside").exists()


def test_what_was_done_is_on_the_trail(console, seen):
    told = (console.folder / "XDG_STATE_HOME" / "pacsflow" / "console" / "trail.jsonl").read_text()
    acts = [json.loads(line) for line in told.splitlines()]
    done = {(one["action"], one["about"]) for one in acts}
    assert {("log in", ""), ("link refused", ""), ("change", "lung-ct: pacs.yaml"), ("begin", "heart-mr")} <= done
    assert "0045322" not in told
    assert "onerror" not in told


def test_the_page_speaks_german_and_french(console, seen):
    page = seen.page
    page.goto(f"{console.url}/project/lung-ct/node")
    for language, heading in (("Deutsch", "Knoten"), ("Français", "Nœud"), ("English", "Node")):
        page.get_by_role("button", name=re.compile("Language|Sprache|Langue")).click()
        page.get_by_text(language, exact=True).click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()


PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def for_several(tmp_path_factory, projects):
    """A console over TLS, with accounts: ben looks only, anna administers."""
    folder = tmp_path_factory.mktemp("shared-console")
    certificate, key = Authority(tmp_path_factory.mktemp("pki")).issue("console")
    accounts = Accounts(folder / "users.json")
    accounts.add("ben", PASSWORD, [])
    accounts.add("anna", PASSWORD, ["administer"])
    words = ["--certificate", str(certificate), "--key", str(key), "--users", str(accounts.file)]
    with ConsoleServer(folder, projects, *words, scheme="https") as server:
        server.accounts = accounts
        yield server


def logged_in(server, browser, name):
    watched = Watched(browser.new_context(ignore_https_errors=True))
    watched.page.goto(f"{server.url}/")
    watched.page.get_by_label("Name").fill(name)
    watched.page.get_by_label("Password").fill("wrong, and long")
    watched.page.get_by_role("button", name="Log in").click()
    expect(watched.page.get_by_role("alert")).to_have_text("Wrong name or password")
    watched.page.get_by_label("Name").fill(name)
    watched.page.get_by_label("Password").fill(PASSWORD)
    watched.page.get_by_role("button", name="Log in").click()
    expect(watched.page.get_by_role("heading", name="Projects")).to_be_visible()
    return watched


def test_who_only_looks_can_look_and_nothing_else(for_several, browser, projects):
    page = logged_in(for_several, browser, "ben").page
    [cookie] = page.context.cookies()
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
    assert cookie["name"].startswith("__Host-")
    assert page.get_by_role("button", name="New project").count() == 0
    page.goto(f"{for_several.url}/project/lung-ct/node")
    expect(page.locator('[data-field="port"]')).to_be_disabled()
    page.get_by_role("button", name="Echo").click()
    expect(page.get_by_text("need the role `run`")).to_be_visible()


def test_who_is_taken_out_of_the_accounts_is_out_at_once(for_several, browser):
    page = logged_in(for_several, browser, "anna").page
    page.goto(f"{for_several.url}/project/lung-ct/node")
    expect(page.locator('[data-field="port"]')).to_be_enabled()
    for_several.accounts.remove("anna")
    page.get_by_role("button", name="Show what changes").click()
    page.wait_for_url("**/login")
    expect(page.get_by_label("Password")).to_be_visible()
    told = (for_several.folder / "XDG_STATE_HOME" / "pacsflow" / "console" / "trail.jsonl").read_text()
    assert "log-in refused" in told
    assert PASSWORD not in told + for_several.log


def test_logging_out_ends_the_session_on_all_pages(console, browser, seen):
    page = seen.page
    page.goto(console.url)
    page.get_by_role("button", name="Another browser").click()
    link = page.locator("input[readonly]").input_value()
    other = browser.new_context().new_page()
    other.goto(link)
    expect(other.get_by_role("heading", name="Projects")).to_be_visible()
    cookies = {each["name"]: each["value"] for each in other.context.cookies()}
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_text("You are logged out")).to_be_visible()
    assert httpx.get(console.url, cookies=cookies).status_code == 303
    page.reload()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


def test_nothing_was_asked_of_another_machine_and_nothing_broke(console, seen):
    assert len(seen.asked) > 20
    assert seen.elsewhere([console.url, console.url.replace("http", "ws")]) == []
    assert seen.errors == []
    assert seen.dialogs == []
    assert "Traceback" not in console.log
