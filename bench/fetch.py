"""A CT study from Orthanc to disk: pacsflow by C-GET with de-identification and verification on, beside DCMTK.

getscu and movescu write what they get; pacsflow cleans, verifies, hashes, waits for the disk (fsync) and compares
by UID. Every contender fetches the same study in turn, some times over; the figures are medians.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench import ct_study
from bench.measure import BIN, Cost, conclude, cost_of, middle, quick_asked, say, scratch
from peers.orthanc import Orthanc
from peers.prefect import Prefect
from project_folder import write_project

GETSCU = "/usr/bin/getscu"
"""By its full path: pynetdicom brings a program of the same name."""
ROWS = [{"id": "ct", "StudyInstanceUID": ct_study.STUDY_UID}]


class Fetching:
    """The contenders, each a method that fetches the study once into a folder."""

    def __init__(self, orthanc: Orthanc, prefect: Prefect) -> None:
        self._orthanc, self._prefect = orthanc, prefect

    def engine(self, folder: Path) -> Cost:
        """Find and fetch in one process, without Prefect; start and imports of Python not counted in seconds."""
        cost = cost_of([str(BIN / "python"), "-m", "bench.engine", str(self._project(folder))])
        return replace(cost, seconds=sum(json.loads(cost.output).values()))

    def whole_run(self, folder: Path) -> Cost:
        """`pacsflow run` as a person calls it, from the command to the report; the Prefect server runs already."""
        environment = {**self._prefect.environment(self._prefect.folder), "PREFECT_API_URL": self._prefect.url}
        return cost_of([str(BIN / "pacsflow"), "run", str(self._project(folder))], environment)

    def getscu(self, folder: Path) -> Cost:
        """DCMTK as it comes: Nagle's algorithm on."""
        return self._getscu(folder, {})

    def getscu_nodelay(self, folder: Path) -> Cost:
        """DCMTK told not to wait."""
        return self._getscu(folder, {"TCP_NODELAY": "1"})

    def getscu_large_pdu(self, folder: Path) -> Cost:
        """DCMTK told not to wait, with the largest PDU it knows."""
        return self._getscu(folder, {"TCP_NODELAY": "1"}, "-pdu", "131072")

    def _getscu(self, folder: Path, environment: dict[str, str], *options: str) -> Cost:
        (out := folder / "out").mkdir()
        keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={ct_study.STUDY_UID}"]
        peer = ["-aec", self._orthanc.aet, self._orthanc.host, str(self._orthanc.port)]
        return cost_of([GETSCU, "-S", *options, *keys, "-od", str(out), *peer], environment)

    def _project(self, folder: Path) -> Path:
        pacs = {"port": self._orthanc.port, "called_aet": self._orthanc.aet, "fetch": {"method": "c-get"}}
        return write_project(folder / "ct", pacs=pacs, rows=ROWS)


def main() -> None:
    """Print the figures."""
    quick = quick_asked(__doc__)
    slices, rounds = (150, 3) if quick else (1000, 5)
    with scratch() as folder:
        for name in ("orthanc", "prefect"):
            (folder / name).mkdir()
        with Orthanc(folder / "orthanc") as orthanc, Prefect(folder / "prefect") as prefect:
            say(f"{slices} slices into Orthanc")
            size = sum(len(file) for file in ct_study.ct_files(slices) if orthanc.post("/instances", file)) / 1e6
            figures = _race(Fetching(orthanc, prefect), folder, rounds=rounds, slices=slices)
            product = orthanc.get("/system")["Version"]
    for one in figures.values():
        one["mb_per_s"] = round(size / one["seconds"], 1)
    ours = figures["engine"]["seconds"]
    ratios = {f"{name}_to_engine": round(one["seconds"] / ours, 2) for name, one in figures.items() if name != "engine"}
    facts = {"bench": "fetch", "quick": quick, "slices": slices, "mb": round(size, 1), **figures, "ratios": ratios}
    conclude(facts, orthanc=product, dcmtk=_dcmtk())


def _race(fetching: Fetching, folder: Path, *, rounds: int, slices: int) -> dict[str, dict[str, float]]:
    """Medians per contender; those that take long take part in the first rounds only."""
    entrants: list[tuple[Callable[[Path], Cost], int]] = [
        (fetching.engine, rounds),
        (fetching.getscu_nodelay, rounds),
        (fetching.getscu_large_pdu, rounds),
        (fetching.whole_run, rounds // 2),
        (fetching.getscu, rounds // 2),
    ]
    costs: dict[str, list[Cost]] = {}
    for turn in range(rounds):
        for fetch, turns in entrants:
            if turn < turns:
                cost = _once(fetch, folder / "race", slices)
                say(f"{fetch.__name__}: {cost.seconds:.2f} s, {cost.peak_mb:.0f} MB")
                costs.setdefault(fetch.__name__, []).append(cost)
    return {name: middle(runs) for name, runs in costs.items()}


def _once(fetch: Callable[[Path], Cost], folder: Path, slices: int) -> Cost:
    """One fetch into an empty folder, which must hold each slice afterwards.

    What the former one left to the disk is waited for: most do not wait themselves.
    """
    folder.mkdir()
    os.sync()
    cost = fetch(folder)
    files = [p for p in folder.rglob("*") if p.suffix == ".dcm" or p.name.startswith("CT.")]
    names = {p.name for p in files if p.stat().st_size > 2 * ct_study.MATRIX**2}
    if len(names) != slices:
        raise RuntimeError(f"{fetch.__name__} brought {len(names)} of {slices} slices")
    shutil.rmtree(folder)
    return cost


def _dcmtk() -> str:
    said = subprocess.run([GETSCU, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2]


if __name__ == "__main__":
    main()
