"""A person's decision on images of one kind, written into the project's deid.yaml, where git sees it."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pacsflow.errors import ProjectError
from pacsflow.regular_files import read_regular
from pacsflow.staging import whole_file
from schemas.deid import MaskRule

_FILE = "deid.yaml"


def add_mask_rule(folder: Path, rule: Mapping[str, Any]) -> None:
    """Append `rule` to `pixels.masks`; comments and order stay. Raises ProjectError where the file cannot take it."""
    MaskRule.model_validate(rule)
    file = folder / _FILE
    yaml = YAML()
    yaml.width = 110
    try:
        text = read_regular(file).decode("utf-8")
        content = yaml.load(text)
        masks = content["pixels"].setdefault("masks", [])
        masks.append(_flowing(rule))
    except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError, AttributeError):
        raise ProjectError.at(
            _FILE, "takes no rule for masks here", f"write it by hand: {dict(rule)}", field="pixels.masks"
        ) from None
    stream = StringIO()
    yaml.dump(content, stream)
    with whole_file(file, file.stat().st_mode & 0o777) as half:
        half.write_text(stream.getvalue(), "utf-8")


def _flowing(rule: Mapping[str, Any]) -> Any:
    """As a mapping whose boxes stand in one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    written = CommentedMap(rule)
    if "boxes" in rule:
        boxes = CommentedSeq([CommentedSeq(box) for box in rule["boxes"]])
        boxes.fa.set_flow_style()
        for box in boxes:
            box.fa.set_flow_style()
        written["boxes"] = boxes
    return written
