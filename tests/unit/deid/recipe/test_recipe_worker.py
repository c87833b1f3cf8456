"""Lines that run in `deid` itself: what they do, and that a process that fails costs its instance and nothing else."""

import os
import signal
import threading
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from pacsflow.deid.recipe import worker
from pacsflow.deid.recipe.worker import Job, Workers
from pacsflow.errors import RefusalError
from unit.deid.instances import NAME, PATIENT_ID, cleaned, cleaner, ct, encoded, read, whole
from unit.deid.recipes import Recipes

FUNCTIONS = """
import os, sys, time

print("a function's file is read")
here = {}

def shout(item, value, field, dicom):
    print(dicom.PatientName)
    return str(field.element.value).upper()

def nothing(item, value, field, dicom):
    return None

def ct_only(item, value, field, dicom):
    return dicom.Modality == "CT"

def secrets(item, value, field, dicom):
    return " ".join(sorted(name for name in os.environ if "KEY" in name)) or "none"

def sees(item, value, field, dicom):
    return "pixels" if "PixelData" in dicom else "no pixels"

def process(item, value, field, dicom):
    return str(os.getpid())

def by_comments(item, value, field, dicom):
    what = dicom.ImageComments
    if what == "fail":
        raise ValueError(dicom.PatientName)
    if what == "crash":
        os._exit(3)
    if what == "hang":
        time.sleep(600)
    if what == "exit":
        sys.exit("at once")
    if what == "memory":
        return "x" * (5 << 30)
    return "fine"
"""
VALUES = '%values own\nFIELD PatientID\nSPLIT PatientName by="^";minlength=4\n%header\n'


@pytest.fixture(scope="module")
def recipes(tmp_path_factory):
    return Recipes(tmp_path_factory.mktemp("recipes"))


@pytest.fixture
def done(recipes):
    return lambda text, ds=None, **more: cleaned(ds or ct(), **recipes.profile(text, functions=FUNCTIONS, **more))


def test_functions_of_ones_own_and_conditions(done, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret")
    ds, item = ct(ProtocolName="thorax", StationName="kept", FilterType="flat", SequenceName="s"), Dataset()
    item.ProtocolName = "inside"
    ds.ReferencedImageSequence = Sequence([item])
    result = done(
        "REPLACE ProtocolName func:shout\nREPLACE StationName func:nothing\nREMOVE FilterType func:ct_only\n"
        "REPLACE StudyDescription func:secrets\nREPLACE SequenceName func:sees\nADD ImageComments func:process",
        ds,
    )
    assert result.ProtocolName == "THORAX"
    assert result.ReferencedImageSequence[0].ProtocolName == "INSIDE"
    assert not result.StationName
    assert "FilterType" not in result
    assert result.StudyDescription == "none"
    assert result.SequenceName == "no pixels"
    assert int(result.ImageComments) != os.getpid()
    assert result.PixelData == ds.PixelData
    assert not result.DeidentificationMethodCodeSequence


def test_values_are_found_wherever_they_stand_and_as_they_are(done):
    first, second = NAME.split("^")
    ds, item = ct(FilterType=f"of {PATIENT_ID}", KVP="120", ScanOptions="A"), Dataset()
    item.ConvolutionKernel = second.upper()
    ds.ReferencedImageSequence = Sequence([item])
    result = done(VALUES + "REMOVE values:own", ds)
    assert "FilterType" not in result
    assert "ConvolutionKernel" not in result.ReferencedImageSequence[0]
    assert result.KVP == 120
    assert result.PatientName not in (first, NAME)
    one = done(
        "%values own\nFIELD PatientID\n%header\nREPLACE values:own X",
        ct(PatientID="1", FilterType="1 FLAT", ScanOptions="11"),
    )
    assert (one.FilterType, one.ScanOptions, one.Rows) == ("X", "11", 8)
    odd = done("%values own\nFIELD PatientID\n%header\nREMOVE values:own", ct(PatientID="A(1", FilterType="at A(1"))
    assert "FilterType" not in odd


def test_what_lines_of_the_table_keep_or_replace_is_no_business_of_values(done):
    lines = VALUES + "REMOVE values:own\nREPLACE PatientID func:hash\nREPLACE FilterType flat\nJITTER StudyDate 1\n"
    result = done(lines, ct(FilterType=f"of {PATIENT_ID}"))
    assert result.FilterType == "flat"
    assert len(result.PatientID) == 16
    assert result.StudyDate == "20150513"


def test_the_profile_works_on_what_comes_out(done):
    result = done("REMOVE OperatorsName func:by_comments", ct(OperatorsName="Somebody^Else", ImageComments="fine"))
    assert "OperatorsName" not in result
    with pytest.raises(RefusalError, match="verification"):
        done("REPLACE StudyDescription func:shout", ct(StudyDescription=PATIENT_ID.lower()))


def test_implicit_vr_comes_out_as_implicit_vr(recipes):
    profile = recipes.profile("REPLACE ProtocolName func:shout", functions=FUNCTIONS)
    result = read(cleaner(**profile).clean(encoded(ct(ProtocolName="thorax"), ImplicitVRLittleEndian)))
    assert result.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert result.ProtocolName == "THORAX"


@pytest.fixture(scope="module")
def faulty(recipes):
    """A cleaner with a function that does what ImageComments says, in five seconds at most."""
    patch = pytest.MonkeyPatch()
    patch.setattr(worker.Workers.__init__, "__kwdefaults__", {"seconds": 5.0})
    with_faults = cleaner(**recipes.profile("REPLACE ProtocolName func:by_comments", functions=FUNCTIONS))
    patch.undo()
    return with_faults


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("fail", "recipe: it failed with ValueError"),
        ("exit", "recipe: it failed with SystemExit"),
        ("memory", "recipe: it failed with MemoryError"),
        ("crash", "recipe: its process ended"),
        ("hang", "recipe: a function took too long"),
    ],
)
def test_an_instance_that_fails_is_refused_and_the_next_is_done(faulty, what, reason, capfd):
    with pytest.raises(RefusalError) as caught:
        faulty.clean(encoded(ct(ProtocolName="thorax", ImageComments=what)))
    assert caught.value.reason == reason
    assert "Quistgaard" not in f"{caught.value}{caught.value.fix}"
    assert caught.value.__cause__ is None
    assert read(faulty.clean(encoded(ct(ProtocolName="thorax", ImageComments="fine")))).ProtocolName == "fine"
    assert capfd.readouterr() == ("", "")


def test_a_process_that_is_killed_is_replaced(recipes):
    profile = recipes.profile("REPLACE ProtocolName func:process", functions=FUNCTIONS)
    subject, source = cleaner(**profile), encoded(ct(ProtocolName="thorax"))
    first = int(read(subject.clean(source)).ProtocolName)
    assert int(read(subject.clean(source)).ProtocolName) == first
    os.kill(first, signal.SIGKILL)
    with pytest.raises(RefusalError, match="its process ended"):
        subject.clean(source)
    assert int(read(subject.clean(source)).ProtocolName) != first


def test_a_process_that_has_done_its_number_is_replaced(recipes, monkeypatch):
    monkeypatch.setattr(worker, "AT_MOST", 2)
    profile = recipes.profile("REPLACE ProtocolName func:process", functions=FUNCTIONS)
    subject, source = cleaner(**profile), encoded(ct(ProtocolName="thorax"))
    numbers = [int(read(subject.clean(source)).ProtocolName) for _ in range(3)]
    assert numbers[0] == numbers[1] != numbers[2]
    assert not Path(f"/proc/{numbers[0]}").exists()


def test_memory_does_not_grow_with_the_instances(recipes):
    profile = recipes.profile("REPLACE ProtocolName func:process", functions=FUNCTIONS)
    subject = cleaner(**profile)

    def resident(number):
        ds = ct(ProtocolName="thorax", ImageComments=str(number) * 2000)
        process = read(subject.clean(encoded(ds))).ProtocolName
        pages = Path(f"/proc/{process}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    sizes = [resident(number) for number in range(300)]
    assert sizes[-1] - sizes[100] < 2 << 20


def test_threads_have_processes_of_their_own(recipes):
    subject = cleaner(**recipes.profile("REPLACE ProtocolName func:shout", functions=FUNCTIONS))
    results: dict[int, bytes] = {}

    def clean(number):
        ds = ct(ProtocolName=f"thorax {number}", InstanceNumber=number)
        results[number] = whole(subject.clean(encoded(ds)))

    threads = [threading.Thread(target=clean, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(b"THORAX %d" % number in results[number] for number in range(6))


def test_functions_that_cannot_be_run_refuse(recipes):
    subject = cleaner(**recipes.profile("REPLACE ProtocolName func:mine", functions="import nowhere\ndef mine(): ..."))
    with pytest.raises(RefusalError, match="it failed with ModuleNotFoundError"):
        subject.clean(encoded(ct(ProtocolName="thorax")))


def test_what_is_no_dicom_is_refused():
    workers = Workers(Job([], [], [], {}, {}))
    with pytest.raises(RefusalError, match="it failed with InvalidDicomError"):
        workers.run(b"nothing of the kind")
    workers.close()
