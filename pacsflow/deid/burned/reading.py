"""Words in a picture, read by rapidocr (PP-OCRv6, its weights in its package, on the processor): the extra `pixels`."""

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.burned.text_like import boxes_in
from pacsflow.extras import missing

PACKAGE: Final = "rapidocr"
_LOCK: Final = threading.Lock()
_HEIGHT: Final = 48
"""Rows of a line as the reader takes it."""
_NARROWEST: Final = 128
"""Columns to which a short line is filled up; rapidocr's own 320 take twice the time."""
_MOST: Final = 60
"""Boxes of one picture that are read, the widest first; the others are text that could not be read."""


class Word(NamedTuple):
    """What was read in a box, and how sure the reader is, 0 to 1. Blanks alone: letters that it does not know."""

    box: Box
    text: str
    score: float


class TextReader(Protocol):
    """Reads grey pictures of 8 bits."""

    def read(self, picture: NDArray[np.uint8], *, enlarged: bool = True) -> list[Word]:
        """All that looks like text, read or not; `enlarged`: small letters are looked for too."""


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
        self._nets: tuple[Any, Any] | None = None

    def read(self, picture: NDArray[np.uint8], *, enlarged: bool = True) -> list[Word]:
        """As TextReader.read."""
        with _LOCK:
            if self._nets is None:
                self._nets = _nets()
            detector, recognizer = self._nets
            boxes = boxes_in(picture, detector, enlarged=enlarged)
            boxes.sort(key=lambda box: box.top - box.bottom + box.right - box.left, reverse=True)
            return _read(picture, boxes[:_MOST], recognizer) + [Word(box, "", 0.0) for box in boxes[_MOST:]]


def _read(picture: NDArray[np.uint8], boxes: Sequence[Box], recognizer: Any) -> list[Word]:
    from rapidocr.ch_ppocr_rec.typings import TextRecInput

    if not boxes:
        return []
    found = recognizer(TextRecInput(img=[_line(picture, box) for box in boxes], return_word_box=False))
    texts, scores = found.txts or (), found.scores
    return [Word(box, str(text), float(score)) for box, text, score in zip(boxes, texts, scores, strict=True)]


def _line(picture: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The box with a margin, as high as the reader takes it, three samples a pixel."""
    import cv2

    height = box.bottom - box.top
    place = box.wider(height // 10, height // 4).within(*picture.shape)
    cut = picture[place.top : place.bottom, place.left : place.right]
    wide = max(_HEIGHT // 6, round(cut.shape[1] * _HEIGHT / cut.shape[0]))
    return np.repeat(cv2.resize(cut, (wide, _HEIGHT), interpolation=cv2.INTER_CUBIC)[..., np.newaxis], 3, 2)


def _nets() -> tuple[Any, Any]:
    """What detects and what reads; rapidocr makes either when it is first asked for."""
    import logging

    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    wanted = {"Global.use_cls": False, "Global.log_level": "critical", "Rec.rec_img_shape": [3, _HEIGHT, _NARROWEST]}
    engine: Any = RapidOCR(params=threads | wanted)
    for name in ("RapidOCR", "rapidocr"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it names files, and what it finds
    nothing = np.zeros((_HEIGHT, _HEIGHT, 3), np.uint8)
    engine(nothing, use_det=True, use_rec=False)
    engine(nothing, use_det=False, use_rec=True)
    return engine.text_det.session, engine.text_rec
