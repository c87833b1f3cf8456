"""Writes ps315.json from a machine-readable copy of PS3.15 Tables E.1-1 and E.3.4-1.

python generate_ps315.py ps315_2026d.json > ps315.json

A rule is the action of the basic profile, a space, and one letter per option in the order of `options`
(`.` where the table's cell is empty). Tags are eight hexadecimal digits, `x` in repeating groups.
"""

import json
import sys
from pathlib import Path
from typing import Any


def coded(rule: dict[str, Any], columns: list[str]) -> str:
    """The actions of a rule: basic profile, then one letter per option."""
    return f"{rule['basic']} " + "".join(rule["options"].get(column, ".") for column in columns)


def table(source: dict[str, Any]) -> dict[str, Any]:
    """Both tables in the form the compiler reads."""
    columns: list[str] = source["option_keys"]
    return {
        "edition": source["source"]["edition"],
        "source": f"DICOM PS3.15 Table E.1-1 and E.3.4-1, {source['source']['url']}",
        "sha256": source["source"]["sha256_of_source_xml"],
        "options": [column.replace("_", "-") for column in columns],
        "rules": {rule["tag"]: coded(rule, columns) for rule in sorted(source["rules"], key=lambda rule: rule["tag"])},
        "content": {
            f"{item['code']}|{item['scheme']}": coded(item, columns)
            for item in sorted(source["content_items"], key=lambda item: (item["code"], item["scheme"]))
        },
    }


if __name__ == "__main__":
    print(json.dumps(table(json.loads(Path(sys.argv[1]).read_text("utf-8"))), indent=0))
