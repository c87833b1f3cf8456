"""Pictures for the pages, in Debian's Chromium: the console for docs/console.md, each step of docs/tutorial.md.

    python tools/pictures.py [OUT] [--only tutorial|console]

The steps are the commands of the tutorial, run in an empty folder with a home of its own, in a terminal of 100 columns.
For the console, the project is a copy of projects/demo in a temporary folder, its PACS the embedded one with made-up
patients. Needs the extra `console`, playwright, and chromium. What is written depends on fonts and versions: it is
looked at, not compared.
"""

import argparse
import io
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import openpyxl
from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from pacsflow.simpacs import demo_archive, serve

ROOT: Final = Path(__file__).resolve().parents[1]
SHOWN: Final = ("", "query", "found", "run", "results", "sign-off")
"""Names of pages; the first is that of all projects."""
SIZE: Final = {"width": 1280, "height": 800}
COLUMNS: Final = 100
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
        kept(page, out / f"console-{name or 'projects'}.png")


def steps() -> list[str]:
    """The commands of the tutorial."""
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    return re.findall(r"^```sh\n(pacsflow .*)\n```$", page, re.MULTILINE)


def table_of(page: str, file: Path) -> None:
    """The table that a page shows, as a workbook."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Kohorte", 0)
    rows = re.findall(r"^\|(.*)\|$", page, re.MULTILINE)
    for cells in ([cell.strip() or None for cell in row.split("|")] for row in rows if "---" not in row):
        sheet.append(cells)
    book.save(file)


def in_a_terminal(words: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What a command shows in a terminal, colours included; of what it writes over, the last."""
    screen, told = os.openpty()
    with subprocess.Popen(words, cwd=folder, env=environment, stdin=told, stdout=told, stderr=told) as process:
        os.close(told)
        shown = b""
        while True:
            try:
                piece = os.read(screen, 4096)
            except OSError:  # it has ended
                break
            shown += piece
        process.wait()
    os.close(screen)
    return shown.decode("utf-8", "replace").replace("\r\n", "\n")


def as_page(command: str, shown: str) -> str:
    """A terminal's text as HTML."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}", style="bold"))
    for line in written_over(shown):
        console.print(Text.from_ansi(line), overflow="fold")
    body = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
    return (
        "<body style='margin:0;background:#fff'><style>pre{margin:0;padding:18px 22px;white-space:pre;"
        f"font:14px/1.35 monospace;width:{COLUMNS}ch}}</style>{body}</body>"
    )


def written_over(shown: str) -> list[str]:
    """The lines that stay: a progress bar goes up and clears what it wrote (ECMA-48 CUU, EL)."""
    lines: list[str] = [""]
    for piece in re.split(r"(\n|\x1b\[\d*[A-HJK]|\x1b\[\?25[hl]|\r)", shown):
        if piece == "\n":
            lines.append("")
        elif re.fullmatch(r"\x1b\[\d*A", piece):
            lines.pop()
        elif piece == "\r" or re.fullmatch(r"\x1b\[\d*K", piece):
            lines[-1] = ""
        elif not piece.startswith(("\x1b[?", "\x1b[H")):
            lines[-1] += piece
    return [line for number, line in enumerate(lines) if line or number < len(lines) - 1]


def tutorial(out: Path, browser: Any) -> None:
    """Run each step of the tutorial, and picture what it shows, and the report."""
    peer = serve(demo_archive(), aet="SIMPACS")
    command = Path(sys.executable).parent / "pacsflow"
    try:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            table_of((ROOT / "docs" / "tutorial.md").read_text("utf-8"), folder / "Kohorte.xlsx")
            own = {
                "HOME": place,
                "COLUMNS": str(COLUMNS),
                "LINES": "40",
                "TERM": "xterm-256color",
                "PATH": os.environ["PATH"],
            }
            for step in steps():
                words = [str(peer.port) if word == "11140" else word for word in shlex.split(step)]
                words = [word.replace("~", place, 1) if word.startswith("~") else word for word in words]
                shown = in_a_terminal([str(command), *words[1:]], folder, own)
                page = browser.new_page(viewport={"width": 940, "height": 200}, device_scale_factor=1)
                page.set_content(as_page(step, shown.replace(place, "~").replace(str(peer.port), "11140")))
                kept(page, out / f"tutorial-{words[1]}.png", whole=True)
            page = browser.new_page(viewport={"width": 1280, "height": 1100})
            page.goto((folder / ".local/share/pacsflow/kopf/report/report.html").as_uri())
            kept(page, out / "tutorial-report.png")
    finally:
        peer.stop()


def kept(page: Any, file: Path, *, whole: bool = False) -> None:
    """Write the picture of a page."""
    page.screenshot(path=file, full_page=whole)
    Image.open(file).convert("RGB").quantize(COLOURS).save(file, optimize=True)
    print(file.name)


def main() -> None:
    """Make all pictures, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "docs" / "pictures", help="folder of the pictures")
    parser.add_argument("--only", choices=("tutorial", "console"), help="these only")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        if asked.only != "console":
            tutorial(asked.out, browser)
        if asked.only != "tutorial":
            console_pages(asked.out, browser)
        browser.close()


def console_pages(out: Path, browser: Any) -> None:
    """Run the project once, serve the console's pages, look at them."""
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
                    look(browser.new_page(viewport=SIZE), link, out)
                finally:
                    console.terminate()
    finally:
        peer.stop()


if __name__ == "__main__":
    main()
