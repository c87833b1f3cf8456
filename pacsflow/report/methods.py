"""A paragraph for the methods section of a paper, of the numbers and versions of a run, in four languages."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from pacsflow.report.flow import FlowLevel, cohort_flow
from pacsflow.report.records import RunSummary

Texts = Mapping[str, str]
_ENGLISH: Final[Texts] = {
    "retrieved": "Imaging studies were retrieved from the PACS with pacsflow {pacsflow} (pynetdicom {pynetdicom}, "
    "pydicom {pydicom}) until {day}. Of {rows} rows requested, {going} led to {found} studies, of which {whole} "
    "were retrieved "
    "whole and wanted ({series} series, {images} images).",
    "proof": "That they were whole was verified {how}.",
    "uid": "by SOP Instance UID in {number} studies",
    "count": "by the number of images in {number} studies",
    "retrieval": "by the numbers of the retrieval in {number} studies",
    "cleaned": "Images were de-identified before storage, and each file was verified by independent code; profile: "
    "«{profile}»",
    "none": "Images were not de-identified.",
    "converted": "{number} series were converted to NIfTI with {by}.",
    "flow": "The flow diagram gives all exclusions with their reasons.",
}
_GERMAN: Final[Texts] = {
    "retrieved": "Die Untersuchungen wurden mit pacsflow {pacsflow} (pynetdicom {pynetdicom}, pydicom {pydicom}) bis "
    "zum {day} aus dem PACS abgerufen. Von {rows} angefragten Zeilen führten {going} zu {found} Studien, davon "
    "wurden {whole} "
    "vollständig abgerufen und waren gewünscht ({series} Serien, {images} Bilder).",
    "proof": "Die Vollständigkeit wurde geprüft: {how}.",
    "uid": "anhand der SOP Instance UID bei {number} Studien",
    "count": "anhand der Anzahl der Bilder bei {number} Studien",
    "retrieval": "anhand der Zahlen des Abrufs bei {number} Studien",
    "cleaned": "Die Bilder wurden vor dem Speichern de-identifiziert, jede Datei wurde durch unabhängigen Code "
    "geprüft; "
    "Profil: «{profile}»",
    "none": "Die Bilder wurden nicht de-identifiziert.",
    "converted": "{number} Serien wurden mit {by} nach NIfTI konvertiert.",
    "flow": "Das Flussdiagramm nennt alle Ausschlüsse mit ihren Gründen.",
}
_FRENCH: Final[Texts] = {
    "retrieved": "Les examens ont été récupérés depuis le PACS avec pacsflow {pacsflow} (pynetdicom {pynetdicom}, "
    "pydicom {pydicom}) jusqu'au {day}. Sur {rows} lignes demandées, {going} ont mené à {found} études, dont "
    "{whole} ont été "
    "récupérées entièrement et étaient souhaitées ({series} séries, {images} images).",
    "proof": "Leur intégralité a été vérifiée : {how}.",
    "uid": "par SOP Instance UID pour {number} études",
    "count": "par le nombre d'images pour {number} études",
    "retrieval": "par les nombres de la récupération pour {number} études",
    "cleaned": "Les images ont été dé-identifiées avant l'enregistrement et chaque fichier a été vérifié par un code "
    "indépendant ; profil : « {profile} »",
    "none": "Les images n'ont pas été dé-identifiées.",
    "converted": "{number} séries ont été converties en NIfTI avec {by}.",
    "flow": "Le diagramme de flux donne toutes les exclusions avec leurs raisons.",
}
_ITALIAN: Final[Texts] = {
    "retrieved": "Gli esami sono stati recuperati dal PACS con pacsflow {pacsflow} (pynetdicom {pynetdicom}, pydicom "
    "{pydicom}) fino al {day}. Di {rows} righe richieste, {going} hanno portato a {found} studi, di cui {whole} "
    "recuperati per "
    "intero e desiderati ({series} serie, {images} immagini).",
    "proof": "La completezza è stata verificata: {how}.",
    "uid": "tramite SOP Instance UID in {number} studi",
    "count": "tramite il numero di immagini in {number} studi",
    "retrieval": "tramite i numeri del recupero in {number} studi",
    "cleaned": "Le immagini sono state de-identificate prima del salvataggio e ogni file è stato verificato da un "
    "codice indipendente; profilo: «{profile}»",
    "none": "Le immagini non sono state de-identificate.",
    "converted": "{number} serie sono state convertite in NIfTI con {by}.",
    "flow": "Il diagramma di flusso riporta tutte le esclusioni con i loro motivi.",
}
LANGUAGES: Final[Mapping[str, Texts]] = {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "it": _ITALIAN}


def methods(run: RunSummary) -> dict[str, str]:
    """Language -> the paragraph. Nothing in it tells who patients are."""
    levels = cohort_flow(run)
    return {language: _paragraph(run, levels, texts) for language, texts in LANGUAGES.items()}


def _paragraph(run: RunSummary, levels: list[FlowLevel], texts: Texts) -> str:
    rows, studies, series, images, _ = levels
    numbers: dict[str, int | str] = {"rows": rows.number, "going": rows.kept, "found": studies.number}
    numbers |= {"whole": studies.kept, "series": series.kept, "images": images.kept, "day": f"{run.ended:%Y-%m-%d}"}
    versions = {name: run.versions.get(name, "?") for name in ("pacsflow", "pynetdicom", "pydicom")}
    sentences = [texts["retrieved"].format(**numbers, **versions)]
    if how := _proven(run, texts):
        sentences.append(texts["proof"].format(how=how))
    if run.identifiable:
        sentences.append(texts["none"])
    elif run.profile:
        told = [run.profile[0], *(one for one in run.profile[1:] if one.startswith(("Dates", "Private")))]
        sentences.append(texts["cleaned"].format(profile=" ".join(told)))
    converted = sum(one.converted[0] == "done" for study in run.studies for one in study.series)
    if converted and run.converters:
        by = ", ".join(f"{name} {run.versions.get(name, '')}".strip() for name in run.converters)
        sentences.append(texts["converted"].format(number=converted, by=by))
    return " ".join([*sentences, texts["flow"]])


def _proven(run: RunSummary, texts: Texts) -> str:
    """How it is known that whole studies are whole, with the number of studies."""
    found = Counter(study.state.proof for study in run.studies if study.status == "complete")
    told: Callable[[str], str] = lambda kind: texts[kind].format(number=found[kind])  # noqa: E731
    return ", ".join(told(kind) for kind in ("uid", "count", "retrieval") if found[kind])
