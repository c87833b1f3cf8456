"""Writes iod_types.json from the module tables of PS3.3 that highdicom ships (0.28.2, folder `_standard`).

python generate_iod_types.py ps315.json FOLDER > iod_types.json

For every SOP class one digit per tag of `tags` (those with a compound code in Table E.1-1): the strictest type that
the attribute has anywhere in the IOD. 1 also stands for 1C, 2 for 2C, 3 also for attributes the IOD does not name.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydicom.datadict import tag_for_keyword


def types_of(modules: list[str], attributes: dict[str, Any], tags: list[str]) -> str:
    """One digit per tag for an IOD made of `modules`."""
    strictest = dict.fromkeys(tags, "3")
    for module in modules:
        for attribute in attributes.get(module, []):
            tag = f"{tag_for_keyword(attribute['keyword']) or 0:08X}"
            if tag in strictest:
                strictest[tag] = min(strictest[tag], attribute["type"][0])
    return "".join(strictest.values())


def table(rules: dict[str, str], folder: Path) -> dict[str, Any]:
    """SOP class UID -> digits."""
    attributes, iods, classes = (
        json.loads(folder.joinpath(f"{name}.json").read_text("utf-8"))
        for name in ("module_attribute_map", "iod_module_map", "sop_class_iod_map")
    )
    tags = [tag for tag, rule in rules.items() if "/" in rule.split(" ")[0]]
    found = {
        uid: types_of([module["key"] for module in iods[iod]], attributes, tags) for uid, iod in sorted(classes.items())
    }
    return {"source": "DICOM PS3.3, by the module tables of highdicom 0.28.2", "tags": tags, "classes": found}


if __name__ == "__main__":
    ps315 = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    print(json.dumps(table(ps315["rules"], Path(sys.argv[2])), indent=0))
