"""Words of the page of de-identification."""

from typing import Final

WORDS: Final = {
    "What stays": ("Was bleibt", "Ce qui reste"),
    "What the profile does": ("Was das Profil tut", "Ce que fait le profil"),
    "Private elements that the standard lists as safe stay": (
        "Private Elemente, die der Standard als sicher nennt, bleiben",
        "Les éléments privés que la norme dit sûrs restent",
    ),
    "UIDs stay: instances can be traced to the PACS by a person who may query it": (
        "UIDs bleiben: wer das PACS abfragen darf, kann Instanzen dorthin verfolgen",
        "Les UID restent : qui peut interroger le PACS y retrouve les instances",
    ),
    "Station, serial number and other names of the device stay": (
        "Station, Seriennummer und andere Namen des Geräts bleiben",
        "Station, numéro de série et autres noms de l'appareil restent",
    ),
    "Names and addresses of institutions stay": (
        "Namen und Adressen von Institutionen bleiben",
        "Noms et adresses des institutions restent",
    ),
    "Sex, age (over 89 years: 90), size and weight stay": (
        "Geschlecht, Alter (über 89 Jahre: 90), Grösse und Gewicht bleiben",
        "Sexe, âge (plus de 89 ans : 90), taille et poids restent",
    ),
    "Dates and times stay as they are": (
        "Daten und Uhrzeiten bleiben, wie sie sind",
        "Dates et heures restent telles quelles",
    ),
    "Dates are moved by days that are the patient's own; intervals stay": (
        "Daten werden je Patient um eigene Tage verschoben; Abstände bleiben",
        "Les dates sont déplacées d'un nombre de jours propre au patient ; les intervalles restent",
    ),
    "Descriptions and comments are cleaned instead of removed": (
        "Beschreibungen und Kommentare werden gereinigt statt entfernt",
        "Descriptions et commentaires sont nettoyés au lieu d'être supprimés",
    ),
    "Content of structured reports is cleaned item by item": (
        "Inhalte strukturierter Berichte werden Punkt für Punkt gereinigt",
        "Le contenu des rapports structurés est nettoyé point par point",
    ),
    "Graphic annotations are cleaned instead of removed": (
        "Grafische Anmerkungen werden gereinigt statt entfernt",
        "Les annotations graphiques sont nettoyées au lieu d'être supprimées",
    ),
    "Attributes that the standard does not list": (
        "Attribute, die der Standard nicht nennt",
        "Attributs que la norme ne cite pas",
    ),
    "Images at risk of burned-in text": (
        "Bilder, in denen Text eingebrannt sein kann",
        "Images où du texte peut être incrusté",
    ),
    "Study ID and accession number": ("Studien-ID und Auftragsnummer", "Identifiant d'étude et numéro de demande"),
    "Verification of what was cleaned": ("Prüfung des Gereinigten", "Vérification de ce qui a été nettoyé"),
}
"""English -> German, French."""
