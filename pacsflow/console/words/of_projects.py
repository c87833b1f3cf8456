"""Words of the page of projects."""

from typing import Final

WORDS: Final = {
    "New project": ("Neues Projekt", "Nouveau projet"),
    "There is no project in this folder yet": (
        "In diesem Ordner gibt es noch kein Projekt",
        "Il n'y a pas encore de projet dans ce dossier",
    ),
    "Mistakes in its files: {number}": ("Fehler in seinen Dateien: {number}", "Erreurs dans ses fichiers : {number}"),
    "{done} of {rows:row|rows} done": (
        "{done} von {rows:Zeile|Zeilen} erledigt",
        "{done} sur {rows:ligne terminée|lignes terminées}",
    ),
    "Rows done": ("Erledigte Zeilen", "Lignes terminées"),
    "not yet": ("noch keiner", "pas encore"),
    "Last report: {when}": ("Letzter Bericht: {when}", "Dernier rapport : {when}"),
    "Rows that wait for a person: {number}": (
        "Zeilen, die auf eine Person warten: {number}",
        "Lignes qui attendent une personne : {number}",
    ),
    "The plan waits for approval": ("Der Plan wartet auf Freigabe", "Le plan attend une approbation"),
    "Name: small letters, digits, - and _": (
        "Name: Kleinbuchstaben, Ziffern, - und _",
        "Nom : minuscules, chiffres, - et _",
    ),
    "is not a name for a project": ("ist kein Name für ein Projekt", "n'est pas un nom de projet"),
    "What to begin with": ("Womit begonnen wird", "Par quoi commencer"),
    "Begin it": ("Beginnen", "Commencer"),
    "{name} is begun": ("{name} ist begonnen", "{name} est commencé"),
    "Its key is {key}: keep a copy in a safe place": (
        "Sein Schlüssel ist {key}: bewahren Sie eine Kopie sicher auf",
        "Sa clé est {key} : gardez-en une copie en lieu sûr",
    ),
    "It writes to {place}": ("Es schreibt nach {place}", "Il écrit dans {place}"),
}
"""English -> German, French."""
