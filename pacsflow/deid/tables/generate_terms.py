"""Writes terms.json: the values that PS3.3 defines or enumerates for coded strings, and the type of each attribute.

python generate_terms.py DICOM3TOOLS POSDA HIGHDICOM PART16 > terms.json

DICOM3TOOLS: folder libsrc/standard of dicom3tools (snapshot 20241220): modules name the lists of values, strval has
them. POSDA: folder of JSON files, one per IOD, made from PS3.3 2016c, for what dicom3tools does not check. PART16: the
JSON file of Table L-1 of PS3.16 (values of Body Part Examined). HIGHDICOM: module_attribute_map.json of highdicom
0.28.2, for the types. Facts are taken, no text: tags, values, types.

`terms` has the values of each coded string, by tag, divided by `|`; `types` the strictest type that PS3.3 gives each
attribute anywhere (1 also stands for 1C, 2 for 2C).
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.tag import Tag

LIST = re.compile(r'StringValues="(\w+)"\s*\{(.*?)\}', re.DOTALL)
USE = re.compile(r'(?:Name|Verify)="(\w+)"[^\n]*?String(?:EnumValues|DefinedTerms)="(\w+)"')
VALUE = re.compile(r"[A-Z0-9 _]{1,16}")
TAG = re.compile(r"\(([0-9a-f]{4}),([0-9a-f]{4})\)")
VALUES = re.compile(r"(?:Defined Terms|Enumerated Values)", re.IGNORECASE)
BODY_PART = 0x00180015
Found = dict[int, set[str]]


def legal(value: str) -> bool:
    """Whether it can stand in a coded string (PS3.5 6.2)."""
    return bool(VALUE.fullmatch(value)) and bool(value.strip())


def of_dicom3tools(folder: Path) -> Found:
    """Values by tag, of the lists that the modules check attributes by."""
    lists: dict[str, list[str]] = {}
    for path in (folder / "strval").glob("*.tpl"):
        for name, body in LIST.findall(path.read_text("latin-1")):
            values = [part.split("=")[0].strip() for part in re.split(r"[,\n]", body)]
            lists[name] = [value for value in values if legal(value)]
    found: Found = defaultdict(set)
    for path in (folder / "module").glob("*.tpl"):
        for keyword, name in USE.findall(path.read_text("latin-1")):
            if (tag := tag_for_keyword(keyword)) is not None:
                found[tag].update(lists.get(name, ()))
    return found


def of_posda(folder: Path) -> Found:
    """Values by tag, of the lists that stand in the attributes' descriptions."""
    found: Found = defaultdict(set)
    for path in folder.glob("table_*.js"):
        text = path.read_text("utf-8")
        for place, entry in json.loads(text[text.index("{") :].rstrip().rstrip(";")).get("tags", {}).items():
            if tags := TAG.findall(place):
                found[int("".join(tags[-1]), 16)].update(value for value in listed(entry) if legal(value))
    return found


def listed(part: Any) -> Iterator[str]:
    """First members of lists of values, anywhere in a description."""
    if isinstance(part, dict):
        if VALUES.search(str(part.get("title", ""))) and isinstance(part.get("list"), list):
            yield from (str(each[0]).strip() for each in part["list"] if each and isinstance(each[0], str))
        for each in part.values():
            yield from listed(each)
    elif isinstance(part, list):
        for each in part:
            yield from listed(each)


def of_part16(path: Path) -> set[str]:
    """Values of Body Part Examined."""
    text = path.read_text("utf-8")
    rows = json.loads(text[text.index("[") : text.rindex("]") + 1])
    told = (str(row.get("Body Part Examined", {}).get("text", "")).strip() for row in rows)
    return {value for value in told if legal(value)}


def types(path: Path) -> dict[str, str]:
    """The strictest type of each attribute, by tag; those of type 3 throughout left out."""
    found: dict[str, str] = {}
    for attributes in json.loads(path.read_text("utf-8")).values():
        for attribute in attributes:
            tag, kind = tag_for_keyword(attribute["keyword"]), attribute["type"][:1]
            if tag is not None and kind in "12":
                found[f"{tag:08X}"] = min(found.get(f"{tag:08X}", "9"), kind)
    return dict(sorted(found.items()))


def coded_string(tag: int) -> bool:
    """Whether PS3.6 knows the tag, as a coded string."""
    try:
        return dictionary_VR(Tag(tag)) == "CS"
    except KeyError:
        return False


def main(tools: Path, posda: Path, highdicom: Path, part16: Path) -> dict[str, Any]:
    """The table."""
    terms: Found = defaultdict(set, {BODY_PART: of_part16(part16)})
    for source in (of_dicom3tools(tools), of_posda(posda)):
        for tag, values in source.items():
            terms[tag] |= values
    return {
        "source": "DICOM PS3.3: dicom3tools snapshot 20241220 and PS3.3 2016c as JSON (posdaJS); "
        "types by the module tables of highdicom 0.28.2; body parts of PS3.16 Table L-1",
        "terms": {
            f"{tag:08X}": "|".join(sorted(terms[tag])) for tag in sorted(terms) if terms[tag] and coded_string(tag)
        },
        "types": types(highdicom),
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(Path, sys.argv[1:5])), indent=0))
