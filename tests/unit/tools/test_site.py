"""The documentation as a site: all pages, built strictly, nothing fetched from elsewhere."""

import importlib.util
import re

import pytest

from documents import DOCUMENTS, ROOT

spec = importlib.util.spec_from_file_location("site_tool", ROOT / "tools" / "site.py")
site = importlib.util.module_from_spec(spec)
spec.loader.exec_module(site)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The gathered pages."""
    folder = tmp_path_factory.mktemp("site") / "docs"
    site.gather(folder)
    return folder


def test_the_site_is_built_strictly_has_every_page_and_fetches_nothing(pages, tmp_path):
    assert site.build(pages, tmp_path / "out") == 0
    for document in DOCUMENTS:
        name = "" if document.name == "README.md" else document.stem
        assert (tmp_path / "out" / name / "index.html").exists(), document.name
    loaded = re.compile(
        r"<(?:script|img|iframe)\b[^>]*\bsrc=.?(https?:)?//|<link\b[^>]*stylesheet[^>]*href=.?(https?:)?//"
    )
    assert not [page for page in (tmp_path / "out").rglob("*.html") if loaded.search(page.read_text("utf-8"))]


def test_links_that_lead_nowhere_end_the_build(pages, tmp_path, capfd):
    page, links = pages / "glossary.md", ("nowhere.md", "install.md#no-such-heading", "no-picture.png")
    text = page.read_text("utf-8")
    page.write_text(text + "".join(f"\n[a]({link})\n" for link in links), "utf-8")
    try:
        assert site.build(pages, tmp_path / "out") != 0
    finally:
        page.write_text(text, "utf-8")
    said = capfd.readouterr().err
    assert [link for link in links if f"'{link}'" not in said] == []


def test_links_between_files_become_links_between_pages(tmp_path):
    said = "[a](docs/install.md#to-use-it) [b](LICENSE) [c](https://example.org/x.md) [d](#here) [e](docs/gone.md)"
    told = site.linked(said, ROOT, tmp_path, tmp_path)
    assert told == "[a](install.md#to-use-it) b [c](https://example.org/x.md) [d](#here) [e](gone.md)"
    assert (
        site.linked("[x](../README.md#exit-codes)", ROOT / "docs", tmp_path / "s", tmp_path)
        == "[x](../index.md#exit-codes)"
    )
