"""Query rows: tables in, rows out; answers filtered again on our side.

A row is asked at STUDY level (`study_keys`), its answers are filtered (`fitting_studies`) and doubted
(`doubts`); its studies are asked at SERIES level (`series_keys`), and series compared (`mismatches`) and
chosen (`wanted`).
"""

from pacsflow.query.guards import doubts, fitting_studies
from pacsflow.query.levels import image_keys, keys_at, level_of, needs_images, series_keys, study_keys
from pacsflow.query.loading import load
from pacsflow.query.matching import mismatches, unanswered
from pacsflow.query.row import IDENTIFIERS, Row
from pacsflow.query.series import wanted

__all__ = [
    "IDENTIFIERS",
    "Row",
    "doubts",
    "fitting_studies",
    "image_keys",
    "keys_at",
    "level_of",
    "load",
    "mismatches",
    "needs_images",
    "series_keys",
    "study_keys",
    "unanswered",
    "wanted",
]
