"""Words in a picture, read by rapidocr (PP-OCRv6, its weights in its package, on the processor): the extra `pixels`."""

import threading
from functools import cache
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.burned.boxes import Box
from pacsflow.extras import missing

PACKAGE: Final = "rapidocr"
_LOCK: Final = threading.Lock()
_SMALLEST: Final = 4
"""Pixels of height below which nothing is a letter."""


class Word(NamedTuple):
    """What was read in a box, and how sure the reader is, 0 to 1."""

    box: Box
    text: str
    score: float


class TextReader(Protocol):
    """Reads grey pictures of 8 bits."""

    def read(self, picture: NDArray[np.uint8]) -> list[Word]:
        """All that looks like text, read or not."""


def lacking() -> str:
    """What to do to have pictures read; empty where they can be."""
    found = missing(PACKAGE) or missing("onnxruntime")
    return found[1] if found else ""


@cache
def text_reader() -> TextReader | None:
    """The reader of this process, made when it is first used; None where the extra is not installed."""
    return None if lacking() else _Rapid()


class _Rapid:
    """rapidocr on one thread: runs have lanes enough."""

    def __init__(self) -> None:
        self._engine: Any = None

    def read(self, picture: NDArray[np.uint8]) -> list[Word]:
        """As TextReader.read."""
        with _LOCK:
            if self._engine is None:
                self._engine = _engine()
            found = self._engine(np.repeat(picture[..., np.newaxis], 3, 2))
        if found.boxes is None or found.txts is None:
            return []
        words = zip(found.boxes, found.txts, found.scores, strict=True)
        return [word for corners, text, score in words if (word := Word(_box(corners), text, float(score))).box.area]


def _engine() -> Any:
    import logging

    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    wanted = {
        "Global.use_cls": False,
        "Global.text_score": 0.0,
        "Global.log_level": "critical",
        "Det.thresh": 0.2,
        "Det.box_thresh": 0.35,
        "Det.unclip_ratio": 1.8,
    }
    engine = RapidOCR(params=threads | wanted)
    for name in ("RapidOCR", "rapidocr"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it names files, and what it finds
    return engine


def _box(corners: NDArray[Any]) -> Box:
    points = np.asarray(corners)
    left, top = np.floor(points.min(0)).astype(int).tolist()
    right, bottom = np.ceil(points.max(0)).astype(int).tolist()
    box = Box(max(0, top), max(0, left), bottom, right)
    return box if bottom - top >= _SMALLEST else Box(0, 0, 0, 0)
