"""Words of the frame around all pages, and of the doors."""

from typing import Final

WORDS: Final = {
    "Projects": ("Projekte", "Projets"),
    "Node": ("Knoten", "Nœud"),
    "Query": ("Abfrage", "Requête"),
    "De-identify": ("De-Identifizieren", "Dé-identifier"),
    "Find and choose": ("Finden und wählen", "Trouver et choisir"),
    "Run": ("Lauf", "Exécution"),
    "Receiver": ("Empfänger", "Récepteur"),
    "Results": ("Ergebnisse", "Résultats"),
    "Sign-off": ("Freigabe", "Validation"),
    "Log in": ("Anmelden", "Se connecter"),
    "Log out": ("Abmelden", "Se déconnecter"),
    "Name": ("Name", "Nom"),
    "Password": ("Passwort", "Mot de passe"),
    "Language": ("Sprache", "Langue"),
    "Navigation": ("Navigation", "Navigation"),
    "Skip to the content": ("Zum Inhalt springen", "Aller au contenu"),
    "Another browser": ("Weiterer Browser", "Autre navigateur"),
    "This link lets one browser in, once, within 15 minutes": (
        "Dieser Link lässt einen Browser ein, einmal, innerhalb von 15 Minuten",
        "Ce lien laisse entrer un navigateur, une fois, dans les 15 minutes",
    ),
    "Close": ("Schliessen", "Fermer"),
    "Cancel": ("Abbrechen", "Annuler"),
    "Save": ("Speichern", "Enregistrer"),
    "You may look, and need the role `{role}` for this": (
        "Sie dürfen ansehen; hierfür ist die Rolle `{role}` nötig",
        "Vous pouvez regarder ; il faut le rôle `{role}` pour cela",
    ),
    "What to do: {fix}": ("Was zu tun ist: {fix}", "Que faire : {fix}"),
    "The console has a fault: {kind}. Its details are with the console's process": (
        "Die Konsole hat einen Fehler: {kind}. Einzelheiten liegen beim Prozess der Konsole",
        "La console a une erreur : {kind}. Les détails sont auprès du processus de la console",
    ),
    "There is no such page": ("Diese Seite gibt es nicht", "Cette page n'existe pas"),
    "There is no project of that name here": (
        "Hier gibt es kein Projekt dieses Namens",
        "Il n'y a pas de projet de ce nom ici",
    ),
    "Wrong name or password": ("Name oder Passwort falsch", "Nom ou mot de passe incorrect"),
    "Too many wrong passwords; try again in five minutes": (
        "Zu viele falsche Passwörter; versuchen Sie es in fünf Minuten wieder",
        "Trop de mots de passe incorrects ; réessayez dans cinq minutes",
    ),
    "This link was used already, or is too old": (
        "Dieser Link wurde schon benutzt oder ist zu alt",
        "Ce lien a déjà été utilisé ou est trop ancien",
    ),
    "Ask for another one under `Another browser` where somebody is logged in, or start the console again": (
        "Verlangen Sie einen neuen unter «Weiterer Browser», wo jemand angemeldet ist, oder starten Sie neu",
        "Demandez-en un autre sous « Autre navigateur » là où quelqu'un est connecté, ou redémarrez la console",
    ),
    "Open the link that `pacsflow console` printed where it was started": (
        "Öffnen Sie den Link, den `pacsflow console` beim Start ausgegeben hat",
        "Ouvrez le lien que `pacsflow console` a affiché au démarrage",
    ),
    "Log in by way of {host}": ("Anmelden über {host}", "Se connecter par {host}"),
    "You could not be logged in: {why}": (
        "Sie konnten nicht angemeldet werden: {why}",
        "Vous n'avez pas pu être connecté : {why}",
    ),
    "Try again": ("Noch einmal", "Réessayer"),
    "You are logged out": ("Sie sind abgemeldet", "Vous êtes déconnecté"),
    "Go on": ("Weiter", "Continuer"),
    "{name} is here": ("{name} ist angemeldet", "{name} est connecté"),
}
"""English -> German, French."""
