"""From a query to NIfTI, whole: pacsflow beside the chain that a person builds of findscu, getscu, dicognito, dcm2niix.

CT and MR studies from an Orthanc on loopback, each contender as whole processes, start of Python included, in turn.
The chain writes what it gets, cleans it by dicognito as it comes, and converts it; nobody compares what came with what
was asked for. pacsflow does the same with everything on: `ps3.15-basic`, verification, comparison by UID, fsync,
dcm2niix with its geometry check, delivery to a folder, plan and report: from Python (`pacsflow.Project(...).run()`)
and once as `pacsflow run`, with a Prefect server for the time of the run.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench import ct_study
from bench.fetch import GETSCU, NODELAY, load
from bench.measure import BIN, Cost, conclude, cost_of, middle, quick_asked, say, scratch
from peers.orthanc import Orthanc
from project_folder import write_project

FINDSCU = "/usr/bin/findscu"
SETS = {"CT": (400, 512), "MR": (1000, 128)}
QUICK = {"CT": (60, 512)}
_FROM_PYTHON = "import pacsflow, sys; pacsflow.Project(sys.argv[1]).run()"


@dataclass(frozen=True)
class Chains:
    """The contenders, each from the query to a folder of NIfTI files."""

    orthanc: Orthanc
    modality: str
    home: Path

    def by_hand(self, folder: Path) -> Cost:
        """One program after the other, study after study where a program takes one."""
        dicom, cleaned, nifti = (folder / name for name in ("dicom", "cleaned", "out"))
        for each in (dicom, cleaned, nifti):
            each.mkdir()
        peer = [self.orthanc.host, str(self.orthanc.port)]
        costs = []
        for study in ct_study.study_uids(self.modality):
            asked = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"]
            costs.append(cost_of([FINDSCU, "-S", *asked, "-k", "PatientID", "-aec", self.orthanc.aet, *peer], NODELAY))
            get = [GETSCU, "-S", *asked, "-pdu", "131072", "-od", str(dicom), "-aec", self.orthanc.aet, *peer]
            costs.append(cost_of(get, NODELAY))
        costs.append(cost_of([sys.executable, "-m", "dicognito", "-q", "-o", str(cleaned), str(dicom)]))
        costs.append(cost_of([str(BIN / "dcm2niix"), "-z", "y", "-f", "%s_%j", "-o", str(nifti), str(cleaned)]))
        return Cost(sum(c.seconds for c in costs), sum(c.cpu for c in costs), max(c.peak_mb for c in costs))

    def from_python(self, folder: Path) -> Cost:
        """Pacsflow without Prefect."""
        return cost_of([sys.executable, "-c", _FROM_PYTHON, str(self._project(folder))])

    def command(self, folder: Path) -> Cost:
        """`pacsflow run`, the start and end of its temporary server included, its database made before."""
        return cost_of([str(BIN / "pacsflow"), "run", str(self._project(folder))], {"PREFECT_HOME": str(self.home)})

    def _project(self, folder: Path) -> Path:
        rows = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(ct_study.study_uids(self.modality))]
        pacs = {"port": self.orthanc.port, "called_aet": self.orthanc.aet, "fetch": {"method": "c-get"}}
        export = {
            "nifti": [{"modality": self.modality, "converter": "dcm2niix"}],
            "targets": [{"kind": "folder", "path": str(folder / "out"), "dicom": False}],
        }
        return write_project(folder / "p", pacs=pacs, rows=rows, export=export)


def main() -> None:
    """Print the figures."""
    quick = quick_asked(__doc__)
    sets, rounds = (QUICK, 1) if quick else (SETS, 3)
    figures: dict[str, object] = {}
    with scratch() as folder:
        for modality, shape in sets.items():
            (place := folder / modality).mkdir()
            with Orthanc(place) as orthanc:
                load(orthanc, place / "in", modality, shape)
                figures[modality] = _race(Chains(orthanc, modality, folder / "prefect"), folder / "race", rounds)
    conclude({"bench": "chain", "quick": quick, "studies": ct_study.STUDIES, **figures})


def _race(chains: Chains, folder: Path, rounds: int) -> dict[str, object]:
    entrants = {"by hand": chains.by_hand, "from python": chains.from_python, "pacsflow run": chains.command}
    costs: dict[str, list[Cost]] = {name: [] for name in entrants}
    if not chains.home.exists():
        _once(chains.command, folder)
    for _ in range(rounds):
        for name, entrant in entrants.items():
            costs[name].append(_once(entrant, folder))
            say(f"{name}: {costs[name][-1].seconds:.1f} s, {costs[name][-1].cpu:.1f} s of processor time")
    found = {name: middle(each) for name, each in costs.items()}
    times = {name: round(found["by hand"]["seconds"] / each["seconds"], 2) for name, each in found.items()}
    return {"times_as_fast_as_by_hand": times, **found}


def _once(entrant: Callable[[Path], Cost], folder: Path) -> Cost:
    """One way into an empty folder, which must hold an image for each study afterwards."""
    folder.mkdir()
    cost = entrant(folder)
    images = len(list((folder / "out").rglob("*.nii.gz")))
    if images != ct_study.STUDIES:
        raise RuntimeError(f"{images} of {ct_study.STUDIES} series were converted")
    shutil.rmtree(folder)
    return replace(cost, output="")


if __name__ == "__main__":
    main()
