"""Pages of a finished project whose patients have hostile names: results, withdrawing, receiver, import, lost connections."""

import json
import re
import signal
from dataclasses import replace

import numpy as np
import pytest
from openpyxl import Workbook
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from pacsflow.console.pages import PAGES
from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.burned.geometry import Kind
from pacsflow.projects import inspect_project, read_project
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.people.held_pictures import held_pictures
from pacsflow.run.receiving import standing
from pacsflow.run.stores import key_of
from pacsflow.simpacs import SimPacs, demo_archive
from pacsflow.simpacs.archive import StudyArchive
from peers.console import ConsoleServer, entered
from peers.ports import free_port, wait_until
from project_folder import write_project
from unit.projects.old_systems import IDENTIFIERS, PACSNPULL, PEERS
from whole_run import delivered

HOSTILE = "<img src=x onerror=alert(1)>'\"><script>alert(2)</script>"
A_WAY_OUT = "../../../../etc/passwd"


def hostile(study):
    """A study of which the node answers markup, scripts and paths in all that a page may show."""
    names = {"PatientName": HOSTILE, "StudyDescription": HOSTILE, "PatientID": A_WAY_OUT}

    def series():
        return tuple(
            replace(one, attributes={**one.attributes, "SeriesDescription": f"{A_WAY_OUT} {HOSTILE}"[:64]})
            for one in study.make_series()
        )

    return replace(study, attributes={**study.attributes, **names}, make_series=series)


@pytest.fixture(scope="module")
def pacs():
    whole = demo_archive()
    smallest = sorted(whole.studies.values(), key=lambda one: int(one.attributes["NumberOfStudyRelatedInstances"]))
    archive = StudyArchive([hostile(smallest[0]), smallest[1]])
    with SimPacs(archive) as peer:
        yield peer


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pacs):
    """A project of two rows, both delivered."""
    rows = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(pacs.archive.studies)]
    rows[0]["id"] = HOSTILE
    move_to = {"aet": "PACSFLOW", "port": free_port(), "host": "127.0.0.1"}
    node = {"port": pacs.port, "called_aet": pacs.aet, "fetch": {"method": "c-get", "move_to": move_to}}
    made = write_project(tmp_path_factory.mktemp("pages") / "projects" / "p", pacs=node, rows=rows)
    with open_session(str(made), action="run") as run:
        assert run_locally(run).state == "done"
    return made


@pytest.fixture(scope="module")
def console(tmp_path_factory, folder):
    with ConsoleServer(tmp_path_factory.mktemp("console"), folder.parent) as server:
        yield server


@pytest.fixture(scope="module")
def seen(console):
    with entered(console) as watched:
        yield watched


@pytest.fixture
def page(seen):
    yield seen.page
    assert seen.dialogs == [], "markup of a patient's name was run"


def at(page, console, name):
    page.goto(f"{console.url}/project/p/{name}")


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(("name", "shown"), [("query", HOSTILE), ("found", HOSTILE), ("results", HOSTILE)])
def test_markup_and_paths_in_what_a_node_answers_are_text(console, page, name, shown):
    at(page, console, name)
    if name == "found":
        page.get_by_role("button", name=re.compile("· found")).first.click()
        expect(page.get_by_text(A_WAY_OUT).first).to_be_visible()
    expect(page.get_by_text(shown).first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    assert "alert" not in page.title() + page.url


def test_the_receiver_is_begun_looked_at_and_ended_on_its_page(console, page, folder, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(console.folder / "XDG_STATE_HOME"))
    port = read_project(folder).pacs.fetch.move_to.port
    at(page, console, "receiver")
    expect(page.get_by_text(f"PACSFLOW, port {port}")).to_be_visible()
    expect(page.get_by_text("no receiver stands")).to_be_visible()
    expect(page.get_by_text(re.compile(r"arrived for this project: \d+ images"))).to_be_visible()
    click(page, "Start")
    expect(page.get_by_text("stands since")).to_be_visible()
    assert standing(port).aet == "PACSFLOW"
    click(page, "Stop")
    expect(page.get_by_text("no receiver stands")).to_be_visible()
    wait_until(lambda: standing(port) is None)


def test_medical_imaging_downloaders_files_are_handed_in_and_begin_a_project(console, page, folder, tmp_path):
    """Its configuration leads out of the folder it was handed in with: only its own files are read."""
    book = Workbook()
    for row in (["MRN", "Study Date", "Modality"], ["0001234", "20200131", "CT"]):
        book.active.append(row)
    book.save(tmp_path / "Muster Hans.xlsx")
    files = {"config.json": {"config_peers": "../../away/peers.json"}, "peers.json": PEERS}
    for name, content in (files | {"config_query_identifiers.json": IDENTIFIERS}).items():
        (tmp_path / name).write_text(json.dumps(content))
    page.goto(console.url)
    click(page, "Move over from another system")
    page.get_by_label("System", exact=True).click()
    page.get_by_role("option", name=re.compile("Medical-Imaging-Downloader")).click()
    page.locator('[data-field="import-name"]').fill("from-mid")
    configuration = page.locator('[data-field="import-configuration"] input[type=file]')
    configuration.set_input_files([tmp_path / "config.json", tmp_path / "peers.json"])
    page.locator('[data-field="import-query"] input[type=file]').set_input_files(tmp_path / "Muster Hans.xlsx")
    page.get_by_label(re.compile("Name of the peer")).fill("EXAMPLE PACS")
    click(page, "Move it over")
    expect(page.get_by_text("from-mid is begun")).to_be_visible()
    click(page, "Go on")
    expect(page.locator('[data-field="called_aet"]')).to_have_value("PACSQR")
    kept = folder.parent / "from-mid" / inspect_project(folder.parent / "from-mid").models["query.yaml"].table.file
    assert kept.resolve().is_relative_to(console.folder)
    assert kept.read_bytes() == (tmp_path / "Muster Hans.xlsx").read_bytes()
    assert kept.stat().st_mode & 0o077 == 0
    assert "Muster" not in (folder.parent / "from-mid" / "query.yaml").read_text()


def test_what_cannot_be_moved_over_leaves_nothing_behind(console, page, folder, tmp_path):
    (tmp_path / "conf.json").write_text(json.dumps({**PACSNPULL, "host_port": "none"}))
    (tmp_path / "list.json").write_text(json.dumps([{"patientId": "1"}]))
    before = sorted(console.folder.rglob("moved-*"))
    page.goto(console.url)
    click(page, "Move over from another system")
    page.locator('[data-field="import-name"]').fill("never-begun")
    click(page, "Move it over")
    expect(page.get_by_text("the query is not handed in yet")).to_be_visible()
    page.locator('[data-field="import-configuration"] input[type=file]').set_input_files(tmp_path / "conf.json")
    page.locator('[data-field="import-query"] input[type=file]').set_input_files(tmp_path / "list.json")
    click(page, "Move it over")
    expect(page.get_by_text("host_port").first).to_be_visible()
    assert not (folder.parent / "never-begun").exists()
    assert sorted(console.folder.rglob("moved-*")) == before


def test_a_header_is_shown_before_and_after_and_is_written_nowhere(console, page):
    at(page, console, "deid")
    expect(page.get_by_text("no image waits for a look")).to_be_visible()
    click(page, "Fetch one image and show")
    expect(page.get_by_text(re.compile(r"\d+ elements, \d+ of them changed"))).to_be_visible()
    expect(page.get_by_role("cell", name=re.compile("Patient's Name$"))).to_be_visible()
    expect(page.get_by_role("cell", name="removed", exact=True).first).to_be_visible()


def test_a_box_that_is_drawn_on_a_picture_becomes_a_mask_of_the_profile(console, page, folder):
    file = folder / "deid.yaml"
    before = file.read_text()
    file.write_text(json.dumps({**json.loads(before), "pixels": {"burned_in": "mask"}}))
    project = read_project(folder)
    kind = Kind("ACME", "Screen 3", "OT", 240, 320, "DERIVED", HOSTILE)
    picture = np.full((240, 320), 90, "uint8")
    held_pictures(project, key_of(project)).keep(kind, "places that look like text", picture, [Box(4, 4, 20, 120)])
    try:
        at(page, console, "deid")
        expect(page.get_by_text("top 4, left 4, bottom 20, right 120")).to_be_visible()
        area = page.locator("[role=main] img").last
        area.scroll_into_view_if_needed()
        shown = area.bounding_box()
        page.mouse.move(shown["x"] + shown["width"] * 0.5, shown["y"] + shown["height"] * 0.5)
        page.mouse.down()
        page.mouse.move(shown["x"] + shown["width"] * 0.75, shown["y"] + shown["height"] * 0.75, steps=3)
        page.mouse.up()
        expect(
            page.get_by_text(re.compile(r"top 1[12]\d, left 1[56]\d, bottom 1[78]\d, right 2[34]\d"))
        ).to_be_visible()
        page.get_by_role("button", name="Take away").first.click()
        for name, number in (("top", "0"), ("left", "0"), ("bottom", "9999"), ("right", "10")):
            page.get_by_label(name, exact=True).fill(number)
        click(page, "Add the box")
        expect(page.get_by_text("top 0, left 0, bottom 240, right 10")).to_be_visible()
        click(page, "Mask the boxes")
        expect(page.get_by_text("no image waits for a look")).to_be_visible()
        [rule] = read_project(folder).deid.pixels.masks
        drawn, typed = sorted(rule.boxes, reverse=True)
        assert typed == [0, 0, 240, 10]
        assert all(abs(edge - meant) <= 2 for edge, meant in zip(drawn, (120, 160, 180, 240), strict=True))
        assert (rule.manufacturer, rule.decision) == ("ACME", "mask")
    finally:
        file.write_text(before)


def test_a_long_table_is_sent_a_page_at_a_time(console, page, folder):
    file = folder / "query.yaml"
    before = file.read_text()
    rows = [{"id": f"r{n}", "PatientID": f"{n:07}", "StudyDate": "20200101"} for n in range(250)]
    rows[207]["StudyDate"] = "20209999"
    file.write_text("rows:\n" + "".join(f"  - {json.dumps(row)}\n" for row in rows))
    try:
        at(page, console, "query")
        expect(page.get_by_text("250 rows, 1 cell with a mistake")).to_be_visible()
        expect(page.get_by_text("1-100 / 250")).to_be_visible()
        expect(page.get_by_text("0000001", exact=True)).to_be_visible()
        click(page, "Go on")
        expect(page.get_by_text("101-200 / 250")).to_be_visible()
        page.get_by_text("only with a mistake").click()
        expect(page.get_by_text("1-1 / 1")).to_be_visible()
        expect(page.locator(".cell-fault")).to_have_text("20209999")
    finally:
        file.write_text(before)


@pytest.fixture
def phone(console, seen, page):
    """The same person's page, as wide as a telephone."""
    page.set_viewport_size({"width": 390, "height": 844})
    yield page
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.mark.parametrize("name", ["", "found", "run", "receiver", "results", "sign-off"])
def test_what_is_watched_fits_a_telephone(console, phone, name):
    """Nothing but a table or a list of rows, within its own edges, is wider than the screen."""
    phone.goto(f"{console.url}/project/p/{name}" if name else console.url)
    expect(phone.get_by_role("heading", level=1)).to_be_visible()
    phone.wait_for_load_state("networkidle")
    wider = phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0


@pytest.mark.parametrize("name", ["", *(each.name for each in PAGES)])
def test_axe_finds_nothing_that_keeps_anybody_out(console, page, name):
    """WCAG 2.1, levels A and AA: names, labels, contrast, landmarks, order."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    page.goto(f"{console.url}/project/p/{name}" if name else console.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    found = axe.run(page, options={"runOnly": {"type": "tag", "values": tags}}).response["violations"]
    told = [(one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"][:200]) for one in found]
    assert told == [], "\n".join(map(str, told))


def test_a_page_goes_on_where_a_connection_was_lost(console, page):
    at(page, console, "run")
    expect(page.get_by_text("nothing is at work")).to_be_visible()
    page.evaluate("window.same = 'page'; window.was = socket.id; socket.io.engine.close()")
    page.wait_for_function("socket.connected && socket.id !== window.was")
    expect(page.locator("#popup")).to_have_attribute("aria-hidden", "true")
    click(page, "Stop")
    expect(page.get_by_text("0 runs are asked to end")).to_be_visible()
    assert page.evaluate("window.same") == "page", "it was not loaded again: nothing typed was lost"


def test_what_was_delivered_of_a_row_is_withdrawn_once_it_is_confirmed(console, page, folder):
    """Also where the table that a run gave back is missing: the ledger knows what is there."""
    (folder.parent / "data" / "report" / "results.csv").unlink()
    at(page, console, "results")
    expect(page.get_by_text("no run has ended yet")).to_be_visible()
    page.get_by_text("Withdraw what was delivered").click()
    click(page, "Withdraw")
    expect(page.get_by_text("say what is to be taken away")).to_be_visible()
    before = delivered(folder)
    page.locator('[data-field="withdraw-what"]').fill("r1")
    click(page, "Withdraw")
    page.locator('[data-field="withdraw-sure"]').fill("another")
    click(page, "Withdraw it")
    expect(page.get_by_text("that is not the name of the project")).to_be_visible()
    assert delivered(folder) == before
    page.locator('[data-field="withdraw-sure"]').fill("p")
    click(page, "Withdraw it")
    expect(page.get_by_text("1 study withdrawn")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(r"withdrawn-.*\.json"))).to_be_visible()
    left = delivered(folder)
    assert left.items() < before.items()
    [certificate] = (folder.parent / "data" / "report").glob("withdrawn-*.json")
    assert json.loads(certificate.read_text())["complete"] is True
    at(page, console, "results")
    expect(page.get_by_text("dropped").first).to_be_visible()


def test_a_socket_of_a_page_that_nobody_has_is_told_to_load_again_and_no_more(console, seen):
    cookies = "; ".join(f"{each['name']}={each['value']}" for each in seen.page.context.cookies())
    address = f"ws://127.0.0.1:{console.port}/_nicegui_ws/socket.io/?EIO=4&transport=websocket&client_id=of-nobody"
    for headers in ({"Cookie": cookies}, {}):
        with connect(address, origin=console.url, additional_headers=headers) as socket:
            assert socket.recv().startswith("0{")
            socket.send("40")
            assert socket.recv() == '44{"message":"Implicit handshake failed"}'
            socket.send('42["event",{}]')
            with pytest.raises(ConnectionClosed):
                socket.recv()


def test_pages_say_what_to_do_after_the_console_was_killed_and_started_again(console, page):
    at(page, console, "run")
    expect(page.get_by_text("nothing is at work")).to_be_visible()
    console.stop(signal.SIGKILL)
    expect(page.get_by_text("Connection lost")).to_be_visible()
    console.start()
    page.wait_for_url("**/login")
    expect(page.get_by_text("Open the link that `pacsflow console` printed where it was started")).to_be_visible()
    page.goto(console.link)
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    assert "Traceback" not in console.log
