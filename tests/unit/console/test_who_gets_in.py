"""Accounts, sessions, links that work once, the brake on guessing, the console's trail."""

import asyncio
import json

import httpx
import pytest
from starlette.applications import Starlette

from pacsflow.console.accounts import Accounts, Visitor
from pacsflow.console.console_trail import ConsoleTrail
from pacsflow.console.doors import Doors
from pacsflow.console.guard import Address, cookie_of
from pacsflow.console.serving import is_loopback
from pacsflow.console.sessions import LINK, LONGEST, PAUSE, Brake, Sessions
from pacsflow.errors import ArgumentError, ProjectError

ANNA = Visitor("anna", frozenset({"view", "decide"}))
PASSWORD = "a long enough one"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_a_password_is_kept_as_a_hash_and_proven(tmp_path):
    accounts = Accounts(tmp_path / "users.json")
    accounts.add("anna", PASSWORD, ["decide"])
    assert PASSWORD not in accounts.file.read_text()
    assert accounts.file.stat().st_mode & 0o077 == 0
    assert accounts.proven("anna", PASSWORD) == ANNA
    assert accounts.proven("anna", PASSWORD + "x") is None
    assert accounts.proven("nobody", PASSWORD) is None
    assert Accounts(accounts.file).people() == [ANNA]


def test_accounts_changed_by_another_process_are_seen(tmp_path):
    accounts = Accounts(tmp_path / "users.json")
    accounts.add("anna", PASSWORD, ["decide"])
    assert accounts.person("anna") == ANNA
    Accounts(accounts.file).remove("anna")
    assert accounts.person("anna") is None


@pytest.mark.parametrize(
    ("name", "password", "roles"),
    [("../anna", PASSWORD, []), ("anna", "short", []), ("anna", PASSWORD, ["emperor"]), ("", PASSWORD, [])],
)
def test_what_is_no_account_is_refused(tmp_path, name, password, roles):
    with pytest.raises(ArgumentError):
        Accounts(tmp_path / "users.json").add(name, password, roles)
    assert not (tmp_path / "users.json").exists()


def test_a_file_that_others_can_read_or_that_is_spoilt_is_refused(tmp_path):
    file = tmp_path / "users.json"
    Accounts(file).add("anna", PASSWORD, [])
    file.chmod(0o644)
    with pytest.raises(ProjectError, match="can be read by others"):
        Accounts(file).people()
    file.chmod(0o600)
    file.write_text("{")
    with pytest.raises(ProjectError, match="is not a file of accounts"):
        Accounts(file).people()


def test_a_session_ends_when_nothing_is_done_after_its_time_and_with_its_account():
    clock, known = Clock(), {"anna": ANNA}
    sessions = Sessions(idle=60, current=lambda person: known.get(person.name), clock=clock)
    cookie, session = sessions.begin(ANNA)
    assert sessions.of(cookie) is session
    assert sessions.of("guessed") is None
    clock.now += 50
    sessions.touch(session)
    clock.now += 50
    assert sessions.alive(session)
    clock.now += 11
    assert not sessions.alive(session)
    cookie, session = sessions.begin(ANNA)
    while clock.now < 1000 + LONGEST + 200:
        clock.now += 50
        sessions.touch(session)
    assert sessions.of(cookie) is None
    cookie, session = sessions.begin(ANNA)
    known["anna"] = Visitor("anna", frozenset({"view"}))
    assert sessions.of(cookie).person.may("decide") is False
    del known["anna"]
    assert sessions.of(cookie) is None


def test_a_link_works_once_and_in_time():
    clock = Clock()
    sessions = Sessions(clock=clock)
    link = sessions.link(ANNA)
    assert sessions.redeem("guessed") is None
    assert sessions.redeem(link) == ANNA
    assert sessions.redeem(link) is None
    late = sessions.link(ANNA)
    clock.now += LINK + 1
    assert sessions.redeem(late) is None


def test_after_five_wrong_passwords_none_is_tried_for_a_while():
    clock = Clock()
    brake = Brake(clock)
    for _ in range(5):
        assert not brake.held("anna", "10.0.0.1")
        brake.wrong("anna", "10.0.0.1")
    assert brake.held("anna", "10.0.0.1")
    assert not brake.held("anna", "10.0.0.2")
    clock.now += 301
    assert not brake.held("anna", "10.0.0.1")


def test_a_flood_of_guesses_frees_nobody_and_takes_bounded_memory():
    clock = Clock()
    brake = Brake(clock, most=200)
    for _ in range(5):
        brake.wrong("anna", "10.0.0.1")
    tried = 0
    for number in range(5000):
        clock.now += 0.01
        name, address = f"name {number}" * 50, f"10.1.{number // 250}.{number % 250}"
        if not brake.held(name, address):
            tried += 1
            brake.wrong(name, address)
        assert brake.held("anna", "10.0.0.1")
        assert len(brake._wrong) <= 200
    assert tried < 200, "some until it is full, then one a second"
    clock.now += 301
    assert not brake.held("anna", "10.0.0.1")
    assert not brake.held("ben", "10.0.0.9")


@pytest.mark.parametrize("who", ["one name from many addresses", "many names from one address"])
def test_guesses_at_large_are_slowed_down_and_lock_nobody_out(who):
    clock, tried = Clock(), 0
    brake = Brake(clock)
    for number in range(3000):
        clock.now += 0.01
        at = ("anna", f"10.1.0.{number}") if who.startswith("one name") else (f"name {number}", "10.0.0.1")
        if not brake.held(*at):
            tried += 1
            brake.wrong(*at)
    assert 50 <= tried < 100
    clock.now += PAUSE
    assert not brake.held("anna", "10.0.0.1"), "who knows the password gets in"


def test_a_line_of_the_trail_that_was_changed_is_noticed(tmp_path):
    trail = ConsoleTrail(tmp_path / "trail.jsonl")
    for name in ("log in", "change", "log out"):
        trail.note(name, "anna", "lung-ct: pacs.yaml")
    assert trail.broken() is None
    assert [one.action for one in trail.acts()] == ["log in", "change", "log out"]
    lines = trail.file.read_text().splitlines()
    told = json.loads(lines[1]) | {"by": "ben"}
    trail.file.write_text("\n".join([lines[0], json.dumps(told), lines[2], ""]))
    assert trail.broken() == 2
    trail.file.write_text("\n".join([lines[0], lines[2], ""]))
    assert trail.broken() == 2


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.1.2.3", False), ("pacs", False)],
)
def test_who_reaches_an_address(host, own):
    assert is_loopback(host) is own


def test_cookies_that_are_none_are_nobodys():
    assert cookie_of("a=1; pacsflow-1=x", "pacsflow-1") == "x"
    assert cookie_of("", "pacsflow-1") == ""
    assert cookie_of("\x00=;;=", "pacsflow-1") == ""


async def _guessed_at_once(app, number):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        sent = [client.post("/login", data={"name": "anna", "password": f"guess {turn}"}) for turn in range(number)]
        return [answer.status_code for answer in await asyncio.gather(*sent)]


def test_passwords_guessed_all_at_once_are_braked_too(tmp_path):
    accounts = Accounts(tmp_path / "users.json")
    accounts.add("anna", PASSWORD, [])
    doors = Doors(
        Address("http", "c"), Sessions(), ConsoleTrail(tmp_path / "trail"), accounts, Brake(), asyncio.Semaphore(1)
    )
    told = asyncio.run(_guessed_at_once(Starlette(routes=doors.routes()), 12))
    assert sorted(told) == [403] * 5 + [429] * 7
