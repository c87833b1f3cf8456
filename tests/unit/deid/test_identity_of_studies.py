"""Generated studies through the whole cleaner, as two processes with one vault: who they are about, in the results."""

import random
from collections import defaultdict

import pytest

from pacsflow.deid import compile_profile
from pacsflow.errors import RefusalError
from pacsflow.vault import Vault
from schemas.deid import DeidProfile
from unit.deid.instances import KEY, ct, encoded, read
from unit.deid.rules.test_study_people import SHIFTED, generated

QUICK = 120


def judged(place, number):
    """Study -> the pseudonyms and days of its results, and pseudonym -> whom it stands for."""
    studies = generated(number)
    profile = DeidProfile.model_validate({"key": "${env:K}"} | SHIFTED)
    cleaners = [compile_profile(profile, KEY, book=Vault(place / "vault", KEY)) for _ in range(2)]
    asked = [(uid, n, *said) for uid, (_, instances) in studies.items() for n, said in enumerate(instances)]
    random.Random(2).shuffle(asked)
    of_study, of_pseudonym = defaultdict(set), defaultdict(set)
    for uid, n, patient, issuer in asked:
        ds = ct(StudyInstanceUID=uid, SOPInstanceUID=f"{uid}.{n}", PatientID=patient, IssuerOfPatientID=issuer)
        new = read(cleaners[n % 2].clean(encoded(ds)))
        assert new.PatientID == new.PatientName
        of_study[uid].add((new.PatientID, new.StudyDate, new.StudyInstanceUID))
        of_pseudonym[new.PatientID].add(str((studies[uid][0] or (uid,))[0]).lower())
    return studies, of_study, of_pseudonym


def confirmed(place, number):
    """Asserts that each study has one pseudonym and one shift, and each pseudonym one person."""
    studies, of_study, of_pseudonym = judged(place, number)
    assert len(of_study) == len(studies) == number
    assert not [uid for uid, found in of_study.items() if len(found) > 1]
    assert not [people for people in of_pseudonym.values() if len(people) > 1]


def test_no_study_has_two_pseudonyms_or_shifts_and_no_people_are_joined(tmp_path):
    confirmed(tmp_path, QUICK)


@pytest.mark.soak
def test_of_ten_thousand_studies_none_has_two_pseudonyms_or_shifts(tmp_path):
    confirmed(tmp_path, 10_000)


def test_a_study_of_two_people_gives_results_of_one(tmp_path):
    profile = DeidProfile.model_validate({"key": "${env:K}"} | SHIFTED)
    cleaners = [compile_profile(profile, KEY, book=Vault(tmp_path / "vault", KEY)) for _ in range(2)]
    results, refused = set(), 0
    for n, patient in enumerate(["A4711", "B4711", "a4711", "0A4711"]):
        try:
            results.add(
                read(cleaners[n % 2].clean(encoded(ct(SOPInstanceUID=f"1.2.{n}", PatientID=patient)))).PatientID
            )
        except RefusalError:
            refused += 1
    assert len(results) == refused == 1
