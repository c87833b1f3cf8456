"""The console against Orthanc, with real Chromium: every page of a project's way; and the main way by keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from factory import make_study, write_files
from pacsflow.ledger.acts import trail
from pacsflow.run.people.decisions import ledger_of
from peers.console import ConsoleServer, entered
from peers.orthanc import Orthanc
from project_folder import write_project
from whole_run import files_of

A_RUN = 240_000
"""Milliseconds that a run as a process of its own may take on a full machine."""
MOST_STEPS = 150
NAME = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  const named = one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent ?? "";
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.height > 0;
  return {name: named.trim().replace(/\\s+/g, " "), seen: seen};
}"""
"""What has the focus: its name, and whether that is to be seen."""


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """One that holds nothing but these studies: one of each of two patients."""
    with Orthanc(tmp_path_factory.mktemp("orthanc")) as peer:
        for number in range(2):
            study = make_study(series=2, images=2, PatientID=f"KEY{number}", PatientName=f"Board^Key{number}")
            peer.load(write_files(study, tmp_path_factory.mktemp("study")))
        yield peer


def workdir(projects, name):
    return projects.parent / f"{projects.name}-{name}"


@pytest.fixture(scope="module")
def projects(tmp_path_factory, orthanc):
    """Two projects, each with a work directory of its own."""
    node = {"port": orthanc.port, "called_aet": orthanc.aet, "fetch": {"method": "c-get"}}
    rows = [{"id": f"r{n}", "PatientID": f"KEY{n}"} for n in range(2)]
    room = tmp_path_factory.mktemp("projects")
    for name in ("by-mouse", "by-keyboard"):
        own = {"approval": "required", "workdir": str(workdir(room, name))}
        write_project(room / name, pacs=node, rows=rows, project=own)
    return room


@pytest.fixture(scope="module")
def console(tmp_path_factory, projects):
    with ConsoleServer(tmp_path_factory.mktemp("console"), projects) as server:
        yield server


@pytest.fixture(scope="module")
def page(console):
    with entered(console) as watched:
        yield watched.page


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def ended(page, what):
    expect(page.get_by_text(re.compile(what)).first).to_be_visible(timeout=A_RUN)
    expect(page.get_by_text("nothing is at work")).to_be_visible(timeout=A_RUN)


@pytest.mark.timeout(600)
def test_a_project_goes_all_its_way_on_the_pages(console, page, projects):
    at = f"{console.url}/project/by-mouse"
    page.goto(f"{at}/node")
    click(page, "Echo")
    expect(page.get_by_text(re.compile(r"ORTHANC at 127\.0\.0\.1:\d+ answers after \d+ ms"))).to_be_visible()
    click(page, "Probe")
    expect(page.get_by_text("What pacsflow will do")).to_be_visible(timeout=A_RUN)
    page.goto(f"{at}/query")
    expect(page.get_by_text("2 rows, 0 cells with a mistake")).to_be_visible()
    page.goto(f"{at}/run")
    click(page, "Plan")
    ended(page, r"Plan: 2 studies, 4 series, 8 images")
    page.goto(f"{at}/found")
    expect(page.get_by_text(re.compile("^2 studies, 4 series, 8 images"))).to_be_visible()
    page.get_by_role("button", name=re.compile("r0 · found")).click()
    page.get_by_role("button", name=re.compile("^Drop: ")).last.click()
    expect(page.get_by_text(re.compile("^2 studies, 3 series, 6 images"))).to_be_visible()
    page.goto(f"{at}/run")
    click(page, "Approve the plan")
    click(page, "Start")
    ended(page, "done: 2 rows: 2 complete")
    page.goto(f"{at}/results")
    expect(page.get_by_text("complete").first).to_be_visible()
    click(page, "Compare what was delivered")
    expect(page.get_by_text(re.compile("✓ folder 1: .* are there, compared by content"))).to_be_visible()
    page.get_by_text("Pictures", exact=True).click()
    click(page, "Show the pictures")
    expect(page.get_by_role("img", name="middle image")).to_have_count(3)
    assert len(files_of(workdir(projects, "by-mouse") / "out")) == 6
    assert "Traceback" not in console.log


class Keys:
    """A person who has a keyboard and no mouse."""

    def __init__(self, page):
        self.page = page

    def to(self, name):
        """Go on by Tab to what has a name; where the focus is must be seen wherever it lands."""
        for _ in range(MOST_STEPS):
            self.page.keyboard.press("Tab")
            found = self.page.evaluate(NAME)
            if re.search(name, found["name"]):
                assert found["seen"], f"the focus on {found['name']} is not to be seen"
                return
        pytest.fail(f"{name} is not reached by keyboard")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def open(self, name):
        """To another page of the project, by the navigation."""
        self.to(f"^{name}$")
        self.press("Enter")
        expect(self.page.get_by_role("heading", name=name, level=1)).to_be_visible()
        self.page.wait_for_load_state("networkidle")


@pytest.mark.timeout(600)
def test_the_main_way_is_gone_by_keyboard_alone(console, page, projects):
    page.goto(console.url)
    expect(page.get_by_text("0 of 2 rows done").first).to_be_visible()
    keys = Keys(page)
    keys.to("^Skip to the content$")
    keys.to("^by-keyboard$")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Node", level=1)).to_be_visible()
    keys.open("Run")
    keys.to("^Plan$")
    keys.press("Space")
    ended(page, "Plan: 2 studies, 4 series, 8 images")
    keys.open("Find and choose")
    grouped_by_one_thing(page, keys)
    keys.to("^Drop: ")
    keys.press("Enter")
    expect(page.get_by_text(re.compile("^0 studies, 0 series"))).to_be_visible()
    page.wait_for_function("document.activeElement?.ariaLabel?.startsWith('Drop: ')")  # it keeps the focus
    keys.to("^Undo$")
    keys.press("Space")
    expect(page.get_by_text(re.compile("^2 studies, 4 series"))).to_be_visible()
    keys.open("Run")
    keys.to("^Approve the plan$")
    keys.press("Enter")
    expect(page.get_by_text(re.compile("approved"))).to_be_visible()
    keys.to("^Start$")
    keys.press("Enter")
    ended(page, "done: 2 rows: 2 complete")
    keys.open("Results")
    with page.expect_download() as download:
        keys.to(r"results\.xlsx$")
        keys.press("Enter")
    assert download.value.suggested_filename == "results.xlsx"
    keys.to("Compare what was delivered$")
    keys.press("Space")
    expect(page.get_by_text(re.compile("✓ folder 1: "))).to_be_visible()
    assert len(files_of(workdir(projects, "by-keyboard") / "out")) == 8
    with ledger_of(projects / "by-keyboard") as ledger:
        assert "approve" in [one.action for one in trail(ledger)]


def grouped_by_one_thing(page, keys):
    """The list of what groups are made of, by the arrows: modality alone, so that there is one group."""
    keys.to("^All like this, by")
    keys.press("Space")
    expect(page.get_by_role("option", name="StudyDescription")).to_be_visible()
    for name in ("StudyDescription", "SeriesDescription"):
        for _ in range(3):
            if page.locator(".q-manual-focusable--focused", has_text=name).count():
                break
            keys.press("ArrowDown")
        keys.press("Enter")
        expect(page.get_by_role("option", name=name)).to_have_attribute("aria-selected", "false")
    keys.press("Escape")
    expect(page.get_by_role("columnheader", name="SeriesDescription")).to_have_count(0)
