"""The process in which `deid` runs: headers come in on stdin, cleaned ones go out on stdout, each with its length.

Around `deid`: its cache is left out, it takes plain datasets, its skip list is empty, KEEP is about the attribute that
is named and not all that lies inside, values are not regular expressions, dates are moved by our own code, and what it
prints goes nowhere.
"""

import json
import logging
import os
import re
import struct
import sys
import warnings
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any, BinaryIO, Final

import deid.dicom.fields as deid_fields
import deid.dicom.parser as deid_parser
from deid.config import DeidRecipe
from deid.logger import bot
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ImplicitVRLittleEndian

from pacsflow.deid.rules.dates import shifted
from pacsflow.system import EndInTime, limit_memory

_MEMORY: Final = 4 << 30
_SHORT: Final = 4
"""Values below this length are only found as words of their own: a patient may be called 1."""
_LENGTH: Final = struct.Struct("<cI")
_SKIPPED: Final[dict[str, Any]] = {"get": {"skip": []}, "put": {"actions": []}}


class _Parser(deid_parser.DicomParser):  # type: ignore[misc]  # deid has no types
    """`deid`'s parser without its faults."""

    kept: tuple[str, ...] = ()

    @property
    def keep(self) -> list[str]:
        """Nothing is hidden from the walk; what is kept is taken out afterwards."""
        return []

    def get_fields(self, expand_sequences: bool = True) -> Any:
        """All elements but those that are kept, each by its place."""
        fresh = not self.fields
        fields = super().get_fields(expand_sequences=expand_sequences)
        for expression in self.kept if fresh else ():
            for uid in list(deid_parser.expand_field_expression(expression, self.dicom, fields)):
                fields.remove(uid)
        return fields

    @property
    def fields_by_name(self) -> bool:
        """What `deid` asks for and no longer has."""
        return True

    def find_by_values(self, values: list[Any]) -> dict[str, Any]:
        """Elements that hold one of the values, taken literally; the pixel data's description is not looked at."""
        wanted = [_literally(str(value)) for value in values if str(value).strip()]
        if not wanted:
            return {}
        pattern = f"({'|'.join(wanted)})"
        return {
            uid: each
            for uid, each in self.fields.items()
            if not _structural(each.element) and each.value_contains(pattern)
        }


def _literally(value: str) -> str:
    text = re.escape(value.strip())
    return text if len(value.strip()) >= _SHORT else rf"(?<![^\W_]){text}(?![^\W_])"


def _structural(element: Any) -> bool:
    """Sequences, whose text is that of all inside, numbers, and UIDs that no instance can be without."""
    return element.VR in {"SQ", "US", "SS", "UL", "SL", "FL", "FD", "AT", "IS", "DS"} or int(element.tag) in {
        0x00080005,  # SpecificCharacterSet
        0x00080016,  # SOPClassUID
        0x00080018,  # SOPInstanceUID
        0x0020000D,  # StudyInstanceUID
        0x0020000E,  # SeriesInstanceUID
    }


def _jittered(field: Any, value: Any) -> str:
    """A date moved by our own code."""
    values = field.element.value
    several = values if hasattr(values, "__iter__") and not isinstance(values, str) else [values]
    if field.element.VR not in ("DA", "DT"):
        return "\\".join(map(str, several))
    text = "\\".join(str(each) for each in several)
    return shifted(field.element.VR, text.encode("ascii", "replace"), int(value)).decode() or " "


def repair() -> None:
    """Have `deid` without its cache, and with our own dates. For the life of this process."""
    inner = deid_fields._get_fields_inner  # noqa: SLF001 - the fault is there
    deid_fields._get_fields_inner = getattr(inner, "__wrapped__", inner)  # noqa: SLF001
    deid_parser.jitter_timestamp = _jittered
    bot.level = -5


def run_recipe(dataset: Dataset, job: SimpleNamespace, functions: dict[str, Callable[..., Any]]) -> Dataset:
    """The dataset after the job's lines, changed in place."""
    recipe = DeidRecipe({"format": "dicom", "header": job.header, "values": job.values, "fields": job.fields})
    parser = _Parser(dataset, recipe=recipe)
    parser.config = _SKIPPED
    parser.kept = tuple(job.keep)
    parser._excluded_fields = list(job.exempt)  # noqa: SLF001 - lines that run elsewhere protect here too
    for name, function in functions.items():
        parser.define(name, function)
    parser.parse()
    bot.history = []
    return dataset


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's function whose None is an empty value: `deid` would leave the old one."""

    def call(**given: Any) -> Any:
        answer = function(**given)
        return "" if answer is None else answer

    return call


_REFUSED: Final = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.system",
    "os.startfile",
    "ctypes.",
)


def _confined(event: str, _: tuple[Any, ...]) -> None:
    """Functions reach for nothing outside, also where the kernel confines no process, or not by UDP."""
    if event.startswith(_REFUSED):
        raise PermissionError(event)


def _functions(job: SimpleNamespace) -> dict[str, Callable[..., Any]]:
    names: dict[str, Any] = {"__name__": "recipe_functions"}
    if job.code:
        sys.addaudithook(_confined)
        exec(compile(job.code, "functions", "exec"), names)  # noqa: S102 - the user's own file, named in deid.yaml
    return {name: _guarded(names[name]) for name in job.functions or ()}


def _cleaned(part10: bytes, job: SimpleNamespace, functions: dict[str, Callable[..., Any]]) -> bytes:
    dataset = dcmread(BytesIO(part10))
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.file_meta = FileMetaDataset()
    run_recipe(dataset, job, functions)
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
    write_dataset(written, dataset)
    return written.getvalue()


def serve(source: BinaryIO, sink: BinaryIO, seconds: int) -> None:
    """Answer until nothing more comes. The first message is the job, the others are instances."""
    job, functions = SimpleNamespace(), {}
    first, clock = True, EndInTime()
    while head := source.read(_LENGTH.size):
        message = source.read(_LENGTH.unpack(head)[1])
        if not first:
            clock.begin(seconds)
        try:
            if first:
                job = SimpleNamespace(**json.loads(message))
                functions, answer, first = _functions(job), b"", False
            else:
                answer = _cleaned(message, job, functions)
            kind = b"+"
        except BaseException as error:  # noqa: BLE001 - a function may raise anything, deid ends the process
            kind, answer = b"-", f"it failed with {type(error).__name__}".encode("ascii", "replace")
        clock.over()
        sink.write(_LENGTH.pack(kind, len(answer)) + answer)
        sink.flush()


def main() -> None:
    """Keep stdout for answers: what `deid` and functions print goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    limit_memory(_MEMORY)
    repair()
    serve(sys.stdin.buffer, answers, int(sys.argv[1]))


if __name__ == "__main__":
    main()
