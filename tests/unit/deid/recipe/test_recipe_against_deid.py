"""The compiled table beside `deid` itself: what one does with an element the other does, or the difference is listed.

`deid` runs here as it does in the worker's process: without its cache, its skip list and its dates. Each attribute that
`deid` changes or that has a rule of ours is compared, at all depths; what the recipe says nothing about is the profile's.
"""

import logging
import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import deid
import pytest
from pydicom import Dataset, config, dcmread
from pydicom.data import get_testdata_files
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence

from pacsflow.deid import read_part10
from pacsflow.deid.encoding.dictionary import PRIVATE, VR_OF
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.recipe import compile_recipe
from pacsflow.deid.recipe.fields import attribute
from pacsflow.deid.recipe.parse import parse
from pacsflow.deid.recipe.steps import MARKS, NEEDED
from pacsflow.deid.rules.actions import Keep
from pacsflow.errors import RefusalError
from schemas.deid import DeidProfile
from unit.deid.instances import NAME, PATIENT_ID, cleaner, ct, encoded, read
from unit.deid.recipes import Recipes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deid imports what pydicom is about to drop
    import deid.dicom.fields as deid_fields
    import deid.dicom.parser as deid_parser

    from pacsflow.deid.recipe import worker_process

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),  # pydicom on the faults of its own test files
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
DATA = Path(__file__).resolve().parents[4].parent / "shared" / "data"
LARGEST = 200_000
MOST = 25
"""Files of each collection."""
RECIPES = {
    "shipped": (Path(deid.__file__).parent / "data" / "deid.dicom").read_text("utf-8"),
    "exact": "FORMAT dicom\n%header\nREPLACE PatientID NEW\nBLANK PatientSex\nREMOVE (0008,0080)\nKEEP StudyDescription\n"
    "ADD InstitutionName SITE\nREPLACE Manufacturer MAKER\nJITTER StudyDate -31\nREMOVE StudyDate\nADD PatientComments none\n"
    "BLANK ReferencedSOPInstanceUID\nREPLACE CodeMeaning meaning\nKEEP (0018,0050)\nREMOVE 00180060\n",
    "classes": "FORMAT dicom\n%fields notes\nFIELD contains:Comment\nFIELD startswith:Protocol\n%header\n"
    "JITTER endswith:Date 5\nREMOVE select:VR:PN\nBLANK select:GROUP:0032\nREMOVE fields:notes\nREPLACE contains:Serial SN\n"
    "BLANK startswith:Acquisition\nKEEP startswith:Series\nREMOVE contains:Time$\nREMOVE contains:^60..(3000|4000)\n",
    "nothing but": "FORMAT dicom\n%header\nREMOVE ALL\nKEEP select:GROUP:0028\nKEEP Modality\nREPLACE PatientID X\nJITTER StudyDate 1\n",
    "but these": "FORMAT dicom\n%header\nREMOVE except:Study|Series|Image|SOP|Rows|Columns|Bits|Pixel|0028\nADD StudyID 7\n",
    "in order": "FORMAT dicom\n%header\nREPLACE StudyDescription A\nBLANK StudyDescription\nBLANK SeriesDescription\n"
    "REPLACE SeriesDescription B\nBLANK StudyID\nREMOVE StudyID\nREMOVE StationName\nADD StationName S\nADD KVP 100\nREMOVE KVP\n"
    "REPLACE StudyDate 20200101\nJITTER StudyDate 2\nBLANK ContentDate\nJITTER ContentDate 2\n",
}


@dataclass(frozen=True)
class Case:
    """An element in the original, after `deid`, and as ours; None where it is absent."""

    tag: int
    depth: int
    rule: object
    original: object
    theirs: object
    ours: object
    around: bool
    """Whether an expression of the recipe finds something in the names of the sequences around."""

    @property
    def kept(self):
        return self.rule is not None and isinstance(self.rule.action, Keep)


EXPLAINED = {
    "variables are pacsflow's own, deid has none here": lambda c: (
        c.rule is not None and (c.rule.line.value or "").startswith("var:")
    ),
    "the marking says what was really done": lambda c: c.tag in MARKS,
    "what an instance cannot be read without is left alone by lines for many": lambda c: (
        c.rule is None and (c.tag in NEEDED or c.tag == 0x00080005 or c.tag >> 16 == 0x7FE0 or c.tag >> 8 == 0x002812)
    ),
    "private elements, and attributes that PS3.6 does not know, go": lambda c: (
        c.ours is None and (bool(c.tag & PRIVATE) or (c.tag not in VR_OF and not c.kept))
    ),
    "deid looks for words in the names of the sequences around an attribute": lambda c: (
        c.around and not (c.rule and c.rule.exact)
    ),
    "the VR of PS3.6 counts, not that of the file": lambda c: (
        c.tag in VR_OF and c.original is not None and str(c.original.VR) != VR_OF[c.tag]
    ),
    "a value that its attribute cannot hold is no replacement: emptied": lambda c: (
        c.rule is not None and c.rule.line.action == "REPLACE" and not c.rule.exact and text(c.ours) == ""
    ),
    "what is kept is verified all the same": lambda c: c.kept and c.theirs is not None and text(c.ours) in (None, ""),
    "ages over 89 and inner datasets of kept elements are cleaned": lambda c: (
        c.kept and str(c.original.VR) in ("AS", "UN")
    ),
}


def text(elem):
    """A value as both would write it; None where there is none."""
    if elem is None:
        return None
    if elem.value is None or elem.VR == "SQ":
        return "" if elem.value is None or not len(elem.value) else "items"
    if isinstance(elem.value, bytes):
        return elem.value.rstrip(b"\0 ")
    return "\\".join(map(str, elem.value)) if elem.VM > 1 else str(elem.value).strip()


def compared(old, theirs, ours, recipe, within=()):
    """All cases of a dataset and what lies in its sequences, where they stand on both sides."""
    for tag in sorted({int(each) for each in (*old.keys(), *theirs.keys(), *ours.keys())}):
        before, them, us = (each.get(tag) for each in (old, theirs, ours))
        rule = (recipe.table.get(tag) if tag in VR_OF else recipe.unlisted(tag)) if not tag & PRIVATE else None
        rule = rule if within else recipe.added.get(tag, rule)
        if rule is not None or text(before) != text(them):
            around = any(expression.search("__".join((*within, ""))) for expression in expressions(recipe))
            yield Case(tag, len(within), rule, before, them, us, around)
        if before is not None and before.VR == "SQ" and them is not None and us is not None and us.VR == "SQ":
            items = [each.value or [] for each in (before, them, us)]
            if len({len(each) for each in items}) == 1:
                for one, other, third in zip(*items, strict=True):
                    yield from compared(one, other, third, recipe, (*within, before.keyword))


def expressions(recipe):
    """What classes of attributes are told by."""
    found = [step.line.field.partition(":")[2] for step in recipe.steps if not step.field.exact]
    return [re.compile(expression, re.IGNORECASE) for expression in found if expression]


def same(case):
    if case.kept and case.original is not None and case.original.VR == "SQ":
        return (case.theirs is None) == (case.ours is None)
    return text(case.theirs) == text(case.ours) or not (text(case.theirs) or case.ours is not None)


def by_deid(ds, recipe, text_of_recipe):
    """What `deid` makes of the dataset."""
    ds = dcmread(BytesIO(ds), stop_before_pixels=True)
    ds.file_meta = FileMetaDataset()
    header = [
        {"action": s.line.action, "field": s.line.field} | ({"value": s.line.value} if s.line.value else {})
        for s in recipe.steps
    ]
    job = SimpleNamespace(
        header=[line for line in header if not line.get("value", "").startswith("var:")],
        keep=[line["field"] for line in header if line["action"] == "KEEP"],
        exempt=[line["field"] for line in header if line["action"] in ("JITTER", "REPLACE")],
        values={},
        fields=lists(text_of_recipe),
    )
    return worker_process.run_recipe(ds, job, {})


def lists(text_of_recipe):
    fields = parse(text_of_recipe, "a").fields
    return {name: [{"action": line.action, "field": line.field} for line in lines] for name, lines in fields.items()}


def generated():
    """A header with most kinds of elements, private ones and sequences three deep."""
    ds = ct(KVP="120", StationName="CT-7", SeriesDescription="lung", PatientComments="none", DeviceSerialNumber="77")
    ds.SliceThickness, ds.AcquisitionDateTime, ds.ProtocolName = "5", "20150512101112", "thorax"
    ds.private_block(0x0029, "ACME", create=True).add_new(1, "LO", f"of {PATIENT_ID}")
    ds.add_new(0x60003000, "OW", b"overlay.")
    level = ds
    for depth in range(3):
        item = Dataset()
        item.PatientName, item.PatientID, item.StudyDate, item.StudyTime = NAME, PATIENT_ID, "20150512", "101112"
        item.CodeMeaning, item.ReferencedSOPInstanceUID, item.KVP = "old meaning", f"1.2.3.{depth}", "90"
        item.StudyDescription, item.SeriesDescription, item.Manufacturer = "inner", "inner", "ACME"
        item.private_block(0x0029, "ACME", create=True).add_new(2, "LO", "inner")
        level.ReferencedImageSequence = Sequence([item])
        level.VOILUTSequence = Sequence([item])
        level = item
    return ds


@pytest.fixture(scope="module")
def corpus():
    places = [sorted(map(Path, get_testdata_files())), sorted(DATA.rglob("*"))]
    sources = {"generated": encoded(generated())}
    for place in places:
        files = [path for path in place if path.is_file() and path.stat().st_size < LARGEST]
        for path in files[:: max(1, len(files) // MOST)]:
            try:
                sources[str(path)] = read_part10(path)
            except RefusalError:
                continue
    return sources


@pytest.fixture
def repaired(monkeypatch):
    monkeypatch.setattr(deid_fields, "_get_fields_inner", deid_fields._get_fields_inner)
    monkeypatch.setattr(deid_parser, "jitter_timestamp", deid_parser.jitter_timestamp)
    monkeypatch.setattr(deid_parser.bot, "level", deid_parser.bot.level)
    monkeypatch.setattr(config.logger, "propagate", False)
    monkeypatch.setattr(config.logger, "disabled", True)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    worker_process.repair()


@pytest.mark.parametrize("name", RECIPES)
def test_each_difference_is_explained(name, corpus, repaired, tmp_path):
    profile = Recipes(tmp_path).profile(RECIPES[name], whole=True) | {
        "key": "${env:KEY}",
        "pixels": {"burned_in": "keep"},
    }
    recipe, subject = compile_recipe(DeidProfile.model_validate(profile)), cleaner(**profile)
    cases, files, unexplained = 0, 0, []
    for place, source in corpus.items():
        try:
            ours = read(subject.clean(source))
            head = whole_file(source)
            theirs, old = by_deid(head, recipe, RECIPES[name]), dcmread(BytesIO(head), stop_before_pixels=True)
        except Exception:  # noqa: BLE001 - refused by us, or more than deid can take
            continue
        files += 1
        for case in compared(old, theirs, ours, recipe):
            cases += 1
            if same(case):
                continue
            why = next((why for why, holds in EXPLAINED.items() if holds(case)), None)
            if why is None:
                said = attribute(case.tag)
                unexplained.append(
                    (
                        Path(place).name,
                        said.keyword if said else hex(case.tag),
                        case.depth,
                        text(case.theirs),
                        text(case.ours),
                        str(case.rule.line) if case.rule else None,
                    )
                )
    assert not unexplained[:20]
    assert cases > 100
    assert files > 15


def whole_file(source):
    return file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid) + bytes(source.dataset)
