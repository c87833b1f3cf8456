"""Images that wait for a look: kept encrypted, shown to one browser, decided once, fetched again."""

from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from threading import Thread

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from ruamel.yaml import YAML
from typer.testing import CliRunner

from pacsflow.cli.app import app
from pacsflow.deid.burned import reading
from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.burned.geometry import Kind, ruled
from pacsflow.errors import KeyMismatchError, ProjectError
from pacsflow.ledger import summary
from pacsflow.ledger.acts import trail
from pacsflow.run.opening import open_session
from pacsflow.run.people import review
from pacsflow.run.people.contact_sheet import SheetServer
from pacsflow.run.people.decisions import ledger_of
from pacsflow.run.people.held_pictures import SAMPLES, HeldGroup, HeldPictures
from pacsflow.run.people.review import decide, waiting
from pacsflow.run.withdrawing import WithdrawRequest, withdraw
from pacsflow.simpacs.phantoms import demo_archive
from pacsflow.wording import counted
from schemas.deid import MaskRule
from unit.deid.burned.pictures import background
from whole_run import lying, project, run_once

KEY = bytes(range(32))
KIND = Kind("ACME", "Screen 3", "OT", 240, 320, "DERIVED\\SECONDARY", "of Quistgaard")


@pytest.fixture
def unsure(monkeypatch):
    """A reader that sees letters and cannot read them, whether or not the extra is installed."""
    monkeypatch.setattr(reading, "missing", lambda package: None)
    word = reading.Word(Box(4, 4, 20, 120), "x#q7?", 0.2)
    monkeypatch.setattr(reading._Rapid, "read", lambda self, picture, *, enlarged: [word])
    reading.text_reader.cache_clear()
    yield
    reading.text_reader.cache_clear()


@contextmanager
def refused_once(tmp_path):
    """The demo's ultrasound, fetched by a profile that masks, and not taken; the folder and the PACS."""
    archive = demo_archive()
    study = next(one for one in archive.studies.values() if one.attributes["StudyDescription"] == "US Abdomen")
    with lying(archive=archive) as (pacs, node):
        rows = [{"id": "a", "StudyInstanceUID": study.attributes["StudyInstanceUID"]}]
        export = {"targets": [{"kind": "folder", "path": str(tmp_path / "data" / "out")}]}
        folder = project(tmp_path, pacs, node, asked=rows, deid={"pixels": {"burned_in": "mask"}}, export=export)
        told = run_once(folder, pacs)
        reasons = {why for status, why in told.instances if status == "refused"}
        assert reasons == {"pixels: waits for a look (places that look like text and could not be read: 1)"}
        yield folder, pacs, told.instances.total()


def rules_of(folder):
    return YAML(typ="safe").load((folder / "deid.yaml").read_text())["pixels"].get("masks", [])


def test_what_waits_is_decided_once_and_comes_with_the_next_run(tmp_path, unsure):
    with refused_once(tmp_path) as (folder, pacs, refused):
        (group,) = waiting(folder)
        assert group.images == refused
        decide(folder, group.key[:6], "mask", by="ada")
        (rule,) = rules_of(folder)
        assert (rule["by"], rule["decision"], rule["boxes"]) == ("ada", "mask", [[4, 4, 20, 120]])
        assert rule["decided"]
        assert waiting(folder) == []
        told = run_once(folder, pacs)
        assert {status for status, _ in told.instances} == {"held"}
        with ledger_of(folder) as ledger:
            assert [(act.action, act.by) for act in trail(ledger)][-1] == ("review", "ada")
    files = list((tmp_path / "data" / "out").rglob("*.dcm"))
    assert files
    for file in files:
        ds = dcmread(file)
        assert not ds.pixel_array.reshape(-1, ds.Rows, ds.Columns, ds.SamplesPerPixel)[:, 4:20, 4:120].any()
        assert ds.BurnedInAnnotation == "NO"


def test_no_picture_is_on_disk_as_it_is(tmp_path, unsure):
    with refused_once(tmp_path) as (folder, _, _):
        kept = list((tmp_path / "data" / "private" / "review").iterdir())
        assert kept
        for file in kept:
            assert file.stat().st_mode & 0o077 == 0
            content = file.read_bytes()
            assert b"PNG" not in content
            assert b"Abdomen" not in content
        everything = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
        assert not [path for path in everything if path.read_bytes()[:4] == b"\x89PNG"]
        assert folder.is_dir()


def test_the_sheet_is_shown_to_who_has_the_link_and_takes_a_decision(tmp_path, unsure):
    with refused_once(tmp_path) as (folder, _, _), served(folder) as server:
        page = httpx.get(server.link)
        assert page.headers["cache-control"] == "no-store"
        assert "data:image/png;base64," in page.text
        key = waiting(folder)[0].key
        for wrong in (server.link.replace(server.token, "x"), server.link + "../", server.link + "other"):
            assert httpx.get(wrong).status_code == 404
        assert httpx.get(server.link, headers={"Host": "evil.example.org"}).status_code == 404
        assert httpx.post(server.link + "decide", data={"group": key, "decision": "burn"}).status_code == 400
        assert rules_of(folder) == []
        answer = httpx.post(server.link + "decide", data={"group": key, "decision": "pass"}, follow_redirects=True)
        assert "Nothing waits" in answer.text
        assert [rule["decision"] for rule in rules_of(folder)] == ["pass"]


@contextmanager
def served(folder):
    def take(group, decision):
        decide(folder, group, decision, by="ada")

    with closing(SheetServer(lambda: waiting(folder), take)) as server:
        server.close = server.server_close
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


SAID = st.one_of(
    st.sampled_from(["", "ACME", "acme ", "null", "~", "*", "1e3", "- x", "{a: b}", "${env:HOME}"]), st.text()
)
KINDS = st.builds(
    Kind,
    SAID,
    SAID,
    st.sampled_from(["", "US", "OT"]),
    st.sampled_from([0, 240]),
    st.sampled_from([0, 320]),
    st.sampled_from(["", "ORIGINAL", "ORIGINAL\\PRIMARY", "DERIVED\\PRIMARY\\ORIGINAL"]),
    st.just("of Quistgaard"),
)


@given(KINDS, KINDS)
def test_a_decision_holds_for_the_images_of_its_own_group_and_for_no_others(one, another):
    def said(kind):
        texts = (kind.manufacturer, kind.model, kind.modality, kind.image_type)
        return [" ".join(text.split()).casefold() for text in texts], kind.rows, kind.columns

    written = review._rule(HeldGroup("a" * 16, one, 1, ()), "pass", (), by="ada")
    out = StringIO()
    YAML().dump(written, out)
    rule = MaskRule.model_validate(YAML(typ="safe").load(out.getvalue()))
    assert ruled(one, [rule])
    assert bool(ruled(another, [rule])) == (said(one) == said(another))


@pytest.mark.parametrize("box", [Box(240, 0, 300, 10), Box(0, 320, 10, 400), Box(60000, 60000, 65535, 65535)])
def test_a_mask_that_lies_beside_the_picture_is_not_taken(box):
    group = HeldGroup("a" * 16, KIND, 1, ())
    with pytest.raises(ProjectError, match="outside of the picture"):
        review._rule(group, "mask", [Box(0, 0, 10, 10), box], by="ada")
    assert review._rule(group, "mask", [Box(0, 0, 500, 500)], by="ada")["boxes"] == [[0, 0, 500, 500]]


def test_pictures_of_a_withdrawn_study_go_and_their_group_begins_anew(tmp_path, unsure):
    with refused_once(tmp_path) as (folder, _, images):
        assert waiting(folder)
        with ledger_of(folder) as ledger:
            (key,) = summary.studies(ledger)
        with open_session(str(folder), action="withdraw") as run:
            done = withdraw(run, WithdrawRequest(study=key), by="ada")
        assert done.notes == [f"{counted(images, 'picture')} of `pacsflow review` deleted"]
        assert waiting(folder) == []
        assert not list((tmp_path / "data" / "private").glob("review/*"))


def test_pictures_of_other_studies_stay(tmp_path):
    held = HeldPictures(tmp_path / "review", KEY)
    for study in ("1.2", "1.2", "1.3", ""):
        held.keep(KIND, "why", background(), [], study=study)
    assert held.forget("1.2") == 3, "one that does not say whose it is goes too"
    assert len(held.groups()[0].samples) == 1
    assert held.forget("1.3") == 1
    assert held.groups() == []


def test_the_command_lists_decides_and_says_what_is_wrong(tmp_path, unsure):
    with refused_once(tmp_path) as (folder, _, _):
        shown = told("review", folder)
        key = waiting(folder)[0].key[:8]
        assert key in shown
        assert "could not be read" in shown
        assert "not a box" in told("review", folder, key, "--decision", "mask", "--box", "1,2", code=2)
        assert "say what is decided" in told("review", folder, key, "--decision", "burn", code=2)
        assert "no group is called so" in told("review", folder, "zz", "--decision", "pass", code=2)
        assert "decision" in told("review", folder, key, "--decision", "mask", "--box", "0,0,30,200")
        assert rules_of(folder)[0]["boxes"] == [[0, 0, 30, 200]]
        assert "no image waits" in told("review", folder)


def told(*words, code=0):
    result = CliRunner().invoke(app, [str(word) for word in words])
    text = result.output + (str(result.exception) if result.exception else "")
    if code == 0:
        assert result.exit_code == 0, text
    else:
        assert result.exit_code != 0 or isinstance(result.exception, ProjectError), text
    return text


def test_comments_of_deid_yaml_stay(tmp_path):
    from pacsflow.projects.mask_rules import add_mask_rule

    text = "# ours\nkey: ${env:K} # the key\npixels: # text\n  burned_in: mask\n"
    (tmp_path / "deid.yaml").write_text(text)
    rule = {"manufacturer": "ACME", "decision": "mask", "boxes": [[0, 0, 5, 5]]}
    add_mask_rule(tmp_path, rule)
    add_mask_rule(tmp_path, {"manufacturer": "B", "decision": "pass"})
    written = (tmp_path / "deid.yaml").read_text()
    assert written.startswith(text)
    assert "boxes: [[0, 0, 5, 5]]" in written
    assert len(YAML(typ="safe").load(written)["pixels"]["masks"]) == 2


@pytest.mark.parametrize("text", ["key: x\n", "pixels: 3\n", "[1"])
def test_a_file_that_takes_no_rule_is_said_and_stays(tmp_path, text):
    from pacsflow.projects.mask_rules import add_mask_rule

    (tmp_path / "deid.yaml").write_text(text)
    with pytest.raises(ProjectError, match="takes no rule"):
        add_mask_rule(tmp_path, {"manufacturer": "B", "decision": "pass"})
    assert (tmp_path / "deid.yaml").read_text() == text


def test_of_many_images_the_first_are_kept_and_all_are_counted(tmp_path):
    held = HeldPictures(tmp_path / "review", KEY)
    for number in range(SAMPLES + 3):
        held.keep(KIND, "why", background(), [Box(0, 0, number + 1, 5)])
    held.keep(Kind("B", "", "US", 10, 10, "", ""), "other", background(), [])
    first, second = sorted(held.groups(), key=lambda group: -group.images)
    assert (first.images, len(first.samples), len(first.boxes)) == (SAMPLES + 3, SAMPLES, SAMPLES)
    assert first.kind == KIND
    held.drop(first.key)
    assert [group.key for group in held.groups()] == [second.key]
    held.drop(second.key)
    assert not Path(tmp_path / "review").exists()


def test_another_key_opens_nothing(tmp_path):
    HeldPictures(tmp_path, KEY).keep(KIND, "why", background(), [])
    with pytest.raises(KeyMismatchError):
        HeldPictures(tmp_path, bytes(32)).groups()
