"""The wheel of this checkout, in an environment of its own."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from documents import ROOT
from pacsflow import __version__


def installed_wheel(folder: Path) -> Path:
    """Build the wheel and install it below `folder`; its dependencies are those of the tests. Where its programs are."""
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    [wheel] = (folder / "dist").glob("*.whl")
    assert wheel.name.startswith(f"pacsflow-{__version__}-")
    venv.create(folder / "venv", symlinks=True)
    [site] = (folder / "venv" / "lib").glob("python*/site-packages")
    # a folder named in a .pth file is searched, but its own .pth files are not read: the editable install stays out
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    programs = folder / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    return programs
