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
    "Next run: {when}": ("Nächster Lauf: {when}", "Prochaine exécution : {when}"),
    "Next run: when somebody starts it": (
        "Nächster Lauf: wenn ihn jemand startet",
        "Prochaine exécution : quand quelqu'un la démarre",
    ),
    "Next run: when somebody starts it; its schedule is not deployed": (
        "Nächster Lauf: wenn ihn jemand startet; sein Zeitplan ist nicht eingerichtet (deploy)",
        "Prochaine exécution : quand quelqu'un la démarre ; son calendrier n'est pas déployé",
    ),
    "Next run: Prefect's server does not answer": (
        "Nächster Lauf: der Server von Prefect antwortet nicht",
        "Prochaine exécution : le serveur de Prefect ne répond pas",
    ),
    "Paused by {by}": ("Unterbrochen von {by}", "Suspendu par {by}"),
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
    "Move over from another system": ("Von einem anderen System umziehen", "Reprendre d'un autre système"),
    "System": ("System", "Système"),
    "Configuration": ("Konfiguration", "Configuration"),
    "A further file": ("Eine weitere Datei", "Un autre fichier"),
    "New ids (JSON of PACSMAN's anonymiser), where there are any": (
        "Neue Kennungen (JSON des Anonymisierers von PACSMAN), falls vorhanden",
        "Nouveaux identifiants (JSON de l'anonymiseur de PACSMAN), s'il y en a",
    ),
    "Channels (JSON), where they are not in the old keyring": (
        "Kanäle (JSON), wenn sie nicht im alten Schlüsselbund sind",
        "Canaux (JSON), s'ils ne sont pas dans l'ancien trousseau",
    ),
    "Name of the peer to ask; left out: the default source": (
        "Name der Gegenstelle; leer: die übliche Quelle",
        "Nom du pair à interroger ; vide : la source habituelle",
    ),
    "Move it over": ("Umziehen", "Reprendre"),
    "the query is not handed in yet": ("die Abfrage fehlt noch", "la requête manque encore"),
    "What means something else now": ("Was jetzt etwas anderes bedeutet", "Ce qui a un autre sens maintenant"),
}
"""English -> German, French."""
