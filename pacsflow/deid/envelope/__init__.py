"""The pixel data element: as long as the header promises, and nothing in it but the coded pictures. Decodes nothing."""

from pacsflow.deid.envelope.passage import Passage
from pacsflow.deid.envelope.picture import Picture
from pacsflow.deid.envelope.reader import Reader

__all__ = ["Passage", "Picture", "Reader"]
