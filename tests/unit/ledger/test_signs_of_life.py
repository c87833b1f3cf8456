"""Who may be at work still, as far as anybody can tell."""

import socket
import subprocess
import sys
import time

import pytest

from pacsflow.errors import BusyError
from pacsflow.ledger import open_ledger, tables
from pacsflow.ledger.runs import SECONDS_OF_DOUBT, Run, _change, begin, may_live
from pacsflow.ledger.studies import claim, new_owner
from unit.ledger.test_races import found


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(tmp_path / "ledger.sqlite", project="p", key=None)
    yield opened
    opened.close()


def elsewhere(owner):
    """The owner as one of another container with the same host name."""
    host, process, born, _, mark = owner.split("|")
    return f"{host}|{process}|{born}|0123456789ab|{mark}"


def test_a_process_of_this_machine_lives_until_it_ends(ledger):
    told = "from pacsflow.ledger.studies import new_owner; print(new_owner(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", told], text=True, stdin=-1, stdout=-1) as process:
        owner = process.stdout.readline().strip()
        assert may_live(ledger, owner)
        process.kill()
    assert not may_live(ledger, owner)
    assert may_live(ledger, new_owner())


def test_a_process_of_another_machine_may_live_until_long_after_its_last_sign(ledger):
    owner = elsewhere(new_owner())
    assert may_live(ledger, owner), "nothing is known of it"
    begin(ledger, Run(owner, "run", {}), [])
    assert may_live(ledger, owner)
    _change(ledger, owner, lease_expires=time.time() - SECONDS_OF_DOUBT / 2, ended=time.time())
    assert may_live(ledger, owner), "it may wait to say that it ended"
    _change(ledger, owner, lease_expires=time.time() - SECONDS_OF_DOUBT - 1)
    assert not may_live(ledger, owner)


ELSEWHERE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
TELLS = "from pacsflow.ledger.studies import new_owner; print(new_owner(), flush=True); input()"


def container():
    """Whether this user may have process ids of its own, as a container has."""
    return subprocess.run([*ELSEWHERE, "true"], capture_output=True, check=False).returncode == 0


def test_containers_of_one_host_name_and_with_equal_process_ids_are_not_taken_for_each_other(ledger):
    if not container():
        pytest.skip("unshare is not permitted: two namespaces of process ids are needed for this test")
    told = "import sys\nfrom pacsflow.processes import gone, near\nprint(near(sys.argv[1]), gone(sys.argv[1]))"
    with subprocess.Popen([*ELSEWHERE, sys.executable, "-c", TELLS], text=True, stdin=-1, stdout=-1) as one:
        owner = one.stdout.readline().strip()
        assert owner.split("|")[:2] == [socket.gethostname(), "1"]
        other = [*ELSEWHERE, sys.executable, "-c", told, owner]
        assert subprocess.run(other, capture_output=True, text=True, check=True).stdout.split() == ["False", "False"]
        [key] = found(ledger, "1.2")
        assert claim(ledger, key, owner)
        assert not claim(ledger, key, new_owner())
        one.kill()
    assert not claim(ledger, key, new_owner()), "from here it cannot be seen: the lease decides"
    with ledger.write() as connection:
        connection.execute(tables.studies.update().values(lease_expires=0.0))
    assert claim(ledger, key, new_owner())


def test_owners_that_a_former_version_wrote_are_judged_by_their_lease(ledger):
    owner = f"{socket.gethostname()}|99999999|1|aaaaaaaa"
    begin(ledger, Run(owner, "run", {}), [])
    with pytest.raises(BusyError):
        begin(ledger, Run(new_owner(), "run", {}), [])
    _change(ledger, owner, lease_expires=time.time() - 1)
    begin(ledger, Run(new_owner(), "run", {}), [])
