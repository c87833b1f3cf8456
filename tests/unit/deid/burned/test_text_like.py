"""Boxes around what a detector finds warm: their places, at each scale, and what is no line of text."""

import numpy as np
import pytest

from pacsflow.deid.burned.text_like import boxes_in, strokes

pytest.importorskip("cv2")


def bright(cells):
    """A net to which all that is bright is text."""
    return (cells[:, :1] + 1) / 2


def held(boxes, top, left, bottom, right):
    return any(box.top <= top and box.left <= left and box.bottom >= bottom and box.right >= right for box in boxes)


def dotted(rows, columns, *lines):
    """Dark, with rows of letters (bars of 2 columns) in boxes."""
    picture = np.zeros((rows, columns), "u1")
    for top, left, bottom, right in lines:
        picture[top:bottom, left:right] = 90
        picture[top:bottom, left:right:4] = 255
    return picture


@pytest.mark.parametrize(("shape", "enlarged"), [((90, 130), True), ((90, 130), False), ((1300, 1100), True)])
def test_a_line_is_found_at_its_place_at_each_scale(shape, enlarged):
    line = (60, 30, 70, 90)
    assert held(boxes_in(dotted(*shape, line), bright, enlarged=enlarged), *line)


def test_lines_of_a_large_picture_are_found_wherever_tiles_meet():
    lines = [(190, 150, 202, 700), (1280, 1000, 1292, 1090), (0, 0, 12, 60), (700, 940, 712, 1100)]
    boxes = boxes_in(dotted(1300, 1100, *lines), bright, enlarged=False)
    assert all(held(boxes, *line) for line in lines)


def test_of_a_large_picture_only_what_has_strokes_is_looked_at():
    asked = []

    def net(cells):
        asked.append(cells.shape[2:])
        return bright(cells)

    smooth = np.tile(np.linspace(0, 255, 1100).astype("u1"), (1300, 1))
    assert boxes_in(smooth, net, enlarged=False) == []
    assert asked == []


def test_what_is_higher_than_a_line_is_none():
    picture = np.zeros((300, 300), "u1")
    picture[50:200, 50:220] = 255
    assert boxes_in(picture, bright, enlarged=False) == []


def test_strokes_are_what_is_thin_and_bright():
    picture = np.full((100, 100), 40, "u1")
    picture[20:60, 20:60] = 180
    picture[30:50, 40:42] = 250
    found = strokes(picture)
    assert found[35, 41] == 255
    assert not found[25, 25]
    assert not found[80, 80]
