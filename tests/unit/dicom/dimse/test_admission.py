"""Who may send images to our storage SCP, by AE title and address."""

import pytest
import yaml

from pacsflow.dicom.dimse.admission import Admission
from schemas.pacs import PacsNode


def admission(host="10.1.2.3", senders=None):
    move_to = {"aet": "PACSFLOW", "port": 11113} | ({"from": senders} if senders is not None else {})
    fields = {"name": "n", "host": host, "port": 104, "called_aet": "MAINPACS", "fetch": {"move_to": move_to}}
    found = Admission()
    found.add(PacsNode.model_validate(fields))
    return found


@pytest.mark.parametrize(
    ("senders", "aet", "address", "allowed"),
    [
        (None, "MAINPACS", "10.1.2.3", True),
        (None, "MAINPACS  ", "::ffff:10.1.2.3", True),
        (None, "MAINPACS", "10.1.2.4", False),
        (None, "OTHER", "10.1.2.3", False),
        (None, "mainpacs", "10.1.2.3", False),
        ([{"aet": "OTHER"}], "OTHER", "10.1.2.3", True),
        ([{"aet": "OTHER"}], "MAINPACS", "10.1.2.3", False),
        ([{"host": "10.1.2.0/24"}], "MAINPACS", "10.1.2.200", True),
        ([{"host": "10.1.2.0/24"}], "MAINPACS", "10.1.3.1", False),
        ([{"host": "fd00::/8"}], "MAINPACS", "fd12::1", True),
        ([{"host": "fd00::/8"}], "MAINPACS", "10.1.2.3", False),
        ([{"aet": "A", "host": "10.0.0.1"}, {"aet": "B", "host": "10.0.0.2"}], "A", "10.0.0.2", False),
        ([{"aet": "A", "host": "10.0.0.1"}, {"aet": "B", "host": "10.0.0.2"}], "B", "10.0.0.2", True),
    ],
)
def test_title_and_address_go_together(senders, aet, address, allowed):
    assert admission(senders=senders).title(aet, address) is allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "fe80::1%lo"])
def test_a_node_on_this_machine_may_come_by_any_loopback_address(host, address):
    assert admission(host=host).address(address) is not address.startswith("fe80")


def test_a_name_that_is_not_known_lets_nobody_in():
    assert not admission(host="no-such-host.invalid").address("10.0.0.1")


def test_who_was_turned_away_is_told_once_with_what_to_write():
    found = admission()
    found.title("CT-ROOM\x1b[2J", "10.1.2.3")
    found.title("OTHER", "10.1.2.3")
    found.address("10.9.9.9")
    told = found.refused()
    assert '`from: [{aet: "OTHER", host: "10.1.2.3"}]`' in told
    assert '`from: [{host: "10.9.9.9"}]`' in told
    assert "\x1b" not in told
    assert found.refused() == ""


def test_a_flood_of_strangers_takes_no_room():
    found = admission()
    for number in range(5000):
        found.address(f"10.9.{number // 250}.{number % 250}")
    assert len(found.refused()) < 5000


@pytest.mark.parametrize(
    ("aet", "address"),
    [
        ("OTHER", "172.17.0.1"),
        ("NO", "fe80::1%eth0"),
        ("1234", "::1"),
        ("OTHER", "::ffff:172.17.0.1"),
        ('A":', "10.0.0.9"),
    ],
)
def test_the_line_that_is_told_lets_the_sender_in_as_it_stands(aet, address):
    closed = admission()
    assert not closed.title(aet, address)
    line = closed.refused().split("`")[1]
    senders = yaml.safe_load(line)["from"]
    opened = admission(senders=senders)
    assert opened.address(address)
    assert opened.title(aet, address)


def test_the_line_for_an_address_lets_the_node_in_under_its_own_title():
    closed = admission()
    assert not closed.address("172.17.0.1")
    opened = admission(senders=yaml.safe_load(closed.refused().split("`")[1])["from"])
    assert opened.title("MAINPACS", "172.17.0.1")
