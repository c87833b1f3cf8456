"""Made-up people for phantoms: names in several scripts, ids with leading zeros, and who treated them."""

import random
from dataclasses import dataclass

NAMES = (
    "Müller-Sørensen^Jürgen",
    "Παπαδοπούλου^Ελένη",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "O'Connor^Siobhán",
    "Дмитриева^Ольга",
    "García Márquez^José^Luís",
    "Kowalczyk^Łucja",
    "Öztürk^Gül",
    "Nguyễn^Thị Hương",
    "Hong^Gildong=洪^吉洞=홍^길동",
    "Wang^XiaoDong=王^小东",
    "Becker^Änne",
)
PHYSICIANS = ("Lindqvist^Åsa^^Dr.", "Haddad^Karim^^Dr.", "Świątek^Ewa^^Dr.", "Tanaka^Yui^^Dr.")
HOSPITALS = ("St. Elsewhere Universitätsspital", "Άγιος Λουκάς", "Princess Plainsboro", "County General")


@dataclass(frozen=True)
class FictitiousPerson:
    """A fictitious patient."""

    patient_id: str
    name: str
    birth_date: str
    sex: str
    physician: str
    hospital: str


def person(seed: int, number: int) -> FictitiousPerson:
    """Person `number` of the population of `seed`, always the same one."""
    dice = random.Random(f"person {seed} {number}")  # noqa: S311, made up is what it shall be
    name = NAMES[number % len(NAMES)]
    if number >= len(NAMES):
        family, caret, rest = name.partition("^")
        name = f"{family}-{number}{caret}{rest}"
    return FictitiousPerson(
        patient_id=f"{4700 + 13 * number:07d}",
        name=name,
        birth_date=f"{dice.randint(1935, 2004)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}",
        sex="FM"[dice.randint(0, 1)],
        physician=dice.choice(PHYSICIANS),
        hospital=dice.choice(HOSPITALS),
    )
