"""Whatever a peer sends, the fast path gives messages or a PACS error, tells the peer why it left, and never hangs."""

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacsflow.dicom.dimse import fastpath
from pacsflow.dicom.dimse import message as dimse
from pacsflow.dicom.dimse.broken import CutError, NonsenseError, SilenceError
from pacsflow.dicom.dimse.channel import Incoming, PduExchange, Response
from pacsflow.dicom.dimse.fastpath import FastChannel, Negotiated
from pacsflow.dicom.dimse.message import command_set, parse
from pacsflow.dicom.dimse.pdu import PduStream, data_units
from pacsflow.errors import PacsTransientError

LONGEST = 4096
GET = "1.2.840.10008.5.1.4.1.2.2.3"
CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
AGREED = Negotiated({1: EXPLICIT, 3: EXPLICIT}, {GET: 1}, frozenset({CT}), frozenset({CT}), longest=LONGEST)
MESSAGE_ID = 7


@pytest.fixture(params=[1 << 24, 50], ids=["whole", "while they come"], scope="module", autouse=True)
def streamed_from(request):
    """From how many bytes on an instance is handed on while it comes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastpath, "STREAMED_FROM", request.param)
        yield request.param


def pdu(kind, content):
    return struct.pack(">BxI", kind, len(content)) + content


def store(dataset, *, longest=LONGEST, changes=None):
    command = {
        dimse.AFFECTED_CLASS: CT,
        dimse.COMMAND_FIELD: dimse.C_STORE_RQ,
        dimse.MESSAGE_ID: 3,
        dimse.PRIORITY: 0,
        dimse.DATASET_TYPE: 1,
        dimse.AFFECTED_INSTANCE: "1.2.3",
    }
    return data_units(3, (command_set(command | (changes or {})), dataset), longest=longest)


def response(status=0xFF00, *, message_id=MESSAGE_ID, field=dimse.C_GET_RQ | dimse.RESPONSE):
    command = {
        dimse.COMMAND_FIELD: field,
        dimse.RESPONDED_TO: message_id,
        dimse.DATASET_TYPE: dimse.NO_DATASET,
        dimse.STATUS: status,
        dimse.COMPLETED: 2,
        dimse.FAILED: 1,
    }
    return data_units(1, (command_set(command), b""), longest=LONGEST)


def loopback():
    """Two ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        return ours, server.accept()[0]


def whole(message):
    """The message with all of its instance, kept."""
    if not isinstance(message, Incoming):
        return message
    received = message.received
    dataset = b"".join([bytes(received.dataset), *map(bytes, received.rest or ())])
    return replace(message, received=replace(received, dataset=dataset, rest=None))


class Wire:
    """A channel that has asked, and the raw other end of its socket."""

    def __init__(self):
        ours, self.peer = loopback()
        self.peer.settimeout(5)
        self.channel = FastChannel(PduStream(ours, longest=LONGEST), AGREED, patience=1)
        self.channel.ask(PduExchange("C-GET", GET, 1, b"identifier", message_id=MESSAGE_ID))
        assert self.peer.recv(1 << 16)

    def say(self, data, *, end=True):
        self.peer.sendall(data)
        if end:
            self.peer.shutdown(socket.SHUT_WR)

    def hear_all(self, seconds=0.2):
        """Messages until the error that ends them."""
        heard = []
        try:
            while True:
                heard.append(whole(self.channel.hear(seconds)))
        except PacsTransientError as error:
            return heard, error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.abort()
        self.peer.close()


@pytest.mark.parametrize("size", [1, 100, LONGEST - 6, LONGEST, 3 * LONGEST + 1])
@pytest.mark.parametrize("longest", [16, 1000, LONGEST])
def test_instances_of_any_size_in_fragments_of_any_size_come_whole(size, longest):
    dataset = bytes(range(256)) * (size // 256 + 1)
    with Wire() as wire:
        wire.say(store(dataset[:size], longest=longest) + response(0))
        (incoming, final), _ = wire.hear_all()
    assert isinstance(incoming, Incoming)
    assert bytes(incoming.received.dataset) == dataset[:size]
    assert incoming.received.transfer_syntax_uid == EXPLICIT
    assert (final.status, final.completed, final.failed, final.remaining) == (0, 2, 1, 0)


def test_instances_that_are_held_stay_as_they_were():
    with Wire() as wire:
        wire.say(store(b"a" * 3000) + store(b"b" * 3000) + store(b"c" * 3000))
        heard, _ = wire.hear_all()
    assert [bytes(one.received.dataset) for one in heard] == [b"a" * 3000, b"b" * 3000, b"c" * 3000]


def contents(stream):
    """The contents of consecutive PDUs."""
    while stream:
        length = struct.unpack(">I", stream[2:6])[0]
        yield stream[6 : 6 + length]
        stream = stream[6 + length :]


def test_several_messages_in_one_pdu_and_one_byte_at_a_time():
    stream = store(b"abcd") + store(b"efgh") + response(0)
    for data in (stream, pdu(4, b"".join(contents(stream)))):
        with Wire() as wire:
            for byte in data:
                wire.say(bytes([byte]), end=False)
            wire.peer.shutdown(socket.SHUT_WR)
            heard, error = wire.hear_all()
        assert [bytes(one.received.dataset) for one in heard[:2]] == [b"abcd", b"efgh"]
        assert len(heard) == 3
        assert isinstance(error, CutError)


def test_silence_keeps_what_has_come():
    data = store(b"x" * 100) + response(0)
    with Wire() as wire:
        wire.say(data[:50], end=False)
        with pytest.raises(SilenceError):
            wire.channel.hear(0.05)
        wire.say(data[50:])
        assert [type(one) for one in wire.hear_all()[0]] == [Incoming, Response]


def test_what_is_not_read_of_an_instance_is_skipped_before_the_answer(streamed_from):
    with Wire() as wire:
        wire.say(store(b"a" * 3000, longest=500) + store(b"b" * 3000, longest=500) + response(0), end=False)
        for letter in (b"a", b"b"):
            incoming = wire.channel.hear(1)
            assert bytes(incoming.received.dataset[:1]) == letter
            assert (incoming.received.rest is None) == (streamed_from > 3000)
            if incoming.received.rest:
                assert len(next(incoming.received.rest)) == 494
            wire.channel.answer(incoming, 0)
        assert wire.channel.hear(1).status == 0


@pytest.mark.parametrize(
    ("end", "kind"), [(b"", SilenceError), (pdu(7, bytes(4)), CutError), (pdu(9, b""), NonsenseError)]
)
def test_an_instance_that_ends_in_the_middle_raises_in_its_reader(end, kind):
    with Wire() as wire:
        begun = [pdu(4, content) for content in contents(store(b"a" * 3000, longest=500))][:4]
        wire.say(b"".join(begun) + end, end=False)
        with pytest.raises(kind):
            whole(wire.channel.hear(0.05))


def test_an_instance_is_given_up_from_another_thread(streamed_from):
    with Wire() as wire:
        wire.say(store(b"a" * 3000, longest=500)[:2000], end=False)
        if streamed_from > 3000:
            return
        incoming = wire.channel.hear(5)
        threading.Timer(0.05, incoming.abort).start()
        with pytest.raises(CutError):
            whole(incoming)


BROKEN = {
    "unknown PDU": pdu(9, bytes(4)),
    "PDU too long": struct.pack(">BxI", 4, LONGEST + 1),
    "association request": pdu(1, bytes(68)),
    "release response unasked": pdu(6, bytes(4)),
    "empty P-DATA": pdu(4, b""),
    "PDV longer than its PDU": pdu(4, struct.pack(">IBB", 100, 1, 3)),
    "PDV of no length": pdu(4, struct.pack(">IBB", 0, 1, 3)),
    "half a PDV": pdu(4, b"\0\0\0"),
    "unknown context": pdu(4, struct.pack(">IBB", 2, 99, 3)),
    "dataset before command": pdu(4, struct.pack(">IBB", 4, 1, 2) + b"xx"),
    "two commands in a row": store(b"") + store(b"abc"),
    "command set cut": pdu(4, struct.pack(">IBB", 5, 1, 3) + b"abc"),
    "nothing but another group in the command": pdu(4, struct.pack(">IBB", 10, 1, 3) + struct.pack("<HHI", 8, 0, 0)),
    "no command field": pdu(4, struct.pack(">IBB", 2, 1, 3)),
    "response to another request": response(message_id=MESSAGE_ID + 1),
    "response of another service": response(field=dimse.C_FIND_RQ | dimse.RESPONSE),
    "request of the peer": response(field=dimse.C_ECHO_RQ),
    "store without instance": store(b"abc", changes={dimse.AFFECTED_INSTANCE: ""}),
    "store without dataset": store(b"", changes={dimse.DATASET_TYPE: dimse.NO_DATASET}),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken_protocol_is_left_by_an_abort_of_the_provider(data):
    with Wire() as wire:
        wire.say(data, end=False)
        heard, error = wire.hear_all()
        assert heard == []
        assert isinstance(error, NonsenseError)
        farewell = wire.peer.recv(100)
        assert farewell[0] == 7
        assert farewell[8] == 2
        assert not wire.channel.usable


def test_the_peers_release_and_abort_in_the_middle_are_cuts():
    for data, answer in ((pdu(5, bytes(4)), 6), (pdu(7, bytes(4)), None)):
        with Wire() as wire:
            wire.say(data)
            heard, error = wire.hear_all()
            assert heard == []
            assert isinstance(error, CutError)
            farewell = wire.peer.recv(100)
            assert (farewell[0] if farewell else None) == answer


def test_a_release_between_requests_is_answered_and_noticed():
    with Wire() as wire:
        wire.say(response(0), end=False)
        wire.channel.hear(1)
        wire.channel.rest()
        assert wire.channel.usable
        wire.say(pdu(5, bytes(4)), end=False)
        assert not wire.channel.usable
        assert wire.peer.recv(100)[0] == 6
        with pytest.raises(CutError):
            wire.channel.ask(PduExchange("C-GET", GET, 1))


def test_release_waits_for_its_answer_through_a_collision():
    ours, peer = loopback()
    stream = PduStream(ours, longest=LONGEST)
    peer.sendall(pdu(5, bytes(4)) + pdu(6, bytes(4)))
    stream.release(1)
    said = peer.recv(100)
    assert said == pdu(5, bytes(4)) + pdu(6, bytes(4))
    assert stream.closed
    peer.close()


@pytest.mark.parametrize("goes_on", [pdu(4, bytes(8)), pdu(4, b""), pdu(5, bytes(4)), pdu(2, b""), b"\4"])
def test_a_peer_that_goes_on_when_released_is_left(goes_on):
    """Also one that sends the bytes of one PDU one at a time."""
    ours, peer = loopback()
    stream, left = PduStream(ours, longest=LONGEST), threading.Event()

    def for_ever():
        with suppress(OSError):
            while not left.wait(0.01):
                peer.sendall(goes_on)

    thread = threading.Thread(target=for_ever)
    thread.start()
    stream.release(0.3)
    left.set()
    thread.join()
    assert stream.closed
    peer.close()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(data):
    with Wire() as wire:
        wire.say(data)
        heard, error = wire.hear_all()
        assert heard == [] or all(isinstance(one, Incoming | Response) for one in heard)
        assert isinstance(error, CutError | NonsenseError)


@settings(max_examples=500, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 10**6),
    repeats=st.integers(1, 3),
)
def test_valid_traffic_with_bytes_changed_or_missing(changes, cut, repeats):
    data = bytearray((store(b"0123456789" * 20, longest=100) + response()) * repeats + response(0))
    for position, value in changes:
        data[position % len(data)] = value
    with Wire() as wire:
        wire.say(bytes(data[: len(data) - cut % 50]))
        heard, error = wire.hear_all()
        assert all(isinstance(one, Incoming | Response) for one in heard)
        assert isinstance(error, CutError | NonsenseError)


@given(
    st.dictionaries(st.sampled_from([0x0110, 0x0120, 0x0900, 0x1020]), st.integers(0, 0xFFFF)),
    st.from_regex(r"[0-9.]{0,64}", fullmatch=True),
)
def test_command_sets_come_back_as_they_were(numbers, uid):
    command = parse(command_set({**numbers, dimse.AFFECTED_CLASS: uid}))
    assert {element: command.number(element) for element in numbers} == numbers
    assert command.text(dimse.AFFECTED_CLASS) == uid


def test_elements_of_other_groups_in_a_command_set_are_passed_over():
    stray = struct.pack("<HHI", 8, 0x58, 4) + b"1.2\0"
    assert parse(command_set({dimse.STATUS: 3}) + stray).number(dimse.STATUS) == 3
