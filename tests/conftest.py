"""What every test may ask for: real peers on loopback, and the shared data. And what every test begins with."""

import gc
import logging
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

import pacsflow.dicom.dimse.transport  # noqa: F401 - what it tells pydicom and pynetdicom holds, whichever files are run
from pacsflow.dicom import retrieve_methods
from pacsflow.dicom.web import connection, dicomweb, qido
from pacsflow.redaction import TALKATIVE
from peers.dcmqrscp import Dcmqrscp
from peers.orthanc import Orthanc
from peers.postgresql import Postgresql
from peers.prefect import Prefect

SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
OF_A_PERSON = re.compile(
    r"(PREFECT|XDG|AWS|TTY)_.*|PACSFLOW_(?!SEED$).*|.*_(PROXY|CA_BUNDLE|COLORS?)|COLUMNS|LINES|TERMINAL_WIDTH|GITHUB_ACTIONS",
    re.IGNORECASE,
)
"""What a shell may say of servers, folders, proxies and screens: for the person there, not for the tests."""
NUMBERS = count()

# The same cases each time, so that a change is judged by what it changed; `--hypothesis-profile anew` draws others.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("anew", settings.get_profile("any machine"), derandomize=False)
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported that looks at its surroundings: they are the same everywhere."""
    home = tempfile.TemporaryDirectory(prefix="pacsflow-tests-")
    surroundings = {name: text for name, text in os.environ.items() if not OF_A_PERSON.fullmatch(name)}
    changed = patch.dict(os.environ, {**surroundings, "PREFECT_HOME": home.name}, clear=True)
    changed.start()
    config.add_cleanup(home.cleanup)
    config.add_cleanup(changed.stop)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that says what was not tested where the real data is absent."""
    if not SHARED_DATA.is_dir():
        skipped = terminalreporter.stats.get("skipped", [])
        number = sum("../shared" in str(report.longrepr) for report in skipped)
        if not number:
            return
        terminalreporter.write_line(
            f"not tested: {number} tests of real images with known answers, as ../shared/data is absent; "
            "what they hold for is tested on generated images"
        )


@pytest.fixture(scope="session", autouse=True)
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is remembered of nodes belongs to the tests alone."""
    folder = tmp_path_factory.mktemp("states")
    with patch.dict(os.environ, XDG_STATE_HOME=str(folder / "modules")):
        yield folder


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Programs that tests start take Ctrl-C, also where the tests run behind a shell's `&`, which keeps it from all."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def levels() -> dict[str, int]:
    """Of the loggers that pacsflow silences for good, once everything that is tested was imported."""
    return {name: logging.getLogger(name).level for name in TALKATIVE}


@pytest.fixture(autouse=True)
def anew(states: Path, levels: dict[str, int]) -> Iterator[None]:
    """A test begins as if it were the first: nothing known of nodes, whose ports come again, and loggers that speak.

    Programs that ran in the tests' process silenced them for good. A line is as wide as in the tests of processes.
    """
    from pacsflow.cli import show

    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    with (
        patch.dict(os.environ, XDG_STATE_HOME=str(states / str(next(NUMBERS)))),
        patch.dict(retrieve_methods._ways, clear=True),
        patch.dict(connection._RESTS, clear=True),
        patch.dict(qido.SIZES, clear=True),
        patch.object(dicomweb, "TRANSCODING", set()),
        patch.object(show.console, "_width", 200),
        patch.object(show.errors, "_width", 200),
    ):
        yield


@pytest.fixture(scope="module", autouse=True)
def swept(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a module is forgiven for leaving open is collected in it, and not in the middle of another's test."""
    yield
    if any("Unraisable" in str(mark.args) for mark in request.node.iter_markers("filterwarnings")):
        gc.collect()


@pytest.fixture
def new_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody who has nothing yet, at work in the test's folder: a home of his own, nothing in it, no keyring."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real DICOM data with known answers, beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("../shared/data is absent: real data is needed for this test")
    return SHARED_DATA


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One Orthanc for the whole session: load what a test needs, assume nothing about what else is in it."""
    with Orthanc(tmp_path_factory.mktemp("orthanc")) as peer:
        yield peer


@pytest.fixture(scope="session")
def dcmqrscp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dcmqrscp]:
    """One dcmqrscp for the whole session: load what a test needs, assume nothing about what else is in it."""
    with Dcmqrscp(tmp_path_factory.mktemp("dcmqrscp")) as peer:
        yield peer


@pytest.fixture(scope="session")
def server_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """One Prefect server for the whole session, with its own database."""
    with Prefect(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture
def prefect(server_of_all: Prefect) -> Iterator[Prefect]:
    """The session's Prefect server; a test in which it has a fault fails."""
    with server_of_all.unshaken():
        yield server_of_all


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """One PostgreSQL for the whole session: each test has databases of its own."""
    with Postgresql() as server:
        yield server
