"""What a row costs: `pacsflow run` for a small and a large project on the simulator, and again with nothing to do.

Each row finds one study of one series by its accession number, fetches it by C-GET, de-identifies, verifies and
delivers it to a folder. The Prefect server runs already, on loopback; `prefect` says what it took per row. The small
project has a task run per row, the large one is worked off in chunks.
"""

import time
from pathlib import Path
from typing import Any

from bench.measure import BIN, Cost, conclude, cost_of, quick_asked, say, scratch
from bench.prefect_cost import ServerCost, cost_so_far
from pacsflow.simpacs import phantom_archive, serve
from peers.prefect import Prefect
from project_folder import write_project

IMAGES, MATRIX = 2, 16
SECONDS_TO_SETTLE = 6.0


def main() -> None:
    """Print the figures."""
    quick = quick_asked(__doc__)
    sizes = (50, 200) if quick else (1_000, 10_000)
    with scratch() as folder:
        (folder / "prefect").mkdir()
        with Prefect(folder / "prefect") as prefect:
            _project(prefect, folder / "warm-up", 2, finest=sizes[0])
            projects = [_project(prefect, folder / str(size), size, finest=sizes[0]) for size in sizes]
    small, large = projects
    extra = sizes[1] - sizes[0]
    further = (large["seconds"] - small["seconds"]) / extra
    ratios = {
        "seconds_per_row": round(large["seconds_per_row"] / small["seconds_per_row"], 3),
        "work_per_row": round(large["work_per_row"] / small["work_per_row"], 3),
        "cpu_per_row": round(large["cpu_work_per_row"] / small["cpu_work_per_row"], 3),
    }
    more = {"seconds_per_further_row": round(further, 4), "mb_per_1000_further_rows": round(
        (large["peak_mb"] - small["peak_mb"]) / extra * 1000, 1
    )}  # fmt: skip
    conclude({"bench": "rows", "quick": quick, "small": small, "large": large, **more, "ratios": ratios})


def _project(prefect: Prefect, folder: Path, size: int, *, finest: int) -> dict[str, Any]:
    """A project of `size` rows: run, and run again. `work` is what the second run, which finds nothing, leaves out."""
    archive = phantom_archive(size, matrix=MATRIX, images=IMAGES)
    rows = [
        {"id": f"r{number}", "AccessionNumber": study.attributes["AccessionNumber"]}
        for number, study in enumerate(archive.studies.values())
    ]
    with serve(archive) as pacs:
        node = {"port": pacs.port, "called_aet": pacs.aet, "fetch": {"method": "c-get"}}
        grain = {"task_run_per_row_up_to": finest}
        project = write_project(folder / f"rows{size}", pacs=node, rows=rows, export={"nifti": []}, project=grain)
        before = cost_so_far(prefect)
        first = _run(prefect, project)
        say(f"{size} rows: {first.seconds:.1f} s, {first.peak_mb:.0f} MB")
        delivered = len({p.name for p in (folder / "data" / "out").rglob("*.dcm")})
        asked = _asked(pacs.counts)
        if delivered != size * IMAGES:
            raise RuntimeError(f"{delivered} of {size * IMAGES} images were delivered")
        prefect_took = _settled(prefect).per_row(before, size)
        say(f"prefect: {prefect_took}")
        again = _run(prefect, project)
        say(f"again: {again.seconds:.1f} s, {again.peak_mb:.0f} MB")
        asked_again = _asked(pacs.counts) - asked
        if asked_again:
            raise RuntimeError(f"a second run of a finished project asked the PACS for images: {asked_again} times")
    return {
        "rows": size,
        "seconds": round(first.seconds, 2),
        "seconds_per_row": round(first.seconds / size, 4),
        "work_per_row": round((first.seconds - again.seconds) / size, 4),
        "cpu_work_per_row": round((first.cpu - again.cpu) / size, 4),
        "peak_mb": round(first.peak_mb, 1),
        "again_seconds": round(again.seconds, 2),
        "again_peak_mb": round(again.peak_mb, 1),
        "again_gets_and_moves": asked_again,
        "prefect": prefect_took,
    }


def _settled(prefect: Prefect) -> ServerCost:
    """What the server took once it has written down all that it was told."""
    known = cost_so_far(prefect)
    while True:
        time.sleep(SECONDS_TO_SETTLE)
        now = cost_so_far(prefect)
        if (now.task_runs, now.tables["events"]) == (known.task_runs, known.tables["events"]):
            return now
        known = now


def _asked(counts: dict[str, int]) -> int:
    """Retrievals the simulator was asked for."""
    return counts["gets"] + counts["moves"]


def _run(prefect: Prefect, project: Path) -> Cost:
    environment = {**prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
    return cost_of([str(BIN / "pacsflow"), "run", str(project)], environment)


if __name__ == "__main__":
    main()
