"""What strangers send and what people save, changed at random: each case ends in time, in words, in little memory.

100,000 cases of each kind with `make soak`, a few with every `make test`. The seed is printed; FUZZ_SEED=NUMBER repeats it.
"""

import os
import random
import resource
import signal
import socket
import struct
import sys
import warnings
from contextlib import contextmanager, suppress
from typing import ClassVar

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from ruamel.yaml import YAML

from pacsflow.deid import Source
from pacsflow.dicom.dimse import message as dimse
from pacsflow.dicom.dimse.message import Assembler, command_set, values_in
from pacsflow.dicom.dimse.pdu import PduStream, data_units
from pacsflow.dicom.web.multipart import parts
from pacsflow.errors import PacsTransientError, ProjectError, RefusalError
from pacsflow.projects import source as project_source
from pacsflow.query import load
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import Reading
from pacsflow.query.tables import read_table
from unit.deid.instances import cleaner, ct, encoded
from yaml_folder import FILES, write_files

FEW, MANY = 150, 100_000
SECONDS = 60
"""Of processor time for one case, at most: a loop without end, not a measure of speed."""
GROWTH = 600 << 10
"""Kilobytes that a process may grow by, whatever was sent."""
AMOUNTS = pytest.mark.parametrize("cases", [FEW, pytest.param(MANY, marks=[pytest.mark.soak, pytest.mark.timeout(0)])])


@pytest.fixture
def dice(capsys):
    seed = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1 << 32))
    with capsys.disabled():
        sys.stdout.write(f" FUZZ_SEED={seed}\n")
    return random.Random(seed)


@contextmanager
def in_time_and_memory():
    """Within it each call of `again` begins a case."""

    late_cases = []

    def late(*_):
        late_cases.append(f"a case took more than {SECONDS} s")
        raise AssertionError(late_cases[-1])  # which code that takes any exception for a fault of the case may catch

    before, former = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, signal.signal(signal.SIGPROF, late)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield lambda: signal.setitimer(signal.ITIMER_PROF, SECONDS)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)
    assert not late_cases
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < GROWTH, f"the process grew by {grown >> 10} MB"


def mutated(data, dice, words=()):
    """The bytes after one to four changes: bits, cuts, doubles, numbers that lie, words of the form."""
    data = bytearray(data)
    for _ in range(dice.randrange(1, 5)):
        at = dice.randrange(len(data) + 1)
        piece = dice.randrange(1, 24)
        match dice.randrange(6):
            case 0 if data:
                data[at % len(data)] ^= 1 << dice.randrange(8)
            case 1:
                del data[at : at + piece]
            case 2:
                data[at:at] = data[at : at + piece] * dice.choice((1, 1, 40))
            case 3:
                data[at : at + 4] = dice.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", dice.randbytes(4), b"\xff\xff\xff\x7f")
                )
            case 4:
                data[at:at] = dice.choice(words) if words else dice.randbytes(piece)
            case 5 if dice.random() < 0.2:
                del data[at:]
    return bytes(data)


def pdus():
    command = {
        dimse.AFFECTED_CLASS: "1.2.840.10008.5.1.4.1.1.2",
        dimse.COMMAND_FIELD: dimse.C_STORE_RQ,
        dimse.MESSAGE_ID: 3,
        dimse.PRIORITY: 0,
        dimse.DATASET_TYPE: 1,
        dimse.AFFECTED_INSTANCE: "1.2.3",
    }
    answer = {
        dimse.COMMAND_FIELD: dimse.C_GET_RQ | dimse.RESPONSE,
        dimse.RESPONDED_TO: 7,
        dimse.DATASET_TYPE: dimse.NO_DATASET,
        dimse.STATUS: 0xFF00,
    }
    stored = data_units(3, (command_set(command), bytes(range(256)) * 8), longest=700)
    return stored + data_units(1, (command_set(answer), b""), longest=700) + struct.pack(">BxI", 5, 4) + bytes(4)


@AMOUNTS
def test_pdus(dice, cases):
    whole = pdus()
    with in_time_and_memory() as again:
        for _ in range(cases):
            again()
            ours, theirs = socket.socketpair()
            with ours, theirs:
                theirs.sendall(mutated(whole, dice))
                theirs.shutdown(socket.SHUT_WR)
                try:
                    stream, assembler = PduStream(ours, longest=16384), Assembler({1, 3}, most=1 << 20)
                    while True:
                        _, content = stream.receive(5)
                        for _, _, value in values_in(content):
                            list(assembler.feed(value))
                        list(assembler.feed(content))
                except PacsTransientError:
                    continue


@AMOUNTS
def test_multipart(dice, cases):
    part = b"--boundary\r\nContent-Type: application/dicom\r\nContent-Length: 40\r\n\r\n" + bytes(40) + b"\r\n"
    whole = b"preamble\r\n" + part * 3 + b"--boundary--\r\nepilogue"
    words = (b"\r\n--boundary", b"--boundary--", b"\r\n\r\n", b"Content-Length: 9999999999\r\n", b"x" * 70_000)
    with in_time_and_memory() as again:
        for _ in range(cases):
            again()
            body, size = mutated(whole, dice, words), dice.randrange(1, 200)
            try:
                for one in parts(iter([body[at : at + size] for at in range(0, len(body), size)]), b"boundary"):
                    for _ in one.content:
                        pass
            except PacsTransientError:
                continue


@AMOUNTS
def test_dicom(dice, cases):
    profile = cleaner(options=["retain-longitudinal-modified-dates", "clean-descriptors", "clean-structured-content"])
    kinds = [(syntax, encoded(ct(), syntax)) for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)]
    with in_time_and_memory() as again:
        for _ in range(cases):
            again()
            syntax, source = dice.choice(kinds)
            data = dice.randbytes(dice.randrange(400)) if dice.random() < 0.1 else mutated(source.dataset, dice)
            try:
                profile.clean(Source(source.sop_class_uid, source.sop_instance_uid, str(syntax), data))
            except RefusalError:
                continue


@AMOUNTS
def test_tables(dice, cases, tmp_path):
    texts = {
        "t.csv": b"ID,PatientID,StudyDate\n1,007,2015-05-12\n2,,20150101-\n",
        "t.json": b'[{"ID": "1", "PatientID": "007", "StudyDate": "2015-05-12"}, {"ID": 2}]',
        "t.tsv": b"ID\tPatientID\n1\t007\n",
    }
    words = (
        b'"',
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"9" * 5000,
        b"," * 3000,
        b"[" * 3000,
        b"\n" * 100,
        b";",
        b"1e999",
    )
    with in_time_and_memory() as again:
        for _ in range(cases):
            again()
            name = dice.choice(list(texts))
            (tmp_path / name).write_bytes(mutated(texts[name], dice, words))
            try:
                read_table(tmp_path / name, name, Reading())
            except FaultError:
                continue


class KnownTexts(YAML):
    """A parser that reads the texts of files that are right once: each case changes one file of five."""

    nodes: ClassVar = {}

    def compose(self, stream):
        if stream not in FILES.values():
            return super().compose(stream)
        if stream not in self.nodes:
            self.nodes[stream] = super().compose(stream)
        return self.nodes[stream]


@AMOUNTS
def test_projects(dice, cases, tmp_path, monkeypatch):
    monkeypatch.setenv("PACSFLOW_TEST_KEY", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    monkeypatch.setattr(project_source, "YAML", KnownTexts)
    words = (b"&a ", b"*a", b"<<: *a", b"!!python/object:os.system ", b"!!binary ", b"- " * 60, b"{" * 60, b"\0", b"\t",
             b"\xff", b"0x" + b"f" * 6000, b"9" * 5000, b"? ", b"---\n", b"%YAML 9.9\n", b"'", b"|\n")  # fmt: skip
    folder = write_files(tmp_path / "p")
    with in_time_and_memory() as again:
        for _ in range(cases):
            again()
            name = dice.choice(list(FILES))
            (folder / f"{name}.yaml").write_bytes(mutated(FILES[name].encode(), dice, words))
            with suppress(ProjectError):
                load(folder)
            (folder / f"{name}.yaml").write_text(FILES[name], "utf-8")
