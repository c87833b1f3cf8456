"""The documents of the project, and what stands between their fences."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What stands between two fences, and the language behind the first."""

    language: str
    text: str


def blocks(document: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a document that are in one of these languages, in order."""
    found = [Block(*match.groups()) for match in _FENCE.finditer(document.read_text("utf-8"))]
    return [block for block in found if block.language in languages]
