"""Studies from Orthanc and dcmqrscp to disk: pacsflow by C-GET and C-MOVE, over one and four lanes, beside DCMTK.

getscu and movescu write what they get; pacsflow cleans, verifies, hashes, waits for the disk (fsync) and compares by
UID (`none`: it does all but clean and verify). Every contender fetches the same four studies in turn, some times over;
the figures are medians. DCMTK waits some 45 ms for each image where a Nagle's algorithm meets a delayed
acknowledgement: such contenders fetch one study, once, and their seconds are given times four (`scaled`). Orthanc is
asked by DICOMweb too, beside curl. At last an instance of 2 GB, for its memory.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench import ct_study
from bench.large import large_instance
from bench.measure import BIN, Cost, conclude, cost_of, middle, quick_asked, say, scratch
from peers.dcmqrscp import Dcmqrscp
from peers.orthanc import Orthanc
from peers.prefect import Prefect
from project_folder import write_project

GETSCU, MOVESCU, CURL = "/usr/bin/getscu", "/usr/bin/movescu", "/usr/bin/curl"
"""By their full paths: pynetdicom brings programs of the same names."""
NODELAY = {"TCP_NODELAY": "1"}
SETS = {"CT": (1000, 512), "MR": (5000, 128)}
QUICK = {"CT": (160, 512)}
Peer = Orthanc | Dcmqrscp


@dataclass(frozen=True)
class Entrant:
    """A contender. `fetch` is given an empty folder; a `scaled` one fetches the first study only, once.

    What a `raw` one writes are answers, not files of images: their size is looked at.
    """

    name: str
    fetch: Callable[[Path], Cost]
    rounds: int
    scaled: bool = False
    raw: bool = False


@dataclass(frozen=True)
class Fetching:
    """The contenders, each a method that fetches all studies of a modality once into a folder."""

    peer: Peer
    modality: str
    prefect: Prefect
    first_only: bool = False

    @property
    def studies(self) -> list[str]:
        """Their UIDs."""
        return ct_study.study_uids(self.modality)

    def engine(self, folder: Path, *, method: str, lanes: int, base: str) -> Cost:
        """Find and fetch in one process, without Prefect; start and imports of Python not counted in seconds."""
        project = self.project(folder, method=method, base=base)
        cost = cost_of([str(BIN / "python"), "-m", "bench.engine", str(project), str(lanes)])
        return replace(cost, seconds=sum(json.loads(cost.output).values()))

    def web(self, folder: Path, *, proof: str, lanes: int) -> Cost:
        """The engine by QIDO-RS and WADO-RS; `proof`: whether images are listed before they are fetched."""
        project = self.project(folder, method="auto", base="ps3.15-basic")
        node = {"name": "test", "protocol": "dicomweb", "url": f"{self._url}", "limits": {"associations": lanes}}
        (project / "pacs.yaml").write_text(json.dumps({**node, "fetch": {"proof": proof}}))
        cost = cost_of([str(BIN / "python"), "-m", "bench.engine", str(project), str(lanes)])
        return replace(cost, seconds=sum(json.loads(cost.output).values()))

    def curl(self, folder: Path) -> Cost:
        """The same studies by WADO-RS with curl, answers as they come: nothing is taken apart."""
        accept = 'Accept: multipart/related; type="application/dicom"; transfer-syntax=*'
        urls = [f"{self._url}/studies/{uid}" for uid in self.studies]
        outs = [word for n, url in enumerate(urls) for word in ("-o", str(folder / f"{n}.answer"), url)]
        return cost_of([CURL, "-s", "-f", "-H", accept, *outs])

    @property
    def _url(self) -> str:
        assert isinstance(self.peer, Orthanc)
        return f"{self.peer.url}/dicom-web"

    def whole_run(self, folder: Path) -> Cost:
        """`pacsflow run` as a person calls it, from the command to the report; the Prefect server runs already."""
        environment = {**self.prefect.environment(self.prefect.folder), "PREFECT_API_URL": self.prefect.url}
        project = self.project(folder, method="c-get", base="ps3.15-basic")
        return cost_of([str(BIN / "pacsflow"), "run", str(project)], environment)

    def getscu(self, folder: Path, *options: str, environment: dict[str, str]) -> Cost:
        """DCMTK's C-GET, study after study."""
        (out := folder / "out").mkdir()
        return self._each([GETSCU, "-S", *options, "-od", str(out), "-aec", self.peer.aet], environment)

    def movescu(self, folder: Path, environment: dict[str, str]) -> Cost:
        """DCMTK's C-MOVE to the storage SCP that movescu brings along."""
        (out := folder / "out").mkdir()
        ours = ["-aet", "PACSFLOW", "-aem", "PACSFLOW", "+P", str(self.peer.move_port)]
        return self._each([MOVESCU, "-S", *ours, "-od", str(out), "-aec", self.peer.aet], environment)

    def _each(self, command: list[str], environment: dict[str, str]) -> Cost:
        costs = []
        for study in self.studies[:1] if self.first_only else self.studies:
            keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"]
            costs.append(cost_of([*command, *keys, self.peer.host, str(self.peer.port)], environment))
        return Cost(sum(c.seconds for c in costs), sum(c.cpu for c in costs), max(c.peak_mb for c in costs))

    def project(self, folder: Path, *, method: str, base: str) -> Path:
        """A project that asks for the studies."""
        move_to = {"aet": "PACSFLOW", "port": self.peer.move_port, "host": self.peer.host}
        pacs = {"port": self.peer.port, "called_aet": self.peer.aet, "fetch": {"method": method, "move_to": move_to}}
        rows = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(self.studies)]
        project = write_project(folder / "p", pacs=pacs | {"limits": {"associations": 4}}, rows=rows)
        if base == "none":
            (project / "deid.yaml").write_text(json.dumps({"base": base}))
        return project

    def entrants(self, rounds: int, *, quick: bool) -> Iterator[Entrant]:
        """Ours, then DCMTK's."""
        ours, methods = "ps3.15-basic", ("c-get",) if quick else ("c-get", "c-move")
        for method in methods:
            for lanes in (1, 4):
                yield Entrant(f"{method} {lanes} lanes", self._ours(method, lanes, ours), rounds)
            yield Entrant(f"{method} 1 lanes none", self._ours(method, 1, "none"), rounds)
        if isinstance(self.peer, Orthanc):
            for proof, lanes in (("uid", 1), ("count", 1), ("count", 4)):
                name = f"dicomweb {lanes} lanes" + " by count" * (proof == "count")
                yield Entrant(name, partial(self.web, proof=proof, lanes=lanes), rounds)
            if Path(CURL).exists():
                yield Entrant("curl dicomweb", self.curl, rounds, raw=True)
        yield from self._tuned(rounds, quick=quick)
        first = replace(self, first_only=True)
        yield Entrant("getscu", partial(first.getscu, environment={}), 1, scaled=True)
        if not quick:
            yield Entrant("movescu", partial(first.movescu, environment={}), 1, scaled=True)
            if self.modality == "CT" and isinstance(self.peer, Orthanc):
                yield Entrant("pacsflow run", self.whole_run, rounds)

    def _ours(self, method: str, lanes: int, base: str) -> Callable[[Path], Cost]:
        return partial(self.engine, method=method, lanes=lanes, base=base)

    def _tuned(self, rounds: int, *, quick: bool) -> Iterator[Entrant]:
        """DCMTK told not to wait; of small images both nodes make it wait all the same."""
        scaled = self.modality == "MR"
        them, turns = replace(self, first_only=scaled), 1 if scaled else rounds
        yield Entrant("getscu nodelay", partial(them.getscu, environment=NODELAY), turns, scaled)
        larger = partial(_with_large_pdus, them)
        yield Entrant("getscu nodelay pdu", larger, turns, scaled)
        if not quick:
            yield Entrant("movescu nodelay", partial(them.movescu, environment=NODELAY), turns, scaled)


def _with_large_pdus(them: Fetching, folder: Path) -> Cost:
    return them.getscu(folder, "-pdu", "131072", environment=NODELAY)


def main() -> None:
    """Print the figures."""
    quick = quick_asked(__doc__)
    sets, rounds = (QUICK, 2) if quick else (SETS, 3)
    figures: dict[str, object] = {}
    with scratch() as folder:
        for name in ("orthanc", "dcmqrscp", "prefect"):
            (folder / name).mkdir()
        with Prefect(folder / "prefect") as prefect:
            for kind in (Orthanc,) if quick else (Orthanc, Dcmqrscp):
                for modality, (images, matrix) in sets.items():
                    place = folder / kind.__name__.lower() / modality
                    place.mkdir()
                    with kind(place) as peer:
                        size = load(peer, place / "in", modality, (images, matrix)) / 1e6
                        entrants = Fetching(peer, modality, prefect).entrants(rounds, quick=quick)
                        race = _race(list(entrants), folder / "race", images, least=2 * matrix**2)
                    figures[f"{kind.__name__} {modality}"] = _summary(race, images, size)
        figures["large"] = large_instance(folder / "large", frames=600 if quick else 4000)
    conclude({"bench": "fetch", "quick": quick, **figures}, dcmtk=_dcmtk())


def load(peer: Peer, folder: Path, modality: str, shape: tuple[int, int]) -> int:
    """Have the peer hold the images; bytes of their files."""
    say(f"{shape[0]} {modality} images into {type(peer).__name__}")
    folder.mkdir()
    paths = []
    for number, content in enumerate(ct_study.files(modality, *shape)):
        paths.append(folder / f"{number:05}.dcm")
        paths[-1].write_bytes(content)
    for start in range(0, len(paths), 500):
        peer.load(paths[start : start + 500])
    size = sum(path.stat().st_size for path in paths)
    shutil.rmtree(folder)
    return size


def _race(entrants: list[Entrant], folder: Path, images: int, *, least: int) -> dict[str, dict[str, float]]:
    costs: dict[str, list[Cost]] = {}
    for turn in range(max(one.rounds for one in entrants)):
        for one in (each for each in entrants if turn < each.rounds):
            share = ct_study.STUDIES if one.scaled else 1
            cost = _once(one, folder, images // share, least=least)
            say(f"{one.name}: {cost.seconds:.2f} s{' of one study' * one.scaled}, {cost.peak_mb:.0f} MB")
            cost = replace(cost, seconds=cost.seconds * share, cpu=cost.cpu * share)
            costs.setdefault(one.name, []).append(cost)
    return {
        one.name: middle(costs[one.name]) | ({"scaled": ct_study.STUDIES} if one.scaled else {}) for one in entrants
    }


def _once(entrant: Entrant, folder: Path, images: int, *, least: int) -> Cost:
    """One fetch into an empty folder, which must hold each image afterwards.

    What the former one left to the disk is waited for: most do not wait themselves.
    """
    folder.mkdir()
    os.sync()
    cost = entrant.fetch(folder)
    if entrant.raw and sum(path.stat().st_size for path in folder.iterdir()) < images * least:
        raise RuntimeError("the answers are too short")
    files = [path for path in folder.rglob("*") if path.suffix == ".dcm" or path.name[:3] in ("CT.", "MR.")]
    if not entrant.raw and len({path.name for path in files if path.stat().st_size > least}) != images:
        raise RuntimeError(f"{len(files)} of {images} images came")
    shutil.rmtree(folder)
    return cost


def _summary(race: dict[str, dict[str, float]], images: int, size: float) -> dict[str, object]:
    ours = race["c-get 1 lanes"]["seconds"]
    beside = {name: round(one["seconds"] / ours, 2) for name, one in race.items()}
    return {"images": images, "mb": round(size, 1), "seconds_beside_c-get_1_lane": beside, **race}


def _dcmtk() -> str:
    said = subprocess.run([GETSCU, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2]


if __name__ == "__main__":
    main()
