"""Pictures of the console's pages for docs/console.md: the demo's project, run here, looked at in Debian's Chromium.

    python tools/pictures.py [OUT]

The project is a copy of projects/demo in a temporary folder, its PACS the embedded one with made-up patients. Needs the
extra `console`, playwright, and chromium. What is written depends on fonts and versions: it is looked at, not compared.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import sync_playwright

from pacsflow.simpacs import demo_archive, serve

ROOT: Final = Path(__file__).resolve().parents[1]
SHOWN: Final = ("", "query", "found", "run", "results", "sign-off")
"""Names of pages; the first is that of all projects."""
SIZE: Final = {"width": 1280, "height": 800}
COLOURS: Final = 128
"""So many are kept of a picture: small files that look the same."""
_PORT: Final = re.compile(r"^port: \d+", re.MULTILINE)


def copied(folder: Path, port: int) -> Path:
    """The demo's project under another name, asking the node at `port`."""
    project = folder / "projects" / "lung-study"
    shutil.copytree(ROOT / "projects" / "demo", project)
    for name, change in {
        "pacs.yaml": lambda text: _PORT.sub(f"port: {port}", text),
        "project.yaml": lambda text: text.replace("name: demo", "name: lung-study") + "\nsign_off: one\n",
    }.items():
        file = project / name
        file.write_text(change(file.read_text("utf-8")), "utf-8")
    return project


def look(page: Any, link: str, out: Path) -> None:
    """Open each page and write its picture."""
    page.goto(link)
    page.wait_for_load_state("networkidle")
    begin = page.url.split("?")[0].rstrip("/")
    for name in SHOWN:
        page.goto(f"{begin}/project/lung-study/{name}" if name else begin)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1500)
        file = out / f"console-{name or 'projects'}.png"
        page.screenshot(path=file)
        Image.open(file).convert("RGB").quantize(COLOURS).save(file, optimize=True)
        print(file.name)


def main(out: Path) -> None:
    """Run the project once, serve the pages, look at them."""
    out.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).parent / "pacsflow")]
    peer = serve(demo_archive(), aet="SIMPACS")
    try:
        with tempfile.TemporaryDirectory() as place:
            project = copied(Path(place), peer.port)
            own = {"PACSFLOW_WORK": f"{place}/work", "PACSFLOW_DEMO_KEY": secrets.token_hex(32), "HOME": place}
            subprocess.run([*command, "run", str(project)], env=os.environ | own, check=False)
            serving = [*command, "console", str(project.parent), "--port", "0"]
            with subprocess.Popen(serving, env=os.environ | own, stdout=subprocess.PIPE, text=True) as console:
                try:
                    link = next(found[1] for line in console.stdout or () if (found := re.search(r"(http\S+)", line)))
                    with sync_playwright() as playwright:
                        options = ["--no-sandbox"] if os.geteuid() == 0 else []
                        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
                        look(browser.new_page(viewport=SIZE), link, out)
                        browser.close()
                finally:
                    console.terminate()
    finally:
        peer.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "pictures")
