"""A lock of pip as a software bill of materials: CycloneDX 1.5, JSON.

python tools/sbom.py requirements.lock > sbom.json
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(text: str) -> Iterator[dict[str, Any]]:
    """The packages of a lock, each with its SHA-256 where the lock has them."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        if found := _PINNED.match(block):
            name, version = found["name"].lower(), found["version"]
            purl = f"pkg:pypi/{name}@{version}"
            one: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
            if hashes := _HASH.findall(block):
                one["hashes"] = [{"alg": "SHA-256", "content": each} for each in hashes]
            yield one


def bill(lock: Path) -> dict[str, Any]:
    """The bill of a lock."""
    about = {"type": "application", "name": "pacsflow", "bom-ref": "pacsflow"}
    found = list(components(lock.read_text("utf-8")))
    told = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}
    return told | {"metadata": {"component": about}, "components": found}


if __name__ == "__main__":
    print(json.dumps(bill(Path(sys.argv[1])), indent=1))
