"""Text burned into real pictures, and what of it is masked: recall, what is masked for nothing, processor time.

python -m bench.pixels [--data FOLDER] [--quick]

Names, ids and dates of nobody are written at 8 to 24 pixels, in every font and script at hand, on real backgrounds
(../shared/data and the examples of pydicom); the instance's header holds them too. A word is hidden where 90 % of its
box is painted. The same backgrounds without text say how many are masked for nothing. The last line is JSON.
"""

import argparse
import copy
import io
import json
import random
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian

from pacsflow.deid import compile_profile, read_part10
from pacsflow.errors import RefusalError
from schemas.deid import DeidProfile

ROOT = Path(__file__).resolve().parents[1]
SIZES = (8, 10, 12, 16, 24)
HIDDEN, LETTERS = 0.9, 200
NAMES = {
    "latin": ["Quistgaard^Thorbjorn", "Wetherby^Philippa", "Ostrowski^Jan"],
    "accents": ["Müller-Lüdenscheidt^Jörg", "Çelik^Gülsüm", "Nuñez^Íñigo"],
    "cyrillic": ["Квистгорд^Торбьёрн", "Соколова^Мария", "Щербаков^Юрий"],
    "chinese": ["山田^太郎", "王^小明", "歐陽^菲菲"],
}
BACKGROUNDS = (
    "dcmqi/segmentations/ct-3slice/01.dcm",
    "ms-health-anonymizer/samples/I341.dcm",
    "ms-health-anonymizer/samples/I290.dcm",
    "highdicom/ct_image.dcm",
    "dcm_qa_12bit/In/12bitSigned_0x0F0F.dcm",
    "dcm_qa_ts/In/1.dcm",
    "dcmqi/paramaps/pm-example-slice.dcm",
    "dcm_qa_deident/In/00016.dcm",
    "dcm_qa_deident/In/00001.dcm",
    "dcm_qa_nih/In/20180918Si/mr_0003/epi_pe_ap-00002.dcm",
    "highdicom/dx_image.dcm",
    "presidio/presidio-image-redactor/tests/test_data/0_ORIGINAL_compressed.dcm",
    "presidio/presidio-image-redactor/tests/test_data/RGB_ORIGINAL.dcm",
    "dicognito/test_burned_in_annotation_default/burned_in_missing.dcm",
)
"""Images of dicom2nifti are none of these: their pixels were replaced by noise, in which nobody can read either."""
FONTS = (
    "prefect/server/ui-v2/fonts/GeistMono-VariableFont_wght.ttf",
    "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf",
    "NotoSansCJKtc-Regular.otf",
)
"""Below the folders of packages: of Prefect, of matplotlib, and of cvttf-notosanscjk-regular."""
PYDICOM = (
    "693_J2KI.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "examples_overlay.dcm",
    "examples_ybr_color.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
)
OWN_TEXT = {"0_ORIGINAL_compressed.dcm": 130}
"""Rows at the top of a background in which text stands already: cut off."""
READABLE = 40
"""Of 255: what a word differs at least from the mean of what lies under it. Else a person cannot read it either."""


@dataclass(frozen=True)
class Ground:
    """A real picture of 8 bits."""

    name: str
    modality: str
    grey: np.ndarray[Any, Any]


def grounds(data: Path) -> list[Ground]:
    """The backgrounds that are at hand; small ones are not enlarged."""
    files = [data / name for name in BACKGROUNDS] + [Path(get_testdata_file(name) or "") for name in PYDICOM]
    found = []
    for file in files:
        if not file.is_file():
            continue
        ds = dcmread(file)
        array = ds.pixel_array
        frames = int(ds.get("NumberOfFrames") or 1)
        array = array[frames // 2] if frames > 1 else array
        grey = array.max(-1) if array.ndim > 2 else array  # noqa: PLR2004
        grey = grey[OWN_TEXT.get(file.name, 0) :]
        low, high = np.percentile(grey, (0.5, 99.7))
        scaled = np.clip((grey - low) * (255.0 / max(high - low, 1)), 0, 255).astype("u1")
        found.append(Ground(file.name, str(ds.Modality), scaled))
    return found


def fonts() -> dict[str, Any]:
    """Name -> function of a size that gives a font: Pillow's own, and those that packages at hand bring."""
    made: dict[str, Any] = {"Aileron": ImageFont.load_default}
    for folder in map(Path, (sys.prefix, *sys.path)):
        for name in FONTS:
            file = folder / name
            if file.is_file():
                made[file.stem] = lambda size, file=file: ImageFont.truetype(str(file), size)
    return made


def drawable(font: Any, text: str) -> bool:
    """Whether the font has a glyph for every letter."""
    missing = font.getmask("\U000f0000").getbbox(), bytes(font.getmask("\U000f0000"))
    return all((font.getmask(each).getbbox(), bytes(font.getmask(each))) != missing for each in set(text) - {" "})


Box = tuple[int, int, int, int]


def written(ground: Ground, font: Any, texts: list[str], chance: random.Random) -> tuple[Any, list[tuple[str, Box]]]:
    """The picture with the texts at places that do not meet, and their boxes."""
    image = Image.fromarray(ground.grey)
    draw, boxes = ImageDraw.Draw(image), list[tuple[str, Box]]()
    for text in texts:
        left, top, right, bottom = map(int, font.getbbox(text))
        wide, tall = right - left + 2, bottom - top + 2
        for _ in range(200):
            if image.width <= wide + 4 or image.height <= tall + 4:
                break
            x, y = chance.randrange(2, image.width - wide - 2), chance.randrange(2, image.height - tall - 2)
            place = (y, x, y + tall, x + wide)
            colour = chance.choice((255, 255, 210))
            if abs(colour - float(ground.grey[y : y + tall, x : x + wide].mean())) < READABLE:
                continue
            if all(place[2] < b[0] or b[2] < place[0] or place[3] < b[1] or b[3] < place[1] for _, b in boxes):
                draw.text((x - left, y - top), text, colour, font=font)
                boxes.append((text, place))
                break
    return np.asarray(image), boxes


def instance(grey: Any, name: str, number: str, modality: str) -> bytes:
    """A secondary capture of a patient, or a localizer of CT and MR."""
    ds = Dataset()
    scanner = modality in ("CT", "MR")
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2" if scanner else "1.2.840.10008.5.1.4.1.1.7"
    study = f"1.2.3.{int(number)}"
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{study}.5", study, f"{study}.6"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"] if scanner else ["DERIVED", "SECONDARY"]
    ds.Modality = modality if scanner else "OT"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.StudyDate = name, number, "19410523", "20150512"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = grey.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = grey.tobytes() + bytes(grey.size % 2)
    ds["PixelData"].VR = "OB"
    ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def pictures(ground: list[Ground], *, quick: bool) -> Iterator[tuple[Ground, str, str, int, Any, str]]:
    """Background, script, name of the font, size, font, name of the patient; each background meets each size."""
    chance, known = random.Random(17), fonts()
    for number, one in enumerate(ground):
        for size in SIZES[:: 3 if quick else 1]:
            script = list(NAMES)[(number + size) % len(NAMES)]
            name = NAMES[script][number % 3]
            able = [each for each in known if drawable(known[each](size), name.replace("^", ""))]
            if able:
                font = chance.choice(sorted(able))
                yield one, script, font, size, known[font](size), name


def measure(data: Path, *, quick: bool) -> dict[str, Any]:
    """The figures."""
    cleaner = compile_profile(
        DeidProfile.model_validate({"key": "${env:KEY}", "pixels": {"burned_in": "mask"}}), bytes(range(32))
    )
    chance, ground = random.Random(3), grounds(data)
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    cpu, refused, masked_area = list[float](), 0, list[float]()
    cleaner.clean(read_part10(instance(ground[0].grey, "A^B", "1", "OT")))  # models are loaded
    for one, script, font, size, drawn, name in pictures(ground, quick=quick):
        number = f"{chance.randrange(10**7, 10**8)}"
        family, _, given = name.partition("^")
        texts = [f"{family} {given}", number, "23.05.1941", f"ID {number}", family]
        grey, boxes = written(one, drawn, texts, chance)
        start = time.process_time()
        try:
            made = b"".join(map(bytes, cleaner.clean(read_part10(instance(grey, name, number, one.modality))).parts))
            after = dcmread(io.BytesIO(made)).pixel_array
            changed = (after != grey) | ((after == 0) & (grey == 0))
            painted = _painted(grey, after)
        except RefusalError as error:
            refused += 1
            print(one.name, script, error.reason)
            continue
        cpu.append(time.process_time() - start)
        for _, (top, left, bottom, right) in boxes:
            hidden = _gone(grey, changed, (top, left, bottom, right))
            for key in ("all", f"{size} px", script, font, one.modality):
                tally[key][0] += hidden
                tally[key][1] += 1
        masked_area.append(painted)
    clean = cleaner_of_clean(cleaner, ground)
    return {
        "backgrounds": len(ground),
        "recall": {key: [round(hit / of, 4), of] for key, (hit, of) in sorted(tally.items())},
        "refused": refused,
        "pictures": len(cpu),
        "cpu_seconds": {"median": round(float(np.median(cpu)), 2), "largest": round(max(cpu), 2)},
        "area_masked": round(float(np.mean(masked_area or [0])), 4),
        "clean": clean,
    }


def _painted(grey: Any, after: Any) -> float:
    return float((grey != after).mean())


def _gone(grey: Any, changed: Any, box: Box) -> bool:
    """Whether nine tenths of the box are painted, and nine tenths of its letters."""
    top, left, bottom, right = box
    painted = changed[top:bottom, left:right]
    letters = grey[top:bottom, left:right] >= LETTERS
    return bool(painted.mean() >= HIDDEN and (not letters.any() or painted[letters].mean() >= HIDDEN))


def cleaner_of_clean(cleaner: Any, ground: list[Ground]) -> dict[str, Any]:
    """Of backgrounds without text: how many are masked, or wait."""
    masked, waits, scanner = list[str](), list[str](), 0
    for number, one in enumerate(ground):
        scanner += one.modality in ("CT", "MR")
        try:
            made = b"".join(
                map(
                    bytes,
                    cleaner.clean(read_part10(instance(one.grey, "Zzyx^Qq", str(990000 + number), one.modality))).parts,
                )
            )
        except RefusalError:
            waits.append(one.name)
            continue
        if not np.array_equal(dcmread(io.BytesIO(made)).pixel_array, one.grey):
            masked.append(f"{one.modality} {one.name}")
    return {"pictures": len(ground), "of CT and MR": scanner, "masked": masked, "waiting": waits}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--quick", action="store_true")
    asked = copy.copy(parser.parse_args())
    warnings.simplefilter("ignore")
    print(json.dumps(measure(asked.data, quick=asked.quick), ensure_ascii=False))


if __name__ == "__main__":
    main()
