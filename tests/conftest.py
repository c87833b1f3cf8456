"""What every test may ask for: real peers on loopback, and the shared data."""

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsflow.discretion import TALKATIVE
from peers.dcmqrscp import Dcmqrscp
from peers.orthanc import Orthanc
from peers.prefect import Prefect

LEVELS = {name: logging.getLogger(name).level for name in TALKATIVE}
SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is remembered of nodes belongs to the tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Programs that tests start take Ctrl-C, also where the tests run behind a shell's `&`, which keeps it from all."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def heard() -> None:
    """Loggers that pacsflow, run in the tests' process, silenced for good speak again."""
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)


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
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """One Prefect server for the whole session, with its own database."""
    with Prefect(tmp_path_factory.mktemp("prefect")) as server:
        yield server
