"""What clinicians read on the page, in German, French and Italian beside English; a button on the page chooses."""

import re
from collections.abc import Container
from typing import Final

from markupsafe import Markup, escape

LANGUAGES: Final = ("de", "fr", "it")
_WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "rows": ("Zeilen", "lignes", "righe"),
    "row": ("Zeile", "ligne", "riga"),
    "studies": ("Studien", "études", "studi"),
    "study": ("Studie", "étude", "studio"),
    "series": ("Serien", "séries", "serie"),
    "images": ("Bilder", "images", "immagini"),
    "image": ("Bild", "image", "immagine"),
    "received": ("empfangen", "reçu", "ricevuto"),
    "Found": ("Gefunden", "Trouvé", "Trovato"),
    "Fetched": ("Abgerufen", "Récupéré", "Recuperato"),
    "Received": ("Empfangen", "Reçu", "Ricevuto"),
    "De-identified": ("De-identifiziert", "Dé-identifié", "De-identificato"),
    "Converted": ("Konvertiert", "Converti", "Convertito"),
    "Delivered": ("Ausgeliefert", "Livré", "Consegnato"),
    "Sent on": ("Weitergesendet", "Transmis", "Inoltrato"),
    "Wants attention": ("Braucht Aufmerksamkeit", "Demande attention", "Richiede attenzione"),
    "What to do:": ("Was zu tun ist:", "Que faire :", "Cosa fare:"),
    "Held for a person": ("Wartet auf eine Person", "En attente d'une personne", "In attesa di una persona"),
    "Failed rows": ("Fehlgeschlagene Zeilen", "Lignes en échec", "Righe fallite"),
    "Incomplete or failed studies": (
        "Unvollständige oder fehlgeschlagene Studien", "Études incomplètes ou en échec", "Studi incompleti o falliti",
    ),
    "Offline or locked at the PACS": (
        "Im PACS ausgelagert oder gesperrt", "Hors ligne ou verrouillé dans le PACS", "Offline o bloccato nel PACS",
    ),
    "Not delivered": ("Nicht ausgeliefert", "Non livré", "Non consegnato"),
    "Unmatched rows": ("Zeilen ohne Treffer", "Lignes sans résultat", "Righe senza risultato"),
    "Not converted": ("Nicht konvertiert", "Non converti", "Non convertito"),
    "Warnings": ("Warnungen", "Avertissements", "Avvisi"),
    "Pictures": ("Bilder", "Aperçus", "Anteprime"),
    "Rows": ("Zeilen", "Lignes", "Righe"),
    "Row": ("Zeile", "Ligne", "Riga"),
    "Status": ("Status", "Statut", "Stato"),
    "Reason": ("Grund", "Raison", "Motivo"),
    "Pseudonym": ("Pseudonym", "Pseudonyme", "Pseudonimo"),
    "Proof": ("Nachweis", "Preuve", "Prova"),
    "From rows to images": ("Von Zeilen zu Bildern", "Des lignes aux images", "Dalle righe alle immagini"),
    "For the methods section": ("Für den Methodenteil", "Pour la section méthodes", "Per la sezione metodi"),
    "De-identification": ("De-Identifizierung", "Dé-identification", "De-identificazione"),
    "Made with": ("Erstellt mit", "Réalisé avec", "Realizzato con"),
    "asked for": ("angefragt", "demandées", "richieste"),
    "found": ("gefunden", "trouvées", "trovati"),
    "in whole studies": ("in vollständigen Studien", "dans des études entières", "in studi interi"),
    "of wanted series": ("aus gewünschten Serien", "des séries souhaitées", "delle serie desiderate"),
    "whole": ("vollständig", "entières", "interi"),
    "kept": ("behalten", "gardées", "tenuti"),
    "complete": ("vollständig", "complet", "completo"),
    "partly": ("teilweise", "partiel", "parziale"),
    "paused": ("angehalten", "en pause", "in pausa"),
    "held": ("wartet", "en attente", "in attesa"),
    "unmatched": ("ohne Treffer", "sans résultat", "senza risultato"),
    "refused": ("abgelehnt", "refusé", "rifiutato"),
    "excluded": ("ausgeschlossen", "exclu", "escluso"),
    "dropped": ("verworfen", "écarté", "scartato"),
    "failed": ("fehlgeschlagen", "échec", "fallito"),
    "incomplete": ("unvollständig", "incomplet", "incompleto"),
    "undelivered": ("nicht ausgeliefert", "non livré", "non consegnato"),
    "unsigned": ("wartet auf Freigabe", "attend une validation", "attende un'approvazione"),
    "partial": ("teilweise", "partiel", "parziale"),
}  # fmt: skip
_ROW: Final = re.compile(r"\brow (\d+)")


def spoken(english: str) -> Markup:
    """A word or heading with its translations, for the page's button; as it is where there are none."""
    if english not in _WORDS:
        return escape(english)
    told = Markup("").join(
        Markup(' data-{}="{}"').format(language, word)
        for language, word in zip(LANGUAGES, _WORDS[english], strict=True)
    )
    return Markup('<span class="t"{}>{}</span>').format(told, english)


def linked(text: str, rows: Container[int]) -> Markup:
    """`row 12` in a text as a link to that row of the page, as far as the page shows it. `rows`: those it shows."""
    parts, at = [], 0
    for found in _ROW.finditer(text):
        if int(found[1]) in rows:
            parts += [escape(text[at : found.start()]), Markup('<a href="#row-{}">{}</a>').format(found[1], found[0])]
            at = found.end()
    return Markup("").join([*parts, escape(text[at:])])
