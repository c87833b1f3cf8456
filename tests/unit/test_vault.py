"""The vault: encrypted, private, append-only, and it survives a torn write."""

import stat

import pytest

from pacsflow.errors import KeyMismatchError, LedgerError
from pacsflow.vault import Link, Vault

KEY, ANNA = b"k" * 32, Link("0045322", "", "LUNG-AB", -17)


def test_links_come_back_each_once_and_only_with_the_key(tmp_path):
    path = tmp_path / "private" / "vault"
    vault = Vault(path, KEY)
    vault.record(ANNA)
    vault.record(ANNA)
    Vault(path, KEY).record(Link("2", "X", "LUNG-CD", -3))
    assert Vault(path, KEY).links() == [ANNA, Link("2", "X", "LUNG-CD", -3)]
    assert b"0045322" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyMismatchError):
        Vault(path, b"x" * 32)


def test_a_patient_never_gets_a_second_pseudonym(tmp_path):
    vault = Vault(tmp_path / "vault", KEY)
    vault.record(ANNA)
    with pytest.raises(LedgerError, match="another pseudonym"):
        vault.record(Link("0045322", "", "OTHER", -17))


def test_studies_without_a_patient_id_have_a_pseudonym_each(tmp_path):
    vault = Vault(tmp_path / "vault", KEY)
    for pseudonym in ("LUNG-AB", "LUNG-CD"):
        vault.record(Link("", "", pseudonym, 0))
    assert [link.pseudonym for link in Vault(tmp_path / "vault", KEY).links()] == ["LUNG-AB", "LUNG-CD"]


def test_a_torn_last_line_is_cut_off(tmp_path):
    path = tmp_path / "vault"
    Vault(path, KEY).record(ANNA)
    with path.open("ab") as file:
        file.write(b"aGFsZiBhIGxpbmU")
    vault = Vault(path, KEY)
    assert vault.links() == [ANNA]
    vault.record(Link("2", "", "B", 0))
    assert [link.patient_id for link in Vault(path, KEY).links()] == ["0045322", "2"]


def test_a_changed_line_is_damage_and_not_another_key(tmp_path):
    path = tmp_path / "vault"
    Vault(path, KEY).record(ANNA)
    path.write_bytes(b"AAAA" + path.read_bytes()[4:])
    with pytest.raises(LedgerError, match="damaged: line 1"):
        Vault(path, KEY)
