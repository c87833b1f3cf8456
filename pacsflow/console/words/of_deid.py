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
    "A header before and after": ("Ein Header vorher und nachher", "Un en-tête avant et après"),
    "One image is asked of the node, cleaned in memory, shown, and let go; nothing is written.": (
        "Ein Bild wird beim Knoten geholt, im Speicher bereinigt, gezeigt und verworfen; nichts wird geschrieben.",
        "Une image est demandée au nœud, nettoyée en mémoire, montrée puis oubliée ; rien n'est écrit.",
    ),
    "Series that rows found": ("Serien, die Zeilen fanden", "Séries que des lignes ont trouvées"),
    "Fetch one image and show": ("Ein Bild holen und zeigen", "Récupérer une image et montrer"),
    "only what changes": ("nur was sich ändert", "seulement ce qui change"),
    "no row has found a series yet; plan first": (
        "noch keine Zeile hat eine Serie gefunden; planen Sie zuerst",
        "aucune ligne n'a encore trouvé de série ; planifiez d'abord",
    ),
    "{number:element|elements}, {changed} of them changed": (
        "{number:Element|Elemente}, {changed} davon geändert",
        "{number:élément|éléments}, dont {changed} avec changement",
    ),
    "Element": ("Element", "Élément"),
    "before": ("vorher", "avant"),
    "after": ("nachher", "après"),
    "removed": ("entfernt", "supprimé"),
    "Images that wait for a look": ("Bilder, die angesehen werden müssen", "Images à regarder"),
    "a picture that waits for a look": ("ein Bild, das angesehen werden muss", "une image à regarder"),
    "no image waits for a look": ("kein Bild muss angesehen werden", "aucune image n'est à regarder"),
    "{name}: {images:image|images}": ("{name}: {images:Bild|Bilder}", "{name} : {images:image|images}"),
    "Mask the boxes": ("Rechtecke schwärzen", "Masquer les rectangles"),
    "Let them pass": ("Durchlassen", "Laisser passer"),
    "Refuse them": ("Zurückweisen", "Refuser"),
    "Another picture": ("Ein anderes Bild", "Une autre image"),
    "top": ("oben", "haut"),
    "left": ("links", "gauche"),
    "bottom": ("unten", "bas"),
    "right": ("rechts", "droite"),
    "Add the box": ("Rechteck hinzufügen", "Ajouter le rectangle"),
    "Take away": ("Wegnehmen", "Enlever"),
    "a box has four numbers": ("ein Rechteck hat vier Zahlen", "un rectangle a quatre nombres"),
    "draw a box first": ("zeichnen Sie zuerst ein Rechteck", "dessinez d'abord un rectangle"),
    "Written into deid.yaml; the next run fetches these images again": (
        "In deid.yaml geschrieben; der nächste Lauf holt diese Bilder wieder",
        "Écrit dans deid.yaml ; la prochaine exécution récupère ces images",
    ),
}
"""English -> German, French."""
