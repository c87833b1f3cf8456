"""The vault as a whole: what is lost, put back, cut, zeroed or changed is noticed, and what is good stays readable."""

import base64
import json
import os
import random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pacsflow.errors import KeyMismatchError, LedgerError
from pacsflow.pseudonyms import pseudonyms_of
from pacsflow.pseudonyms.contract import PseudonymContext
from pacsflow.vault import Head, Link, Vault
from schemas.deid import Patient

KEY = b"k" * 32
LINKS = [Link(f"patient {n}", "", f"LUNG-{n:03}", -n) for n in range(12)]


@pytest.fixture
def path(tmp_path):
    vault = Vault(tmp_path / "vault", KEY)
    for link in LINKS:
        vault.record(link)
        vault.bind(f"1.2.{link.shift_days}", (link.patient_id, ""), lambda _: None, link)
    return tmp_path / "vault"


def head_of(path):
    return Vault(path, KEY).head


def noticed(path, head):
    """How a changed vault is noticed; '' where it is not."""
    try:
        return Vault(path, KEY).compared(head)
    except (LedgerError, KeyMismatchError) as error:
        return str(error)


def readable(path):
    return set(Vault(path, KEY, lenient=True).links())


def rewrite(path, lines):
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def test_each_line_that_is_lost_is_noticed_and_the_others_are_read(path):
    head, lines = head_of(path), path.read_bytes().splitlines()
    assert head.lines == len(lines) == 25
    for lost in range(len(lines)):
        rewrite(path, lines[:lost] + lines[lost + 1 :])
        assert "missing" in noticed(path, head), lost
        assert len(readable(path)) >= len(LINKS) - 1


def test_lines_that_change_places_or_stand_twice_are_noticed(path):
    head, lines = head_of(path), path.read_bytes().splitlines()
    for at in range(len(lines) - 1):
        rewrite(path, [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])
        assert noticed(path, head), at
        rewrite(path, [*lines[: at + 1], *lines[at:]])
        assert "twice" in noticed(path, head), at
    assert readable(path) == set(LINKS)


def test_a_flipped_bit_anywhere_is_damage_and_costs_one_record(path):
    head, whole = head_of(path), path.read_bytes()
    for at in range(0, len(whole), 11):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 7]) + whole[at + 1 :])
        assert noticed(path, head), at
        assert len(readable(path)) >= len(LINKS) - 2  # a line end that goes joins two


@pytest.mark.parametrize("filler", [b"", b"\0"])
def test_a_power_loss_anywhere_is_noticed_or_lost_nothing(path, filler):
    head, whole = head_of(path), path.read_bytes()
    for at in range(0, len(whole), 13):
        path.write_bytes(whole[:at] + filler * (len(whole) - at))
        assert "missing" in noticed(path, head), at
    path.write_bytes(whole + filler * 4096)
    assert noticed(path, head) == ""
    assert readable(path) == set(LINKS)


def test_a_zeroed_block_in_the_middle_is_noticed(path):
    head, whole = head_of(path), path.read_bytes()
    path.write_bytes(whole[:600] + bytes(512) + whole[1112:])
    assert "damaged" in noticed(path, head)
    assert len(readable(path)) >= len(LINKS) - 4


def test_an_older_copy_is_noticed_also_when_it_has_grown_since(path):
    lines = path.read_bytes().splitlines()
    head = head_of(path)
    rewrite(path, lines[:-2])
    assert "2 of its 25 lines are missing" in noticed(path, head)
    vault = Vault(path, KEY)
    for n in (77, 78):
        vault.record(Link(f"other {n}", "", f"OTHER-{n}", 0))
    assert "another copy" in noticed(path, head)
    path.unlink()
    assert "25 of its 25" in noticed(path, head)


def test_a_vault_that_is_ahead_of_what_was_noted_is_well(path):
    head = head_of(path)
    Vault(path, KEY).record(Link("more", "", "LUNG-X", 0))
    assert noticed(path, head) == ""


def test_what_is_forgotten_stays_so(path):
    before = path.read_bytes()
    vault, heads = Vault(path, KEY), []
    vault._noted = heads.append
    assert vault.forget(LINKS[3]) == 2
    assert heads[-1] == head_of(path)
    after = path.read_bytes()
    assert after[: len(before)].count(b"#") == 1
    assert readable(path) == set(LINKS) - {LINKS[3]}
    old, new = before.splitlines(), after.splitlines()
    changed = [n for n, line in enumerate(old) if new[n] != line]
    rewrite(path, [*new[: changed[0]], old[changed[0]], *new[changed[0] + 1 :]])
    assert "was forgotten and is there again" in noticed(path, heads[-1])
    rewrite(path, [*new[: changed[0]], b"#".ljust(len(old[changed[0]])), *new[changed[0] + 1 :]])
    assert noticed(path, heads[-1]), "only pacsflow forgets"
    path.write_bytes(before)
    assert "missing at the end" in noticed(path, heads[-1])


def old_line(told):
    nonce = os.urandom(12)
    cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=b"pacsflow vault").derive(KEY))
    return base64.b64encode(nonce + cipher.encrypt(nonce, json.dumps(told).encode(), None))


def test_a_vault_of_an_earlier_version_goes_on_and_is_chained_from_then(tmp_path):
    path = tmp_path / "vault"
    told = [vars(link) for link in LINKS[:3]]
    rewrite(path, [*map(old_line, told), b"#".ljust(200), b" ".ljust(180)])
    vault = Vault(path, KEY)
    assert vault.links() == LINKS[:3]
    assert vault.chained is False
    vault.accept(Head())
    vault.record(LINKS[3])
    head = vault.head
    assert head.links == 5
    lines = path.read_bytes().splitlines()
    assert Vault(path, KEY).chained
    assert set(Vault(path, KEY).links()) == set(LINKS[:4])
    for lost in range(len(lines)):
        rewrite(path, lines[:lost] + lines[lost + 1 :])
        assert "missing" in noticed(path, head)
    rewrite(path, [*lines[:4], b"#".ljust(180), *lines[5:]])
    assert noticed(path, head)
    rewrite(path, lines)
    assert Vault(path, KEY).forget(LINKS[1]) == 1
    assert set(Vault(path, KEY).links()) == {LINKS[0], LINKS[2], LINKS[3]}


def test_another_key_is_told_from_damage(path):
    with pytest.raises(KeyMismatchError, match="cannot be read with this key"):
        Vault(path, b"x" * 32)
    assert Vault(path, b"x" * 32, lenient=True).links() == []


def test_no_number_is_given_twice_after_lines_were_lost_and_that_was_accepted(tmp_path):
    path = tmp_path / "vault"
    patient = Patient(source="sequential", prefix="P-")
    vault = Vault(path, KEY)
    given = pseudonyms_of(PseudonymContext(patient, vault))
    assert [given(name, "", 0).pseudonym for name in "abc"] == ["P-000001", "P-000002", "P-000003"]
    head = vault.head
    rewrite(path, path.read_bytes().splitlines()[:-1])
    again = Vault(path, KEY)
    assert again.compared(head)
    again.accept(head)
    assert again.compared(again.head) == ""
    assert pseudonyms_of(PseudonymContext(patient, again))("d", "", 0).pseudonym == "P-000004"


def test_whatever_the_bytes_a_vault_is_refused_or_read(tmp_path):
    path, dice = tmp_path / "vault", random.Random(18)
    for _ in range(300):
        path.write_bytes(bytes(dice.choices(b"#\n\r =Ab0\0\xff", k=dice.randrange(120))))
        Vault(path, KEY, lenient=True).links()
        noticed(path, Head())
