"""What the tests run with is what is shipped: Prefect, and all that its server is made of, as requirements.lock says."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).parents[2] / "requirements.lock"


def locked():
    lines = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", LOCK.read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


def needs(found, extra):
    """What a distribution asks for, by itself or for one of its extras."""
    asked = map(Requirement, found.requires or ())
    return [need for need in asked if not need.marker or need.marker.evaluate({"extra": extra})]


def made_of(name, *extras):
    """A distribution and all it needs here: name -> version."""
    left, seen, known = [(name, extra) for extra in ("", *extras)], set(), {}
    while left:
        name, extra = left.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            found = distribution(name)
        except PackageNotFoundError:
            known[name] = "not installed"
            continue
        known[canonicalize_name(name)] = found.version
        for need in needs(found, extra):
            left += [(canonicalize_name(need.name), each) for each in ("", *need.extras)]
    return known


def test_the_server_is_made_of_what_is_locked():
    installed = made_of("prefect")
    assert len(installed) > 50
    assert {"sqlalchemy", "fastapi", "starlette", "uvicorn", "aiosqlite", "greenlet"} <= installed.keys()
    other = {name: (version, locked().get(name)) for name, version in installed.items()}
    assert {name: both for name, both in other.items() if both[0] != both[1]} == {}


def test_the_ledgers_driver_is_installed_as_it_is_locked():
    installed = made_of("psycopg", "binary")
    assert {"psycopg", "psycopg-binary"} <= installed.keys()
    assert installed.items() <= locked().items()


@pytest.mark.parametrize("lock", [LOCK, LOCK.with_name("requirements-run.lock")], ids=lambda lock: lock.name)
def test_a_lock_names_the_extras_that_packages_ask_for(lock):
    """Otherwise pip looks for `name[extra]` as for a package without a pin, and refuses the newest with --require-hashes."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)(?:\[([^]]*)\])?==", lock.read_text("utf-8"), re.MULTILINE)
    pinned = {canonicalize_name(name): set(re.split(r",\s*", extras)) for name, extras in lines}
    assert {"prefect", "pydocket", "py-key-value-aio"} <= pinned.keys()
    asked = [(name, need) for name in pinned for need in asked_by(name, pinned[name])]
    missing = {
        (name, str(need)) for name, need in asked if not need.extras <= pinned.get(canonicalize_name(need.name), set())
    }
    assert missing == set()


def asked_by(name, extras):
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return []
    return [need for extra in {"", *extras} for need in needs(found, extra)]
