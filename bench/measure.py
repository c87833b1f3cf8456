"""What all measurements share: a program's cost, medians, and the line they end with."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import platformdirs

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
"""The peers of the tests, real servers on free loopback ports, are those of the measurements."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("PYTHONPYCACHEPREFIX", str(platformdirs.user_cache_path("pacsflow") / "bench-bytecode"))
"""Programs are measured with their byte code at hand, as an installation has it, whatever the shell says."""

BIN = Path(sys.executable).parent
PACKAGES = ("pacsflow", "prefect", "pynetdicom", "pydicom", "SQLAlchemy")


@dataclass(frozen=True)
class Cost:
    """What a program took: wall clock and processor time in seconds, peak resident memory in MB, what it printed."""

    seconds: float
    cpu: float
    peak_mb: float
    output: str = ""


def cost_of(argv: list[str], environment: Mapping[str, str] | None = None, *, expect: int = 0) -> Cost:
    """Run a program (its full path first) to its end. Raises RuntimeError at another exit code than expected."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        child = [sys.executable, "-I", "-S", str(ROOT / "bench" / "child.py"), result.name, *argv]
        env = {**os.environ, **(environment or {})}
        done = subprocess.run(child, env=env, text=True, capture_output=True, check=True)
        facts = json.load(result)
    if facts.pop("code") != expect:
        raise RuntimeError(f"{argv[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Cost(**facts, output=done.stdout)


def middle(costs: Iterable[Cost]) -> dict[str, float]:
    """Medians of several runs of the same thing."""
    runs = list(costs)
    return {
        "seconds": round(median(c.seconds for c in runs), 3),
        "cpu_seconds": round(median(c.cpu for c in runs), 2),
        "peak_mb": round(median(c.peak_mb for c in runs), 1),
        "runs": len(runs),
    }


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one measurement, below TMPDIR, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pacsflow-bench-") as folder:
        yield Path(folder)


def say(text: str) -> None:
    """Progress, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def conclude(figures: Mapping[str, Any], **others: str) -> None:
    """The one line of JSON that a measurement ends with: figures, ratios, versions."""
    versions = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}, **others}
    machine = {"processors": os.cpu_count(), "kernel": platform.release()}
    print(json.dumps({**figures, "machine": machine, "versions": versions}))


def quick_asked(about: str | None) -> bool:
    """Whether `--quick` was given."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="smaller, under a minute")
    return bool(parser.parse_args().quick)
