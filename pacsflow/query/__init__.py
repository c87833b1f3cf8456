"""Query rows: tables in, rows out; answers filtered again on our side.

A row is asked at STUDY level (`study_keys`) and its answers are judged (`judge`); the studies accepted are
asked at SERIES level (`series_keys`), their series compared (`matches`) and chosen (`wanted`).
"""

from pacsflow.query.excluded import Exclusions, comparable
from pacsflow.query.exclusions import load_exclusions
from pacsflow.query.guards import Judgement, hold_reasons, judge
from pacsflow.query.levels import image_keys, keys_at, level_of, needs_images, series_keys, study_keys
from pacsflow.query.loading import load
from pacsflow.query.matching import Match, matches
from pacsflow.query.row import IDENTIFIERS, Row
from pacsflow.query.series import wanted

__all__ = [
    "IDENTIFIERS",
    "Exclusions",
    "Judgement",
    "Match",
    "Row",
    "comparable",
    "hold_reasons",
    "image_keys",
    "judge",
    "keys_at",
    "level_of",
    "load",
    "load_exclusions",
    "matches",
    "needs_images",
    "series_keys",
    "study_keys",
    "wanted",
]
