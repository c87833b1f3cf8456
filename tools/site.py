"""The documentation as a site: the Markdown files of the repository, copied together and built strictly.

    python tools/site.py [OUT]

README.md becomes the first page; CONTRIBUTING, CHANGELOG and SECURITY lie beside the pages of docs/. Links between them
become links between pages; a link to a file that is no page becomes its name. A link that leads nowhere, and a page
that the menu of mkdocs.yml lacks, end the build with exit code 1. Nothing is fetched: fonts are those of the reader.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "reporting.md",
}
"""Files beside docs/ -> their pages."""
_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def gather(into: Path) -> None:
    """Copy all pages, with the links they have on the site."""
    shutil.copytree(ROOT / "docs", into)
    for source in sorted((ROOT / "docs").rglob("*.md")):
        page = into / source.relative_to(ROOT / "docs")
        page.write_text(linked(source.read_text("utf-8"), source.parent, page.parent, into), "utf-8")
    for name, page in PAGES.items():
        (into / page).write_text(linked((ROOT / name).read_text("utf-8"), ROOT, into, into), "utf-8")


def linked(text: str, folder: Path, place: Path, site: Path) -> str:
    """A page's text with its links changed. `folder`: where its file lies; `place`: where its page lies in `site`."""

    def changed(found: re.Match[str]) -> str:
        image, words, target = found.groups()
        path, hash_sign, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not path:
            return found[0]
        file = (folder / path).resolve()
        if (name := _page_of(file)) is None:
            return words if file.exists() else found[0]  # what is not there is left for the build to refuse
        up = "../" * len(place.relative_to(site).parts)
        return f"{image}[{words}]({up}{name}{hash_sign}{anchor})"

    return _LINK.sub(changed, text)


def _page_of(file: Path) -> str | None:
    """The place on the site of a file of the repository; None for one that is no part of it."""
    if file.is_relative_to(ROOT / "docs"):
        return file.relative_to(ROOT / "docs").as_posix()
    return PAGES.get(file.relative_to(ROOT).as_posix()) if file.is_relative_to(ROOT) else None


def build(pages: Path, out: Path) -> int:
    """Build the site of gathered pages; the exit code of mkdocs."""
    settings = f"{(ROOT / 'mkdocs.yml').read_text('utf-8')}\ndocs_dir: {pages}\nsite_dir: {out.absolute()}\n"
    configuration = pages.parent / "mkdocs.yml"
    configuration.write_text(settings, "utf-8")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(configuration)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(words, check=False, env=quiet).returncode


def main(out: Path) -> int:
    """Gather the pages and build the site; the exit code of mkdocs."""
    with tempfile.TemporaryDirectory() as temporary:
        pages = Path(temporary) / "docs"
        gather(pages)
        return build(pages, out)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".site")))
