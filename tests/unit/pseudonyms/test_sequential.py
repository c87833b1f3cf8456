"""Numbers are given once, in order, to each patient another, by however many processes."""

import multiprocessing
from pathlib import Path

from pacsflow.pseudonyms import pseudonyms_of
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext
from pacsflow.vault import Vault
from schemas.deid import Patient

KEY = b"k" * 32
PATIENT = Patient(source="sequential", prefix="P-")


def opened(path):
    return pseudonyms_of(PseudonymContext(PATIENT, Vault(path, KEY)))


def test_numbers_follow_the_order_of_appearance_and_never_change(tmp_path):
    first = opened(tmp_path / "vault")
    assert [first(patient, "", -3).pseudonym for patient in "bab"] == ["P-000001", "P-000002", "P-000001"]
    again = opened(tmp_path / "vault")
    assert again("a", "", -9) == Assigned("P-000002", -3)
    assert again("a", "OTHER WARD", 0).pseudonym == "P-000003"
    assert first("c", "", 0).pseudonym == "P-000004"


def _take(path, start):
    given = opened(Path(path))
    for number in range(start, start + 40):
        given(str(number % 60), "", 0)


def test_processes_at_once_never_give_a_number_twice(tmp_path):
    path = tmp_path / "vault"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_take, args=(str(path), start)) for start in (0, 20, 40)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    links = Vault(path, KEY).links()
    assert len({link.patient_id for link in links}) == len(links) == 60
    assert sorted(link.pseudonym for link in links) == [f"P-{n:06}" for n in range(1, 61)]
