"""Words of the page of the query."""

from typing import Final

WORDS: Final = {
    "A table of patients or studies: {kinds}. It is kept in the project's private folder": (
        "Eine Tabelle von Patienten oder Studien: {kinds}. Sie wird im privaten Ordner des Projekts aufbewahrt",
        "Un tableau de patients ou d'études : {kinds}. Il est gardé dans le dossier privé du projet",
    ),
    "Hand in a table": ("Tabelle einreichen", "Déposer un tableau"),
    "Rows": ("Zeilen", "Lignes"),
    "line": ("Zeile", "ligne"),
    "{rows:row|rows}, {faults:cell|cells} with a mistake": (
        "{rows:Zeile|Zeilen}, {faults:Zelle|Zellen} mit einem Fehler",
        "{rows:ligne|lignes}, {faults:cellule|cellules} avec une erreur",
    ),
    "What the columns mean": ("Was die Spalten bedeuten", "Ce que signifient les colonnes"),
    "Check the table": ("Tabelle prüfen", "Vérifier le tableau"),
    "not asked by": ("wird nicht abgefragt", "n'est pas demandé"),
    "names the row": ("benennt die Zeile", "nomme la ligne"),
    "Formats of dates, as %d.%m.%Y": ("Formate von Daten, wie %d.%m.%Y", "Formats des dates, comme %d.%m.%Y"),
    "Digits of {keyword}, zeros in front": (
        "Ziffern von {keyword}, Nullen vorne",
        "Chiffres de {keyword}, zéros devant",
    ),
    "What a row wants": ("Was eine Zeile verlangt", "Ce que demande une ligne"),
    "study": ("Studie", "étude"),
    "series": ("Serie", "série"),
    "patient": ("Patient", "patient"),
    "Take out what stands in query.yaml: {number:row|rows}": (
        "Herausnehmen, was in query.yaml steht: {number:Zeile|Zeilen}",
        "Retirer ce qui est dans query.yaml : {number:ligne|lignes}",
    ),
    "two columns name the row": ("zwei Spalten benennen die Zeile", "deux colonnes nomment la ligne"),
    "choose one of them": ("wählen Sie eine davon", "choisissez l'une d'elles"),
    "Type a row by hand": ("Eine Zeile von Hand eingeben", "Saisir une ligne à la main"),
    "It stands in query.yaml, which then names a patient: keep that file out of a shared checkout": (
        "Sie steht in query.yaml, das dann einen Patienten nennt: halten Sie die Datei aus geteilten Ablagen heraus",
        "Elle est dans query.yaml, qui nomme alors un patient : gardez ce fichier hors d'un dépôt partagé",
    ),
    "only with a mistake": ("nur mit einem Fehler", "seulement avec une erreur"),
    "Add the row": ("Zeile hinzufügen", "Ajouter la ligne"),
}
"""English -> German, French."""
