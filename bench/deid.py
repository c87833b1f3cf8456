"""De-identification beside a byte copy, pydicom and other tools, in one run on one core.

python -m bench.deid [--quick]

Each tool reads every file of a set and writes it again. The rounds of all tools are interleaved and the best counts, by
the clock and in processor time, so that other work on the machine strikes them alike. Verification is on in our figure.
The last line is JSON: files/s and MB/s per set and tool, ratios, versions. dicognito and dicom-anonymizer take part
where they are installed.
"""

import argparse
import gc
import json
import logging
import os
import platform
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
from pydicom import Dataset, FileMetaDataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage, ExplicitVRLittleEndian

from pacsflow.deid import compile_profile, read_part10
from pacsflow.deid.compile_rules import table
from pacsflow.deid.encoding.dictionary import VR_OF
from schemas.deid import DeidProfile

Tool = Callable[[Path, Path], None]


def copy(source: Path, target: Path) -> None:
    """The limit: the bytes as they are."""
    target.write_bytes(source.read_bytes())


def pydicom_unchanged(source: Path, target: Path) -> None:
    """Read and written by pydicom, no element touched."""
    dcmread(source).save_as(target)


def ours(profile: DeidProfile) -> Tool:
    """pacsflow, verification on, written with os.writev."""
    cleaner = compile_profile(profile, bytes(range(32)))

    def run(source: Path, target: Path) -> None:
        parts = cleaner.clean(read_part10(source)).parts
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.writev(handle, parts)
        finally:
            os.close(handle)

    return run


def recipe(path: Path) -> Path:
    """Table E.1-1 as a recipe in deid's language."""
    verbs = {"X": "REMOVE {}", "Z": "BLANK {}", "D": "REPLACE {} ANON", "U": "REPLACE {} func:uid"}
    lines = ["FORMAT dicom", "%header"]
    for tag, rule in table()["rules"].items():
        letter = rule.split(" ")[0].rstrip("*")[-1]
        if tag.isalnum() and "x" not in tag and tag != "PRIVATE":
            sequence = VR_OF.get(int(tag, 16)) == "SQ"
            lines.append(verbs["X" if sequence else letter].format(f"({tag[:4]},{tag[4:]})".lower()))
    path.write_text("\n".join(lines) + "\n")
    return path


def deid(folder: Path) -> Tool:
    """The table as a recipe of deid."""
    from deid.config import DeidRecipe
    from deid.dicom.parser import DicomParser

    rules = DeidRecipe(str(recipe(folder / "deid.dicom")))

    def run(source: Path, target: Path) -> None:
        parser = DicomParser(dcmread(source), recipe=rules)
        parser.define("uid", lambda item, value, field, dicom: "2.25.1")  # noqa: ARG005
        parser.parse(remove_private=True)
        parser.dicom.save_as(target)

    return run


def dicognito() -> Tool:
    """Dicognito as it comes."""
    from dicognito.anonymizer import Anonymizer

    anonymizer = Anonymizer(seed="bench")

    def run(source: Path, target: Path) -> None:
        dataset = dcmread(source)
        anonymizer.anonymize(dataset)
        dataset.save_as(target)

    return run


def dicom_anonymizer() -> Tool:
    """Dicom-anonymizer as it comes."""
    from dicomanonymizer import anonymize_dataset

    def run(source: Path, target: Path) -> None:
        dataset = dcmread(source)
        anonymize_dataset(dataset)
        dataset.save_as(target)

    return run


def write(dataset: Dataset, path: Path) -> None:
    """A Part 10 file."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


def small(folder: Path, count: int) -> None:
    """CT_small and MR_small of pydicom, in turn: headers of 262 and 73 elements."""
    for number in range(count):
        dataset = dcmread(get_testdata_file(("CT_small.dcm", "MR_small.dcm")[number % 2]))
        dataset.SOPInstanceUID = f"1.3.6.1.4.1.9999.1.{number}"
        write(dataset, folder / f"{number:04}.dcm")


def ct512(folder: Path, count: int) -> None:
    """CT slices of 512 x 512, 16 bit, with the header of CT_small and sequences."""
    pixels = np.random.default_rng(1).integers(0, 4096, (512, 512), dtype=np.uint16).tobytes()
    for number in range(count):
        dataset = dcmread(get_testdata_file("CT_small.dcm"))
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"1.3.6.1.4.1.9999.2.{number}"
        dataset.Rows = dataset.Columns = 512
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = CTImageStorage, "1.3.6.1.4.1.9999.3"
        dataset.ReferencedImageSequence = Sequence([reference])
        dataset.PixelData = pixels
        write(dataset, folder / f"{number:04}.dcm")


def headers(folder: Path, count: int) -> None:
    """Reports without pixels: 525 elements, sequences five deep."""
    for number in range(count):
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = ComprehensiveSRStorage, f"1.3.6.1.4.1.9999.4.{number}"
        dataset.PatientName, dataset.PatientID, dataset.Modality = "Quistgaard^Thorbjorn", "PID-774411", "SR"
        dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.3.6.1.4.1.9999.5"
        dataset.ContentSequence = Sequence([content(level % 5) for level in range(34)])
        write(dataset, folder / f"{number:04}.dcm")


def content(depth: int) -> Dataset:
    """A content item with `depth` levels below it."""
    dataset, concept = Dataset(), Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = "121071", "DCM", "Finding"
    dataset.ValueType, dataset.ConceptNameCodeSequence, dataset.TextValue = "TEXT", Sequence([concept]), "nodule"
    if depth:
        dataset.ContentSequence = Sequence([content(depth - 1)])
    return dataset


SETS = {"small": (small, 300, 30), "ct512": (ct512, 40, 10), "headers": (headers, 60, 10)}


def tools(folder: Path) -> dict[str, Tool]:
    """Every tool that is installed."""
    profile = DeidProfile.model_validate({"key": "${env:KEY}", "options": ["retain-longitudinal-modified-dates"]})
    found: dict[str, Tool] = {
        "copy": copy,
        "pacsflow": ours(profile),
        "pydicom": pydicom_unchanged,
        "deid": deid(folder),
    }
    for name, make in {"dicognito": dicognito, "dicom-anonymizer": dicom_anonymizer}.items():
        try:
            found[name] = make()
        except ImportError:
            print(f"{name}: not installed")
    return found


def seconds(tool: Tool, files: list[Path], folder: Path) -> tuple[float, float]:
    """Seconds to put all files through a tool: by the clock, and of the processor."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    gc.collect()
    started, used = time.perf_counter(), time.process_time()
    for file in files:
        tool(file, folder / file.name)
    return time.perf_counter() - started, time.process_time() - used


def measured(place: Path, *, quick: bool) -> dict[str, dict[str, dict[str, float]]]:
    """Files/s and MB/s per set and tool."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    found = tools(place)
    for name, (make, many, few) in SETS.items():
        folder = place / name
        folder.mkdir()
        make(folder, few if quick else many)
        files = sorted(folder.iterdir())
        megabytes = sum(file.stat().st_size for file in files) / 1e6
        best: dict[str, tuple[float, float]] = {}
        running = dict(found)
        for _ in range(2 if quick else 5):
            for tool, run in list(running.items()):
                try:
                    took = seconds(run, files, place / "out")
                    best[tool] = tuple(map(min, took, best.get(tool, took)))
                except Exception as error:  # noqa: BLE001 - whatever another tool raises, it is out of this set
                    print(f"{name:8} {tool:17} failed: {type(error).__name__}")
                    del running[tool]
        figures[name] = {
            tool: {
                "files/s": round(len(files) / clock, 1),
                "MB/s": round(megabytes / clock, 1),
                "files/s of processor time": round(len(files) / used, 1),
            }
            for tool, (clock, used) in best.items()
        }
        for tool, figure in figures[name].items():
            clock, used = figure["files/s"], figure["files/s of processor time"]
            print(
                f"{name:8} {tool:17} {clock:>9.1f} files/s {figure['MB/s']:>8.1f} MB/s {used:>9.1f} of processor time"
            )
    return figures


def _ratios(figures: dict[str, dict[str, dict[str, float]]], unit: str) -> dict[str, dict[str, float]]:
    """How many times as fast pacsflow is, per set and other tool."""
    return {
        name: {tool: round(found["pacsflow"][unit] / found[tool][unit], 2) for tool in found if tool != "pacsflow"}
        for name, found in figures.items()
    }


def main() -> None:
    """Measures, prints a table, ends with one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="few files, two rounds")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    memory = Path("/dev/shm")  # in memory, where there is one
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        figures = measured(Path(folder), quick=quick)
    ratios, of_processor = (_ratios(figures, unit) for unit in ("files/s", "files/s of processor time"))
    packages = ("pydicom", "deid", "dicognito", "dicom-anonymizer")
    installed = {dist.metadata["Name"].lower().replace("_", "-") for dist in metadata.distributions()}
    versions = {name: metadata.version(name) for name in packages if name in installed}
    versions["python"] = platform.python_version()
    against = {"pacsflow against": ratios, "pacsflow against, processor time": of_processor}
    json.dump({"figures": figures, **against, "versions": versions}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
