"""Query rows: tables in, rows out; answers filtered again on our side."""

from pacsflow.query.loading import load
from pacsflow.query.row import IDENTIFIERS, Row

__all__ = ["IDENTIFIERS", "Row", "load"]
