"""What to do about a question that a node cannot answer, in the same words wherever it is noticed."""

from typing import Final

NARROWER: Final = "narrow the query, by dates or modality"
