"""What a heading means, in German, French, Italian, Spanish, Dutch and English: folded, in words and in stems."""

import re
import unicodedata
from typing import Final, Literal

Meaning = Literal["patient", "issuer", "birth", "age", "name", "identity", "person", "number", "clinical", ""]
"""`name`, `identity`: names and numbers of people, by which a table is searched, too. `person`: what else tells
about a person. `number`: some number or id. `clinical`: measurements, scores, diagnoses, treatments."""

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LETTERS: Final = re.compile(r"[a-z]+")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PATIENT: Final = _set(
    """
    patientid idpatient mrn patientnumber patientno patientnr pid patientennummer patientennr patientenid patnr
    patid numeropatient nopatient numpatient idpaciente numeropaciente idpaziente numeropaziente patientnummer
    patientidentifier
    """
)
_ISSUER: Final = _set("issuer issuerofpatientid")
_AGE: Final = _set("age alter lebensalter patientenalter eta edad leeftijd patientage erkrankungsalter diagnosealter")
_AGES: Final = ("alterbei", "alterin", "alterzum", "ageat", "agein", "ageyears", "edadal", "edaden", "leeftijdbij")
_BIRTH: Final = _set("geburt gebdat birth naissance nascita nacimiento geboorte neele fechanac fnac datanasc gebdt")
_BIRTH_WORDS: Final = _set("dob ddn geb gebd nato nata nacido nacida")
_COUNTS: Final = re.compile(r"(number|no|nr|num|count|nombre|nb|anzahl|aantal)\s+(of|de|d|des|der|an)\b|anzahl|aantal")

_NAME: Final = _set(
    """
    vorname nachname familienname surname lastname firstname givenname forename maiden fullname middlename nickname
    prenom nomfamille nomdefamille nomusuel nomnaissance cognome apellid voornaam achternaam tussenvoegsel signature
    unterschrift handtekening hausarzt arzt aerzt doktor physician medecin huisarts doctor operateur zuweiser
    einweiser uberweiser referring referrer behandler surgeon chirurgien cirujano pruefarzt untersucher befunder
    nurse pfleger krankenschwester infermier enfermer infirmier verpleeg investigator radiologist radiologe
    radiologue radioloog angehorig nextofkin ehefrau ehemann ehepartner conjoint coniuge conyuge echtgeno spouse
    guardian vormund betreuer notfallkontakt ansprechpartner contactpers hebamme clinician therapist responsable
    arbeitgeber employer employeur werkgever empleador
    """
)
_NAME_WORDS: Final = _set(
    """
    initials initialen initiales iniziali iniciales name names namen nom noms nombre nombres nome naam dr doc arts
    medico medici medica mutter mother mere madre moeder vater father pere padre vader partner kin relative
    relatives tutor tuteur technician mta operator user username reporter author autor auteur radiologo chirurgo
    firma
    """
)
_IDENTITY: Final = _set(
    """
    telefon telephon phone handy natel cellular telefoon fax mail email correo courriel whatsapp skype facebook
    twitter instagram website homepage ipaddress adress address adres anschrift strasse street indirizz direccion
    domicil calle straat hausn hausnummer housenumber huisn plz postleit postcode zipcode postal postfach postbus
    pobox wohnort wohnsitz woonplaats ahv burgerservice codicefiscal fiscal socialsec sozialvers securitesoc
    seguridadsoc seguridad securite steuer taxid passport passeport pasaporte passaport reisepass paspoort ausweis
    identitat identite identita identidad identiteit cedula rijksregister personnummer personalnummer nationalid
    fuhrerschein licence license permisdecond patentedig rijbewijs kennzeichen licenceplate licenseplate vehicle
    iban driverslicen driverlicen comptebanc numerodecompte cuentabanc numerocuenta medicare kontonummer bankaccount
    kreditkart creditcard cartedecredit versicher insurance assurance assicur asegur verzeker krankenkasse mutuelle
    tessera kvnr beneficiar fallnummer fallnr fallid casenumber caseid aufnahmenummer visitnumber encounter
    accession auftragsnummer ordernumber befundnummer dossier historiaclin numerohistoria cartellaclin aktenzeichen
    aktennummer medicalrecord healthnumber socialnumber password passwor login numeross rekening registratienum
    nationalnum codigopaciente codicepaziente codepatient patientcode patientencode patientkey patientencodenummer
    codicepaz codigopac pacientecod
    """
)
_IDENTITY_WORDS: Final = _set(
    """
    tel gsm mob mobil mobile movil mobiltelefon mobilnummer photo foto portable str rue viale piazza zip avs nir nss
    insee bsn dni nie nif cf nhs ssn tin chi svnr rvnr svn egk ipp iep nhc nhi mbi bic conto url web ip uuid guid
    contact kontakt contatto contacto plate seguro polizza poliza police polis
    """
)
_PERSON: Final = _set(
    """
    stadt geburtsort ciudad poblacion citta gemeinde gemeente municip kanton bundesland region provinc departement
    quartier country latitud longitud geoloc koordinat coordinat coordonn coordenad location beruf occupation
    profession ocupacion beroep employ religi konfession confession nationalit nacionalidad nazionalit staatsang
    citizenship ciudadania cittadinanza staatsburg ethni etnia language sprache langue lingua idioma zivilstand
    familienstand marital etatcivil statocivile estadocivil burgerlijk income einkommen revenu inkomen hospital
    krankenhaus spital klinik hopital ospedale ziekenhuis clinique abteilung reparto servicio afdeling department
    zimmer chambre camera habitacion kamer institution institut zentrum picture fingerabdruck fingerprint empreinte
    herkunft migrat residen schule school ecole scuola escuela
    """
)
_PERSON_WORDS: Final = _set(
    """
    ort lieu luogo lugar plaats city town ville stad village dorf comune commune land pays pais paese staat state
    county district bezirk lat lon lng gps geo job religione culte taal race rasse ras raza razza canton station
    ward room bett bed lit letto cama clinic clinica praxis practice ziviler bild
    """
)
_NUMBER_WORDS: Final = _set(
    """
    id ids nr no num nummer number numero numeros kennung kennziffer kennnummer barcode key serial seriennummer lfd
    laufnummer index1 identifier bezeichner schlussel laufnr pseudonym code1 zeile row record identifiant
    identificativo identificador identificatie
    """
)
_CLINICAL: Final = _set(
    """
    leuko leuco thrombo platelet plaquette piastrin plaquetas bloedplaat hamoglobin hemoglobin haemoglobin kreatinin
    creatinin egfr ferritin bilirub glucos glukos glyca cholest triglyc natrium sodium kalium potassium calcium
    troponin lympho lymph neutro eosino albumin protein harnstoff laktat lactat sauerstoff oxygen saturation marker
    gewicht weight poids peso groesse grosse height taille statura altura altezza lengte puls herzfrequenz heartrate
    frequenz frequen blutdruck bloodpressure pressure pressione presion bloeddruk systol diastol temperatur volum
    dosis dosage suvmax thickness dicke diamet durchmesser flache slice tumor lasion lesion metasta score skala
    scale scala escala echelle schaal punkte punteggio puntuacion karnofsky nihss gleason birads pirads lirads
    stadium stadio estadio diagnos icd histolog histopath befundklasse mutation treatment therap terapia traitement
    tratamiento behandlung behandeling medikament medicat wirkstoff chemo radiother group gruppe groupe gruppo grupo
    groep cohort kohort outcome response ansprechen remission relapse rezidiv recidiv geschlecht gender geslacht
    smok rauch fumeur fumatore fumador roken lateral timepoint zeitpunkt baseline followup modalit sequence scanner
    fieldstrength blutgruppe bloodtype allerg diabetes hypertens comorb anzahl aantal grading percent prozent
    survival uberleben pregnan schwanger progress infarkt stroke schichtdicke spo2 hba1c bloodcount cellcount
    """
)
_CLINICAL_WORDS: Final = _set(
    """
    wbc rbc hb hgb crp gfr ldh psa cea afp alt ast got gpt ggt alp hba1c hba hdl ldl tsh bnp inr quick ptt ph spo
    hct size hu adc suv te tr bmi imc pulse rr bp temp dose index indice mrs ecog asa gcs mmse moca edss updrs
    apache sofa nyha ccs kps tnm grade grad grado graad stage stade ops egfr kras her drug arm sex sexe sesso sexo
    status side seite cote lato lado zijde visit visite months days volume heart count tumour result score ratio
    urea tension schicht percentage
    """
)


def folded(heading: str) -> str:
    """A heading in lower-case words without accents: `GrößeTumor_mm` -> `grosse tumor mm`."""
    text = unicodedata.normalize("NFKD", _CAMEL.sub(" ", heading).replace("ß", "ss"))
    plain = "".join(letter for letter in text if not unicodedata.combining(letter)).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


def meaning(heading: str) -> Meaning:
    """What a heading says by itself; '' where it says nothing that is known."""
    text = folded(heading)
    words, joined = set(_LETTERS.findall(text)), text.replace(" ", "")
    if joined in _PATIENT or joined in _ISSUER:
        return "issuer" if joined in _ISSUER else "patient"
    if words & _AGE or "old" in words or {"jahre", "alt"} <= words or joined.startswith(_AGES):
        return "age"
    if words & _BIRTH_WORDS or _holds(joined, _BIRTH):
        return "birth"
    if _COUNTS.match(text) and not _holds(joined, _IDENTITY):
        return "clinical"
    return _of_person(words, joined)


def clinical(heading: str) -> bool:
    """Whether a heading speaks of a measurement, a score, a diagnosis or a treatment, whatever else it speaks of."""
    text = folded(heading)
    return bool(set(_LETTERS.findall(text)) & _CLINICAL_WORDS) or _holds(text.replace(" ", ""), _CLINICAL)


def _of_person(words: set[str], joined: str) -> Meaning:
    if words & _NAME_WORDS or _holds(joined, _NAME) or joined.endswith(("name", "namen", "naam")):
        return "name"
    if words & _IDENTITY_WORDS or _holds(joined, _IDENTITY):
        return "identity"
    if words & _PERSON_WORDS or _holds(joined, _PERSON) or joined.endswith(("wohnort", "heimatort", "burgerort")):
        return "person"
    if words & _NUMBER_WORDS or joined.endswith(("nummer", "nr", "number")):
        return "number"
    return "clinical" if words & _CLINICAL_WORDS or _holds(joined, _CLINICAL) else ""


def _holds(joined: str, stems: frozenset[str]) -> bool:
    return any(stem in joined for stem in stems)
