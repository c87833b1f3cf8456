"""Programs that work over converted files (`post` in export.yaml): where they are, and which they are."""

import hashlib
import os
from pathlib import Path

from pacsflow.projects.source import Document, FieldPath
from pacsflow.regular_files import at_home, read_regular
from schemas.export import Export


def post_programs(document: Document, model: Export) -> dict[str, str]:
    """Program as `post` names it -> SHA-256 of its file; a problem for each that cannot be started, or reads nothing.

    The digest tells that a program is another one than the one that made what was delivered.
    """
    found: dict[str, str] = {}
    for position, rule in enumerate(model.nifti):
        if rule.post is None:
            continue
        at: FieldPath = ("nifti", position, "post")
        name, place = rule.post.run[0], absolute(document.folder, rule.post.run[0])
        try:
            found[name] = hashlib.sha256(read_regular(place)).hexdigest()
        except OSError:
            fix = "write the path of a program, seen from export.yaml; of one above 16 MB a script that starts it"
            document.problem((*at, "run"), "names no program", fix)
        else:
            if not os.access(place, os.X_OK):
                document.problem((*at, "run"), "names a file that is not executable", f"chmod +x {name}")
        for number, text in enumerate(rule.post.reads):
            if not os.path.exists(absolute(document.folder, text)):  # noqa: PTH110 Path.exists raises for odd names
                document.problem((*at, "reads", number), "names nothing that is there", "write a folder or a file")
    return found


def absolute(folder: Path, text: str) -> Path:
    """The path that a project means: a relative one starts at the folder."""
    return Path(os.path.normpath(folder.absolute() / at_home(text)))
