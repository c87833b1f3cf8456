"""Packages that only some projects need: which extra of pacsflow brings each, told where one is missing."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

EXTRAS: Final[Mapping[str, str]] = {
    "SimpleITK": "pixels",
    "authlib": "console",
    "nicegui": "console",
    "psycopg": "postgresql",
    "jpeg_ls": "pixels",
    "onnxruntime": "pixels",
    "py7zr": "archives",
    "pyarrow": "parquet",
    "pydeface": "pixels",
    "pyzipper": "archives",
    "rapidocr": "pixels",
    "s3fs": "s3",
}
"""Package -> the extra of pyproject.toml that brings it."""


def missing(package: str) -> tuple[str, str] | None:
    """What is missing and what to do; None where the package is installed, and where none is needed ('')."""
    if not package or find_spec(package) is not None:
        return None
    return f"needs {package}, which is not installed", install(package)


def install(package: str) -> str:
    """What to do about a missing package; one that is in no extra is installed by itself."""
    return f"pip install 'pacsflow[{EXTRAS[package]}]'" if package in EXTRAS else f"pip install {package}"
