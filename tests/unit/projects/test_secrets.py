"""Secrets are found where their references say, and never told."""

import base64
import json
import os
import random

import pytest

from memory_keyring import memory_keyring
from pacsflow import secrets
from pacsflow.cli import key
from pacsflow.errors import ArgumentError, SecretError
from project_folder import write_project
from schemas import DeidProfile

KEY = bytes.fromhex("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")


@pytest.fixture
def store():
    """What this test's keyring holds, in place of the machine's."""
    with memory_keyring() as held:
        yield held


def private(path, data):
    path.write_bytes(data)
    path.chmod(0o600)
    return f"${{file:{path}}}"


def test_a_variable_a_file_and_a_keyring_give_their_secret(tmp_path, monkeypatch, store):
    monkeypatch.setenv("PACSFLOW_TEST_SECRET", "one")
    store["pacsflow", "lung-ct"] = "three"
    assert secrets.resolve("${env:PACSFLOW_TEST_SECRET}") == "one"
    assert secrets.resolve(private(tmp_path / "s", b" two \n")) == " two "
    assert secrets.resolve("${keyring:pacsflow/lung-ct}") == "three"


def test_a_file_in_the_home_folder_is_found_by_its_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    private(tmp_path / "s", b"x")
    assert secrets.resolve("${file:~/s}") == "x"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("${env:PACSFLOW_ABSENT}", "set the environment variable PACSFLOW_ABSENT"),
        ("${file:/absent/secret}", "cannot be read"),
        ("${file:secret}", "write it from / or ~"),
        ("${keyring:lung-ct}", "names no entry"),
        ("${keyring:pacsflow/absent}", "keyring set pacsflow absent"),
        ("${vault:x}", "use one of env, file, keyring"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named_with_a_fix(store, reference, said):
    with pytest.raises(SecretError) as caught:
        secrets.resolve(reference)
    assert reference in str(caught.value)
    assert said in f"{caught.value} {caught.value.fix}"
    assert caught.value.exit_code == 3


def test_a_locked_keyring_is_reported_with_another_way():
    with memory_keyring(locked=True), pytest.raises(SecretError) as caught:
        secrets.resolve("${keyring:pacsflow/lung-ct}")
    assert "unlock the keyring" in caught.value.fix


def test_a_secret_written_in_place_of_a_reference_is_not_repeated():
    with pytest.raises(SecretError) as caught:
        secrets.resolve("hunter2")
    assert "hunter2" not in f"{caught.value}{caught.value.fix}"


def test_an_empty_secret_and_a_file_that_is_not_text_are_errors(tmp_path, monkeypatch):
    monkeypatch.setenv("PACSFLOW_TEST_SECRET", "")
    for reference in ("${env:PACSFLOW_TEST_SECRET}", private(tmp_path / "s", b"\xff\xfe\xfa")):
        with pytest.raises(SecretError):
            secrets.resolve(reference)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    reference = private(tmp_path / "s", b"hunter2")
    (tmp_path / "s").chmod(mode)
    with pytest.raises(SecretError) as caught:
        secrets.resolve(reference)
    assert "chmod 600" in caught.value.fix
    assert "hunter2" not in str(caught.value)


def test_a_kind_registered_from_above_is_read(monkeypatch):
    monkeypatch.setattr(secrets, "_RESOLVERS", dict(secrets._RESOLVERS))
    secrets.register_resolver("prefect", lambda name: f"secret of {name}")
    assert secrets.resolve("${prefect:block}") == "secret of block"


@pytest.mark.parametrize(
    "data",
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode() + b"\r\n",
        base64.b64encode(KEY) + b"\n",
        base64.urlsafe_b64encode(KEY).rstrip(b"="),
    ],
)
def test_a_key_is_read_raw_or_as_hexadecimal_or_base64(tmp_path, data):
    profile = DeidProfile(key=private(tmp_path / "key", data))
    assert secrets.project_key(profile) == KEY


@pytest.mark.parametrize("data", [b"k" * 32, KEY[:31], KEY + b"x", b"00" * 31, b"passphrase", b"\xff" * 33])
def test_what_is_not_32_bytes_is_not_a_key(tmp_path, data):
    with pytest.raises(SecretError) as caught:
        secrets.project_key(DeidProfile(key=private(tmp_path / "key", data)))
    assert "32 bytes" in str(caught.value)


def test_a_profile_without_a_key_has_none():
    with pytest.raises(SecretError, match="names no key"):
        secrets.project_key(DeidProfile(base="none"))


WEAK = {
    "zeros": bytes(32),
    "dead beef": bytes.fromhex("deadbeef") * 8,
    "a text twice": b"0123456789abcdef" * 2,
    "a pattern that is cut off": (b"abcdefghijk" * 3)[:32],
    "counted": bytes(range(32)),
    "counted down": bytes(range(255, 223, -1)),
    "in steps": bytes(range(0, 224, 7)),
    "two bytes": bytes([1, 2] * 10 + [2, 1] * 6),
    "digits as text": b"31415926535897932384626433832795",
}


@pytest.mark.parametrize("weak", WEAK)
def test_a_key_that_a_person_chose_is_refused_in_every_form(tmp_path, weak):
    key = WEAK[weak]
    for form in (key.hex().encode(), base64.b64encode(key), key):
        profile = DeidProfile(key=private(tmp_path / "k", form))
        with pytest.raises(SecretError, match=r"not 32 random bytes|does not hold 32 bytes") as refused:
            secrets.project_key(profile)
        assert "pacsflow" in refused.value.fix


def test_random_keys_are_never_called_weak():
    dice = random.Random(18)
    assert not any(secrets._weakness(dice.randbytes(32)) for _ in range(20_000))


def test_keys_are_made_named_and_replaced(tmp_path, capsys):
    key.new()
    made = capsys.readouterr().out.strip()
    assert len(bytes.fromhex(made)) == 32
    key.new(tmp_path / "k")
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ArgumentError, match="already"):
        key.new(tmp_path / "k")
    folder = write_project(tmp_path / "p", pacs={"host": "h", "port": 1, "called_aet": "A"}, rows=[{"PatientID": "1"}])
    capsys.readouterr()
    key.key_id(folder)
    known = capsys.readouterr().out.strip()
    assert len(known) == 16
    before = {path: path.read_bytes() for path in folder.iterdir()}
    key.rotate(folder, tmp_path / "fresh")
    told = capsys.readouterr().out
    assert known in told
    assert (tmp_path / "fresh").read_text().strip() not in told
    assert before == {path: path.read_bytes() for path in folder.iterdir()}
    deid = json.loads((folder / "deid.yaml").read_text())
    (folder / "deid.yaml").write_text(json.dumps(deid | {"key": f"${{file:{tmp_path}/fresh}}"}))
    key.key_id(folder)
    assert capsys.readouterr().out.strip() in told
