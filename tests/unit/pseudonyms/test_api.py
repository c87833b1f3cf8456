"""The De-ID API over TLS: what it gives is checked and kept, and nothing of it is told when it misbehaves."""

import pytest

from pacsflow.errors import LedgerError, RefusalError, ServiceError
from pacsflow.pseudonyms import pseudonyms_of
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext
from pacsflow.vault import Vault
from peers.certificates import Authority
from peers.deid_api import Service
from schemas.deid import Patient

KEY, TOKEN, ANNA = b"k" * 32, "s3cret", "4711"


@pytest.fixture
def service(tmp_path, monkeypatch):
    authority = Authority(tmp_path / "ca")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    monkeypatch.setenv("DEID_TOKEN", TOKEN)
    with Service(authority) as server:
        yield server


def opened(service, tmp_path, *, service_shifts=False, direction="add"):
    patient = Patient(source="api", url=f"{service.url}/deid", token="${env:DEID_TOKEN}")
    vault = Vault(tmp_path / "vault", KEY)
    return pseudonyms_of(
        PseudonymContext(patient, vault, project="lung-ct", service_shifts=service_shifts, direction=direction)
    )


def test_a_patient_is_asked_for_once_and_kept(service, tmp_path):
    service.answers = {"/deid": (200, b'{"4711": "P1"}'), "/deid_shift": (200, b'{"4711": -12}')}
    given = opened(service, tmp_path, service_shifts=True)
    assert given(ANNA, "", -300) == given(ANNA, "", -300) == Assigned("P1", -12)
    body = {"project": "lung-ct", "PatientIDList": [{"PatientID": ANNA}]}
    assert service.asked == [(path, f"token {TOKEN}", body) for path in ("/deid", "/deid_shift")]
    assert opened(service, tmp_path, service_shifts=True)(ANNA, "", -300) == Assigned("P1", -12)
    assert len(service.asked) == 2


def test_prefixed_answers_count_and_shifts_are_keyed_unless_the_profile_says_so(service, tmp_path):
    service.answers = {"/deid": (200, b'{"sub-4711": "P1"}')}
    assert opened(service, tmp_path)(ANNA, "", -300) == Assigned("P1", -300)


def test_a_patient_that_the_service_does_not_know_has_none(service, tmp_path):
    service.answers = {"/deid": (200, b'{"4712": "P1"}')}
    assert opened(service, tmp_path)(ANNA, "", 0) is None


@pytest.mark.parametrize(
    ("answer", "error", "transient"),
    [
        ((500, b"patient 4711 s3cret"), ServiceError, True),
        ((429, b""), ServiceError, True),
        ((401, b"patient 4711 s3cret"), ServiceError, False),
        ((302, b'{"4711": "P1"}'), ServiceError, False),
        ((200, b"<html>4711 s3cret</html>"), ServiceError, False),
        ((200, b'["4711"]'), ServiceError, False),
        ((200, b"[" * 100_000), ServiceError, False),
        ((200, b'{"4711": 4711}'), RefusalError, False),
        ((200, b'{"4711": "../4711"}'), RefusalError, False),
    ],
)
def test_what_is_wrong_is_refused_without_a_word_of_it(service, tmp_path, caplog, answer, error, transient):
    service.answers = {"/deid": answer}
    with caplog.at_level("DEBUG"), pytest.raises(error) as caught:
        opened(service, tmp_path)(ANNA, "", 0)
    assert caught.value.transient == transient
    for secret in (ANNA, TOKEN):
        assert secret not in f"{caught.value} {caught.value.fix} {caplog.text}"
    assert Vault(tmp_path / "vault", KEY).links() == []


@pytest.mark.parametrize(
    "content", [b'{"4711": "-12"}', b'{"4711": true}', b'{"4711": 1e3}', b"{}", b'{"4711": 99999}']
)
def test_a_day_shift_is_a_number_of_days(service, tmp_path, content):
    service.answers = {"/deid": (200, b'{"4711": "P1"}'), "/deid_shift": (200, content)}
    with pytest.raises(RefusalError, match="day shift"):
        opened(service, tmp_path, service_shifts=True)(ANNA, "", 0)
    assert Vault(tmp_path / "vault", KEY).links() == []


def test_two_patients_never_get_one_pseudonym(service, tmp_path):
    service.answers = {"/deid": (200, b'{"4711": "P1", "4712": "P1"}')}
    given = opened(service, tmp_path)
    given(ANNA, "", 0)
    with pytest.raises(LedgerError, match="same pseudonym"):
        given("4712", "", 0)


def test_a_service_of_another_authority_is_never_told_a_patient(service, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path / "other", "Another authority").ca))
    with pytest.raises(ServiceError, match="ConnectError"):
        opened(service, tmp_path)(ANNA, "", 0)
    assert service.asked == []


@pytest.mark.parametrize(("direction", "days"), [("subtract", -5), ("add", 5)])
def test_the_numbers_of_the_service_go_the_way_they_went(service, tmp_path, direction, days):
    service.answers = {"/deid": (200, b'{"4711": "P1"}'), "/deid_shift": (200, b'{"4711": 5}')}
    assert opened(service, tmp_path, service_shifts=True, direction=direction)(ANNA, "", -300) == Assigned("P1", days)


def test_a_shift_of_0_is_refused_and_not_kept(service, tmp_path):
    service.answers = {"/deid": (200, b'{"4711": "P1"}'), "/deid_shift": (200, b'{"4711": 0}')}
    with pytest.raises(RefusalError, match="day shift is 0"):
        opened(service, tmp_path, service_shifts=True)(ANNA, "", -300)
    assert Vault(tmp_path / "vault", KEY).links() == []
