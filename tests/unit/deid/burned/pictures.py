"""Pictures with text, as scanners write it: generated, of nobody."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from unit.deid.instances import ct


def written(text, size=20, *, value=255):
    """Text as grey levels, in the font that Pillow brings."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, value, font=font)
    return np.asarray(canvas)


def put(picture, text, at, size=20, *, value=255):
    """Write into a picture; gives the box (top, left, bottom, right)."""
    letters = written(text, size, value=value)
    top, left = at
    bottom, right = top + letters.shape[0], left + letters.shape[1]
    place = picture[top:bottom, left:right]
    np.maximum(place, letters[: place.shape[0], : place.shape[1]], out=place)
    return top, left, min(bottom, picture.shape[0]), min(right, picture.shape[1])


def background(rows=240, columns=320, seed=3):
    """A smooth body with noise, on a dark ground."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    body = ((y - rows / 2) / (rows * 0.4)) ** 2 + ((x - columns / 2) / (columns * 0.35)) ** 2 < 1
    grey = np.where(body, 90 + 25 * np.sin(x / 19) * np.cos(y / 23), 4) + random.normal(0, 4, (rows, columns))
    return np.clip(grey, 0, 180).astype("u1")


def captured(frames, **values):
    """Pictures of 8 bits as an instance of one device; a list of several is a multi-frame image."""
    array = np.stack(frames)
    kind = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7",
        "Modality": "OT",
        "ConversionType": "WSD",
        "Manufacturer": "ACME",
        "ManufacturerModelName": "Screen 3",
        "SeriesDescription": "Screens",
        "Rows": array.shape[1],
        "Columns": array.shape[2],
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelData": array.tobytes() + bytes(array.size % 2),
    }
    if len(frames) > 1:
        kind["NumberOfFrames"] = len(frames)
    ds = ct(**kind | values)
    ds["PixelData"].VR = "OB"
    return ds


def ultrasound(frames, regions=(), **values):
    """As `captured`, of an ultrasound device; regions as (top, left, bottom, right)."""
    from pydicom import Dataset

    ds = captured(frames, SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1", Modality="US", **values)
    items = []
    for top, left, bottom, right in regions:
        item = Dataset()
        item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right - 1, bottom - 1
        items.append(item)
    if items:
        ds.SequenceOfUltrasoundRegions = items
    return ds
