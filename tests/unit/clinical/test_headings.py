"""Two hundred headings in six languages: what holds a person's data is not kept unasked, what is harmless is."""

import random

import pytest

from pacsflow.clinical.columns import ColumnChoices, classify
from pacsflow.clinical.grid import Grid
from pacsflow.clinical.personal import holds_date, without_dates

R = random.Random(5)
SURNAMES = [
    "Zwinglius",
    "Muster",
    "Quistgaard",
    "Fosterling",
    "Vandenbossche",
    "Quandelacy",
    "Brown",
    "Head",
    "Long",
    "May",
    "Schneider",
    "Rossi",
]
GIVEN = ["Huldrycha", "Anna", "Thorbjorn", "Aurelie", "Luca", "Pilar", "Sanne", "Grace", "Will", "Mark"]


def several(*values):
    return lambda n: values[n % len(values)]


PERSONAL = [
    (lambda n: SURNAMES[n % 12] + "ab"[n % 2], ("Nachname|Familienname|Surname|Last name|Nom|Nom de famille|Cognome|"
     "Apellidos|Primer apellido|Achternaam|Name|Patientenname|PatientName|Geburtsname|Mädchenname|Meisjesnaam|Maiden")),
    (lambda n: GIVEN[n % 10], "Vorname|Rufname|First name|Given name|Prénom|Nome|Nombre|Voornaam|Roepnaam|Forename"),
    (lambda n: f"Hauptstrasse {n + 1}", ("Strasse|Straße|Adresse|Anschrift|Street|Home address|Adresse postale|Indirizzo|"
     "Dirección|Domicilio|Straat|Adres|Rue|Via|Calle")),
    (lambda n: 8001 + 37 * n, "PLZ|Postleitzahl|Postcode|ZIP|Zip code|Code postal|CAP|Código postal|CP"),
    (lambda n: ["Zuerich", "Bern", "Basel", "Genf", "Lugano", "Chur"][n % 6], ("Ort|Wohnort|City|Town|Ville|Città|Comune|Ciudad|"
     "Población|Stad|Woonplaats|Gemeinde|Geburtsort|Place of birth|Lieu de naissance|Luogo di nascita|Lugar de nacimiento")),
    (lambda n: f"079 555 {n:02} 34", "Telefon|Tel.|Handy|Mobil|Phone|Mobile|Téléphone|Telefono|Teléfono|Telefoon|GSM|Fax|x1"),
    (lambda n: f"p{n}@example.org", "E-Mail|Email|Courriel|Correo|Posta elettronica|E-mailadres|Kontakt|x2"),
    (lambda n: f"756.{1234 + n}.5678.9{n % 10}", "AHV-Nummer|AHV|N° AVS|Sozialversicherungsnummer|x3"),
    (lambda n: f"1 85 05 78 006 {100 + n} 4{n % 10}", "NIR|N° Sécurité sociale|Numéro INSEE|x4"),
    (lambda n: 123456700 + n, "BSN|Burgerservicenummer|NHS number|Steuernummer|Kontonummer|x5"),
    (lambda n: f"{12345600 + n}Z", "DNI|NIF|Documento de identidad|x6"),
    (lambda n: f"RSSMRA85T{10 + n % 20}A562S", "Codice fiscale|CF|x7"),
    (lambda n: f"943 476 {5900 + n}", "NHS No|National ID|x8"),
    (lambda n: f"123-45-{6700 + n}", "SSN|Social security number|x9"),
    (lambda n: f"CH93 0076 2011 6238 5{100 + n} {n % 10}", "IBAN|Compte bancaire|x10"),
    (lambda n: f"F-{2000 + 7 * n}", ("Fallnummer|Fall-Nr.|Case number|Aufnahmenummer|Numéro de dossier|Numero cartella clinica|"
     "Número de historia clínica|NHC|IPP|Dossiernummer|Accession|Visit number|Laufnummer|Versichertennummer")),
    (lambda n: n + 1, "Código paciente|Patient code|Codice paziente|Lfd. Nr.|Nr|No.|Laufnr|Hausnummer|Huisnummer|House number|Zimmer|Room|Bett|Chambre|Kamer|x11"),
    (lambda n: ["AB", "CD", "EF", "GH", "IJ", "KL"][n % 6], "Initialen|Initials|Initiales|Iniziali|Kürzel"),
    (lambda n: f"Dr. {SURNAMES[n % 3]}", ("Hausarzt|Arzt|Behandler|Zuweiser|Family doctor|Physician|Referring physician|"
     "Surgeon|Médecin traitant|Medico curante|Médico|Huisarts|Operateur|Chirurg|Radiologe|Ansprechpartner|x12")),
    (lambda n: f"{SURNAMES[n % 5]}, {GIVEN[n % 4]}", ("Mutter|Next of kin|Emergency contact|Notfallkontakt|Ehepartner|Padre|"
     "Angehörige|Conjoint|Partner")),
    (lambda n: 1928 + n, "Geburtsjahr|Year of birth|Année de naissance|Anno di nascita|Año de nacimiento|Geboortejaar|x13"),
    (lambda n: 60 + n % 38, "jahre_alt|years old|AgeAtScan|Jahre|Anni|Años|Jaren|Ans|years|x14"),
    (several("Swiss", "German", "French"), "Nationalität|Nationality|Nationalité|Nazionalità|Nacionalidad|Nationaliteit"),
    (several("kath.", "ref.", "none of these"), "Religion|Konfession|Beruf|Occupation|Profession|Professione|Beroep"),
    (lambda n: f"seen on {n % 27 + 1} May 2015 by Mr {SURNAMES[n % 9]}", ("Bemerkung|Kommentar|Notes|Remarques|Osservazioni|"
     "Observaciones|Opmerkingen|History|Anamnese|Freitext|Befund|Krankengeschichte|Anamnesis")),
    (lambda n: f"KH-{n % 3}", "Krankenhaus|Hospital|Spital|Klinik|Hôpital|Ospedale|Ziekenhuis|Abteilung|Ward|Station"),
    (lambda n: 4100 + n, "Extension|Durchwahl|Country|Area|Büro|Bureau|Registration"),
    (lambda n: f"{47 + n / 1777:.5f}", "Latitude|Breitengrad|lon"),
    (lambda n: f"ZH {100200 + n}", "Kennzeichen|License plate|Führerschein|Passport|Reisepass|Passaporto|Pasaporte|Paspoort"),
]  # fmt: skip
HARMLESS = [
    (lambda n: f"C34.{n % 4}", "Diagnosecode|ICD-10|Diagnosis code|Code diagnostic|Diagnosi ICD|Código ICD|ICD code"),
    (lambda n: f"{3 + n / 7:.1f}", "Kreatinin|Creatinine|Créatinine|Potassium|Glucose|HbA1c|CRP|x20|Laktat|Albumin"),
    (lambda n: 90000 + 777 * n, "Thrombozyten|Platelets|Plaquettes|Piastrine|Leukozyten"),
    (lambda n: n % 4, ("Score|ECOG|ASA|NYHA|mRS|Punkte|Punteggio|Puntuación|Anzahl Herde|Number of lesions|Nombre de lésions|"
     "Aantal metastasen|x21|Grad")),
    (lambda n: 55 + n % 60, "SpO2|Gewicht|Weight (kg)|Poids|Peso|Puls|Heart rate|Karnofsky"),
    (lambda n: f"{100 + n} mg", "Dosis|Dose|x22|Menge"),
    (lambda n: f"{110 + n % 30}/{70 + n % 15}", "Blutdruck|Blood pressure|Tension artérielle|Bloeddruk|RR"),
    (several("ja", "nein"), "Raucher|Diabetes|x23|Einwilligung"),
    (several("yes", "no", "unknown"), "Smoker|Hypertension|Metastasis"),
    (several("m", "w"), "Geschlecht|Sex|Sexe|Sesso|Sexo|Geslacht"),
    (several("links", "rechts", "beidseits"), "Seite|Side|Lato|Côté|Zijde|x24"),
    (several("A", "B"), "Group|Gruppe|Arm|x25"),
    (several("Adenokarzinom", "Plattenepithelkarzinom"), "Histologie|Histology|Histologie tumorale|Diagnose"),
    (several("T2N0M0", "T1aN1M0", "T3N2M1"), "TNM|Stadium|Stade"),
    (several("II", "III", "IVa"), "Stage|Grade|x26"),
    (several(*[True, False]), "ok|Rezidiv"),
    (several("08:30", "13:45:10"), "Drawn|Zeit"),
    (lambda n: "", "leer|empty"),
]  # fmt: skip


def columns(kinds, rows=40):
    for value, headings in kinds:
        for heading in headings.split("|"):
            yield heading, [value(n) for n in range(rows)]


def treated(heading, values):
    grid = Grid(
        "t.csv", ("MRN", heading), [[f"P-{n}", value] for n, value in enumerate(values)], range(2, len(values) + 2)
    )
    found = classify(grid, ColumnChoices(), lambda _: "")
    return found.columns[1], [each for each in found.problems if each.field == heading]


def test_there_are_more_than_two_hundred_headings():
    assert len(list(columns(PERSONAL))) >= 200


@pytest.mark.parametrize(
    ("heading", "values"), list(columns(PERSONAL)), ids=lambda each: each if isinstance(each, str) else ""
)
def test_no_column_with_a_persons_data_is_kept_unasked(heading, values):
    column, problems = treated(heading, values)
    assert column.treatment in ("remove", "ask", "age") or problems, column
    assert column.why or problems


@pytest.mark.parametrize(
    ("heading", "values"), list(columns(HARMLESS)), ids=lambda each: each if isinstance(each, str) else ""
)
def test_harmless_columns_are_kept(heading, values):
    column, problems = treated(heading, values)
    assert column.treatment == "keep", column
    assert not problems


@pytest.mark.parametrize("value", [value for value, _ in PERSONAL[:10] + PERSONAL[11:17] + PERSONAL[18:20]])
def test_a_harmless_heading_does_not_let_a_persons_values_through(value):
    for heading in ("Group", "Score", "x", "Diagnose", "Status"):
        values = [value(n) for n in range(40)]
        if isinstance(values[0], int) and heading in ("Score", "Diagnose", "Group", "Status"):
            continue  # whole numbers are what such columns hold
        if len(set(values)) < 20 and heading != "x":
            continue  # few values that patients share are categories
        column, problems = treated(heading, values)
        assert column.treatment == "ask" or problems, (heading, values[0])


@pytest.mark.parametrize(
    "text",
    [
        *("12.5.2015", "12. 5. 2015", "12/05/15", "2015-05-12", "20150512", "12052015", "12.5.", "05/2015", "2015/05"),
        *("12 May 2015", "May 12, 2015", "12th of May", "12. Mai 2015", "am 12. Mai", "im Januar", "le 3 mars 2015"),
        *("1er avril", "il 4 maggio 2015", "el 5 de mayo de 2015", "op 6 mei 2015", "3. Dez. 2014", "Sept. 2014"),
        *(
            "März 2015",
            "1º de abril",
            "20150512101112",
            "seit 12/5",
            "KW 20 2015",
            "2015-W20",
            "12-May-2015",
            "May '15",
        ),
    ],
)
def test_dates_in_texts_are_seen_in_six_languages(text):
    assert holds_date(f"control {text} ok")
    masked = without_dates(f"control {text} ok")
    assert "[date]" in masked
    assert not any(part in masked for part in ("2015", "May", "Mai", "mars", "12", "mayo", "mei"))


@pytest.mark.parametrize(
    "text", ["pain 5/10", "grade 2", "version 1.2", "3 x 4 cm", "since 2015", "RR 120/80", "10 mg"]
)
def test_numbers_that_are_no_dates_stay(text):
    assert without_dates(text) == text
