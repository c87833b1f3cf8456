"""A paragraph for the methods section of a paper, of the numbers and versions of a run, in four languages."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from pacsflow.report.flow import FlowLevel, cohort_flow
from pacsflow.report.records import RunSummary
from pacsflow.wording import Count

Texts = Mapping[str, str]
_ENGLISH: Final[Texts] = {
    "retrieved": "Imaging studies were retrieved from the PACS with pacsflow {pacsflow} (pynetdicom {pynetdicom}, "
    "pydicom {pydicom}) until {day}. Of {rows:row|rows} requested, {going} led to {found:study|studies}, of "
    "which {whole} "
    "were retrieved whole and wanted ({series} series, {images:image|images}).",
    "proof": "That they were whole was verified {how}.",
    "uid": "by SOP Instance UID in {number:study|studies}",
    "count": "by the number of images in {number:study|studies}",
    "retrieval": "by the numbers of the retrieval in {number:study|studies}",
    "cleaned": "Images were de-identified before storage, and each file was verified by independent code; profile: "
    "«{profile}»",
    "none": "Images were not de-identified.",
    "converted": "{number:series was|series were} converted to NIfTI with {by}.",
    "flow": "The flow diagram gives all exclusions with their reasons.",
}
_GERMAN: Final[Texts] = {
    "retrieved": "Die Untersuchungen wurden mit pacsflow {pacsflow} (pynetdicom {pynetdicom}, pydicom {pydicom}) bis "
    "zum {day} aus dem PACS abgerufen. Von {rows:angefragten Zeile|angefragten Zeilen} führten {going} zu "
    "{found:Studie|Studien}, davon "
    "wurden {whole} "
    "vollständig abgerufen und waren gewünscht ({series:Serie|Serien}, {images:Bild|Bilder}).",
    "proof": "Die Vollständigkeit wurde geprüft: {how}.",
    "uid": "anhand der SOP Instance UID bei {number:Studie|Studien}",
    "count": "anhand der Anzahl der Bilder bei {number:Studie|Studien}",
    "retrieval": "anhand der Zahlen des Abrufs bei {number:Studie|Studien}",
    "cleaned": "Die Bilder wurden vor dem Speichern de-identifiziert, jede Datei wurde durch unabhängigen Code "
    "geprüft; "
    "Profil: «{profile}»",
    "none": "Die Bilder wurden nicht de-identifiziert.",
    "converted": "{number:Serie wurde|Serien wurden} mit {by} nach NIfTI konvertiert.",
    "flow": "Das Flussdiagramm nennt alle Ausschlüsse mit ihren Gründen.",
}
_FRENCH: Final[Texts] = {
    "retrieved": "Les examens ont été récupérés depuis le PACS avec pacsflow {pacsflow} (pynetdicom {pynetdicom}, "
    "pydicom {pydicom}) jusqu'au {day}. Sur {rows:ligne demandée|lignes demandées}, {going} ont mené à "
    "{found:étude|études}, dont "
    "{whole} ont été "
    "récupérées entièrement et étaient souhaitées ({series:série|séries}, {images:image|images}).",
    "proof": "Leur intégralité a été vérifiée : {how}.",
    "uid": "par SOP Instance UID pour {number:étude|études}",
    "count": "par le nombre d'images pour {number:étude|études}",
    "retrieval": "par les nombres de la récupération pour {number:étude|études}",
    "cleaned": "Les images ont été dé-identifiées avant l'enregistrement et chaque fichier a été vérifié par un code "
    "indépendant ; profil : « {profile} »",
    "none": "Les images n'ont pas été dé-identifiées.",
    "converted": "{number:série a été convertie|séries ont été converties} en NIfTI avec {by}.",
    "flow": "Le diagramme de flux donne toutes les exclusions avec leurs raisons.",
}
_ITALIAN: Final[Texts] = {
    "retrieved": "Gli esami sono stati recuperati dal PACS con pacsflow {pacsflow} (pynetdicom {pynetdicom}, pydicom "
    "{pydicom}) fino al {day}. Di {rows:riga richiesta|righe richieste}, {going} hanno portato a "
    "{found:studio|studi}, di cui {whole} "
    "recuperati per "
    "intero e desiderati ({series} serie, {images:immagine|immagini}).",
    "proof": "La completezza è stata verificata: {how}.",
    "uid": "tramite SOP Instance UID in {number:studio|studi}",
    "count": "tramite il numero di immagini in {number:studio|studi}",
    "retrieval": "tramite i numeri del recupero in {number:studio|studi}",
    "cleaned": "Le immagini sono state de-identificate prima del salvataggio e ogni file è stato verificato da un "
    "codice indipendente; profilo: «{profile}»",
    "none": "Le immagini non sono state de-identificate.",
    "converted": "{number:serie è stata convertita|serie sono state convertite} in NIfTI con {by}.",
    "flow": "Il diagramma di flusso riporta tutte le esclusioni con i loro motivi.",
}
LANGUAGES: Final[Mapping[str, Texts]] = {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "it": _ITALIAN}


def methods(run: RunSummary) -> dict[str, str]:
    """Language -> the paragraph. Nothing in it tells who patients are."""
    levels = cohort_flow(run)
    return {language: _paragraph(run, levels, texts) for language, texts in LANGUAGES.items()}


def _paragraph(run: RunSummary, levels: list[FlowLevel], texts: Texts) -> str:
    rows, studies, series, images, _ = levels
    told = {"rows": rows.number, "going": rows.kept, "found": studies.number}
    told |= {"whole": studies.kept, "series": series.kept, "images": images.kept}
    numbers = {name: Count(number) for name, number in told.items()}
    versions = {name: run.versions.get(name, "?") for name in ("pacsflow", "pynetdicom", "pydicom")}
    sentences = [texts["retrieved"].format(**numbers, **versions, day=f"{run.ended:%Y-%m-%d}")]
    if how := _proven(run, texts):
        sentences.append(texts["proof"].format(how=how))
    if run.identifiable:
        sentences.append(texts["none"])
    elif run.profile:
        profile = [run.profile[0], *(one for one in run.profile[1:] if one.startswith(("Dates", "Private")))]
        sentences.append(texts["cleaned"].format(profile=" ".join(profile)))
    converted = sum(one.converted[0] == "done" for study in run.studies for one in study.series)
    if converted and run.converters:
        by = ", ".join(f"{name} {run.versions.get(name, '')}".strip() for name in run.converters)
        sentences.append(texts["converted"].format(number=Count(converted), by=by))
    return " ".join([*sentences, texts["flow"]])


def _proven(run: RunSummary, texts: Texts) -> str:
    """How it is known that whole studies are whole, with the number of studies."""
    found = Counter(study.state.proof for study in run.studies if study.status == "complete")
    told: Callable[[str], str] = lambda kind: texts[kind].format(number=Count(found[kind]))  # noqa: E731
    return ", ".join(told(kind) for kind in ("uid", "count", "retrieval") if found[kind])
