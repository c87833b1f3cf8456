"""From nothing to the first delivered study: the minutes of a newcomer, command by command.

In an empty folder with a home of its own: an environment made, the wheel of this checkout installed without extras, a
project begun from a hospital's Excel table (title line, German headings, a line of totals) against an Orthanc that
takes known AE titles only, checked, probed, planned and run. The last figure is the time until a NIfTI file lies there.

    python -m bench.first_study [--constraint FILE]

`--constraint`: versions for pip, from a lock such as `requirements-run.lock`. pip asks the index that it is set to;
nothing of it is kept for another call (`--no-cache-dir`).
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import openpyxl

from bench.measure import ROOT, conclude, say, scratch
from pacsflow.simpacs.phantoms import phantom_archive, write_phantoms
from peers.orthanc import Orthanc

PATIENTS = 4


def main() -> None:
    """Print each command with its seconds, then the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--constraint", type=Path, help="versions for pip")
    constraint = parser.parse_args().constraint
    with scratch() as folder:
        (folder / "orthanc").mkdir()
        checks = {f"DicomAlwaysAllow{what}": False for what in ("Echo", "Find", "Get", "Move")}
        with Orthanc(folder / "orthanc", DicomCheckCalledAet=True, **checks) as pacs:
            wheel, table = _wheel(folder), folder / "desk" / "Kohorte.xlsx"
            table.parent.mkdir()
            _fill(pacs, folder, table)
            desk = _Desk(table.parent)
            _walk(desk, wheel, pacs, _pins(constraint, folder) if constraint else None)
            out = list((folder / "desk").rglob("*.nii.gz"))
    if not out:
        raise SystemExit("no study was delivered")
    total = sum(desk.seconds.values())
    size = desk.megabytes
    conclude({"bench": "first_study", "minutes": round(total / 60, 1), "installed MB": size, **desk.seconds})


def _walk(desk: "_Desk", wheel: Path, pacs: Orthanc, constraint: Path | None) -> None:
    held = ["--constraint", str(constraint)] if constraint else []
    desk.do("venv", [sys.executable, "-m", "venv", "pf"])
    desk.do("install", ["pf/bin/pip", "install", "--quiet", "--no-cache-dir", *held, str(wheel)])
    desk.megabytes = sum(f.lstat().st_size for f in (desk.folder / "pf").rglob("*") if f.is_file()) // 1_000_000
    node = ["--host", pacs.host, "--port", str(pacs.port), "--called", pacs.aet, "--calling", "PACSFLOW"]
    desk.do("init", ["pf/bin/pacsflow", "init", "kopf", "--table", "Kohorte.xlsx", *node])
    for command in ("validate", "probe", "plan", "run"):
        desk.do(command, ["pf/bin/pacsflow", command, "kopf"])


class _Desk:
    """A folder, and a home and environment that know nothing of this checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seconds, self.megabytes = folder, dict[str, float](), 0
        kept = {name: os.environ[name] for name in os.environ if name.startswith("PIP_") or name == "LANG"}
        self._environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "PACSFLOW_WORK": str(folder / "work"),
            **kept,
        }

    def do(self, name: str, words: list[str]) -> None:
        """A command as a newcomer types it; how it ended is shown, and it must be 0."""
        begun = time.monotonic()
        done = subprocess.run(
            words, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        self.seconds[name] = round(time.monotonic() - begun, 1)
        say(f"{self.seconds[name]:7.1f} s  {' '.join(_shown(word) for word in words)}")
        if done.returncode:
            raise SystemExit(f"exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def _shown(word: str) -> str:
    return re.sub(r"^/.*/", "", word)


def _pins(lock: Path, folder: Path) -> Path:
    """The versions of a lock alone: pip takes no extras and no hashes in constraints."""
    pins = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?(==[^\s;\\]+)", lock.read_text(), re.MULTILINE)
    place = folder / "constraints.txt"
    place.write_text("".join(f"{name}{version}\n" for name, version in pins))
    return place


def _wheel(folder: Path) -> Path:
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "wheel")]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    return next((folder / "wheel").glob("*.whl"))


def _fill(pacs: Orthanc, folder: Path, table: Path) -> None:
    """Studies of made-up patients into the PACS, and the table that asks for them as a hospital writes it."""
    archive = phantom_archive(PATIENTS, matrix=64, images=24)
    write_phantoms(folder / "dicom", archive)
    pacs.load(sorted(file for file in (folder / "dicom").rglob("*") if file.is_file()))
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Kohorte", 0)
    sheet.append(["Kohorte Kopf, Stand 2026"])
    sheet.append([])
    sheet.append(["Nr", "Patientennummer", "Geburtsdatum", "Untersuchungsdatum", "Bemerkung"])
    for number, study in enumerate(archive.studies.values(), 1):
        known = study.attributes
        sheet.append([number, known["PatientID"], _day(known["PatientBirthDate"]), _day(known["StudyDate"]), "gut"])
    sheet.append(["Summe", len(archive.studies)])
    book.save(table)


def _day(text: str) -> str:
    return f"{text[6:]}.{text[4:6]}.{text[:4]}"


if __name__ == "__main__":
    main()
