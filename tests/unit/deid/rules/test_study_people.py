"""One study is of one person, with one pseudonym and one shift, however its instances write who that is."""

import random
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from pacsflow.deid import compile_profile
from pacsflow.deid.rules.identity import Identity, IdentityRules
from pacsflow.deid.rules.study_people import NOBODY, StudyPeople
from pacsflow.deid.trees.tree import Tree, clean_tree, files_below
from pacsflow.errors import RefusalError
from pacsflow.pseudonyms.patient_ids import comparable, placeholder
from pacsflow.vault import Link, Vault
from schemas.deid import DeidProfile
from unit.deid.instances import KEY, cleaner, ct, encoded, read
from unit.deid.trees.test_tree import write

NOBODYS = [
    *("", " ", "\0", "UNKNOWN", "unknown", "0", "000", "ANONYMOUS", "NOID", "NO ID", "NA", "N/A", "n.a.", "XXXX", "X"),
    *("TEST", "999999", "????", "---", "Unknown^Patient", "TEST PATIENT", "111111", "123456", "ANONYMOUS_0"),
    *("unbekannt", "inconnu", "desconocido", "sconosciuto", "onbekend", "not available", "NULL", "UNKNOWN000"),
]
SOMEBODYS = ["4711", "1", "12", "111", "99", "12345", "P001", "TEST1", "ANON0001", "A", "ID1", "PID-774411", "D", "X12"]
SHIFTED = {"options": ["retain-longitudinal-modified-dates"]}


def identity():
    return Identity(KEY, IdentityRules("P-", (-365, -1), "2.25", shifts=True))


def spellings(patient_id, issuer, rng):
    """Ways in which the instances of one study write one patient."""
    yield patient_id, issuer
    for _ in range(4):
        text = rng.choice([patient_id, patient_id.lower(), patient_id.upper(), f"00{patient_id}", f" {patient_id} "])
        yield text, rng.choice([issuer, "", issuer.lower(), f"{issuer} "])


def generated(number=10_000, seed=7):
    """Study UID -> who it is really about (None: nobody knows), and what its instances say, in some order."""
    rng = random.Random(seed)
    found = {}
    for n in range(number):
        if n % 5 == 4:
            found[f"1.2.{n}"] = None, [(rng.choice(NOBODYS), rng.choice(["", "HOSP"])) for _ in range(3)]
            continue
        person = f"QX{n // 2}", rng.choice(["", "HOSP", "CLINIC"]) if n % 3 else "HOSP"
        said = list(spellings(*person, rng)) if n % 7 == 0 else [person] * 3
        rng.shuffle(said)
        found[f"1.2.{n}"] = person, said
    return found


def test_of_ten_thousand_studies_none_has_two_pseudonyms_or_shifts_and_no_people_are_joined(tmp_path):
    studies = generated()
    people = [StudyPeople(identity(), Vault(tmp_path / "vault", KEY)) for _ in range(2)]  # as two processes have it
    asked = [(uid, *said) for uid, (_, instances) in studies.items() for said in instances]
    random.Random(1).shuffle(asked)
    given = defaultdict(set)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda each: people[hash(each) % 2].of(*each), asked)
        for (uid, *_), person in zip(asked, answers, strict=True):
            given[uid].add((person.pseudonym, person.shift_days))
    assert len(given) == 10_000
    assert not [uid for uid, found in given.items() if len(found) > 1]
    whose = defaultdict(set)
    for uid, found in given.items():
        whose[next(iter(found))[0]].add(studies[uid][0] or uid)
    assert not [people for people in whose.values() if len({str(each[0]).lower() for each in people}) > 1]
    again = StudyPeople(identity(), Vault(tmp_path / "vault", KEY))  # another run goes on
    assert all((p.pseudonym, p.shift_days) in given[each[0]] for each in asked[:2000] for p in [again.of(*each)])


@pytest.mark.parametrize("text", NOBODYS)
def test_a_placeholder_is_nobody(text):
    assert placeholder(text)


@pytest.mark.parametrize("text", SOMEBODYS)
def test_a_short_or_odd_id_is_somebody_with_the_pseudonym_that_the_key_always_gave(text):
    assert not placeholder(text)
    person = StudyPeople(identity(), Vault.__new__(Vault)).of("", text, "")
    assert person == identity().person(text, "")


def test_the_pseudonym_of_an_ordinary_id_is_the_one_of_earlier_versions():
    assert compile_profile(DeidProfile(key="${env:KEY}"), KEY).person("4711", "H").pseudonym == "JL7ODA4XNZRBPOIM"


def test_two_people_of_one_study_are_refused_with_a_reason():
    clean = cleaner().clean
    clean(encoded(ct(PatientID="QX4711", IssuerOfPatientID="A")))
    clean(encoded(ct(PatientID="qx4711 ", IssuerOfPatientID="")))
    for other in ({"PatientID": "QX4712"}, {"PatientID": "QX4711", "IssuerOfPatientID": "B"}):
        with pytest.raises(RefusalError, match="the study has two") as refused:
            clean(encoded(ct(**other)))
        assert "QX47" not in str(refused.value) + refused.value.reason


@pytest.mark.parametrize("text", ["", "UNKNOWN", "0", "ANONYMOUS", "NOID", "NA", "XXXX", "TEST", "999999"])
def test_patients_that_nothing_names_are_told_apart_by_study_and_it_is_said(text):
    clean = cleaner(**SHIFTED).clean
    one, same, other = (clean(encoded(ct(PatientID=text, StudyInstanceUID=uid))) for uid in ("1.2", "1.2", "1.3"))
    assert one.person == same.person
    assert one.person.pseudonym != other.person.pseudonym
    assert one.person.shift_days != other.person.shift_days
    assert one.remark == NOBODY
    assert read(one).PatientID == one.person.pseudonym


def test_an_instance_that_neither_patient_nor_study_is_known_of_is_refused():
    with pytest.raises(RefusalError, match="nothing tells whose"):
        cleaner().clean(encoded(ct(PatientID="UNKNOWN", StudyInstanceUID="")))


def test_a_table_of_pseudonyms_does_not_join_people_either():
    known = compile_profile(DeidProfile(key="${env:KEY}"), KEY, pseudonyms=lambda *_: pytest.fail("was asked"))
    with pytest.raises(RefusalError, match="no patient id"):
        known.clean(encoded(ct(PatientID="UNKNOWN")))


@pytest.mark.parametrize("vault", [True, False])
def test_a_tree_in_several_processes_and_a_second_run_hold_a_study_to_one_person(tmp_path, vault):
    forms = [("QX4711", ""), ("qx4711", "HOSP"), ("0QX4711", ""), (" QX4711", "hosp")]
    profile = DeidProfile.model_validate({"key": "${env:KEY}", **SHIFTED})

    def run(numbers):
        for number in numbers:
            text, issuer = forms[number % 4]
            uids = {"SOPInstanceUID": f"1.2.3.{number}", "StudyInstanceUID": f"1.2.{number // 4 % 10}"}
            write(tmp_path / "in", f"{number:04}.dcm", ct(PatientID=text, IssuerOfPatientID=issuer, **uids))
        tree = Tree(tmp_path / "in", tmp_path / "out", profile, KEY, tmp_path / "vault" if vault else None)
        outcomes = list(clean_tree(tree, files_below(tmp_path / "in"), workers=3))
        assert {each.fate for each in outcomes} <= {"cleaned", "doubled"}

    run(range(80))
    run(range(80, 120))
    found = defaultdict(set)
    for path in (tmp_path / "out").glob("*/*/*/*.dcm"):
        found[path.parts[-3]].add(path.parts[-4])
    assert len(found) == 10
    assert all(len(pseudonyms) == 1 for pseudonyms in found.values())
    assert b"4711" not in b"".join(p.read_bytes() for p in (tmp_path / "out" / ".pacsflow").iterdir())


def test_two_processes_that_meet_a_study_at_once_give_it_one_person(tmp_path):
    program = (
        "import sys, random\n"
        "from pacsflow.deid.rules.identity import Identity, IdentityRules\n"
        "from pacsflow.deid.rules.study_people import StudyPeople\n"
        "from pacsflow.vault import Vault\n"
        "identity = Identity(bytes(range(32)), IdentityRules('', (-9, -1), '2.25', True))\n"
        "people = StudyPeople(identity, Vault(sys.argv[1], bytes(32)))\n"
        "for n in range(100):\n"
        "    print(people.of(f'1.2.{n}', sys.argv[2], sys.argv[3]).pseudonym)\n"
    ).replace("Vault(sys.argv[1]", "Vault(__import__('pathlib').Path(sys.argv[1])")
    both = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path / "vault", *said], stdout=subprocess.PIPE, text=True)
        for said in (("qx1", ""), ("QX1", "HOSP"))
    ]
    first, second = (each.communicate()[0].split() for each in both)
    assert len(first) == 100
    assert first == second


def test_the_vault_exports_patients_and_not_what_studies_say(tmp_path):
    vault = Vault(tmp_path / "vault", KEY)
    anna = Link("QX1", "", "P-1", -3)
    vault.record(anna)
    assert vault.bind("1.2", ("qx1", ""), lambda _: None, anna) == anna
    assert Vault(tmp_path / "vault", KEY).links() == [anna]
    assert Vault(tmp_path / "vault", KEY).studies() == {"1.2": anna}


def test_spellings_that_compare_alike():
    assert comparable(" 00 Qx47 11\0") == comparable("QX4711") == comparable("QX4711")
    assert comparable("000") == "0"
    assert comparable("QX4712") != comparable("QX4711")
