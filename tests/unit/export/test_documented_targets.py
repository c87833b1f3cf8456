"""docs/targets.md shows what can be written."""

import pytest
from ruamel.yaml import YAML

from documents import ROOT, blocks
from pacsflow.export import TARGETS
from schemas.export import Export

PAGE = ROOT / "docs" / "targets.md"


@pytest.mark.parametrize("block", blocks(PAGE, "yaml"), ids=lambda block: block.text.split("\n")[1].strip())
def test_each_example_is_right(block):
    assert Export.model_validate(YAML(typ="safe").load(block.text)).targets


def test_each_kind_has_its_section():
    text = PAGE.read_text("utf-8")
    assert all(f"\n## {kind}\n" in text for kind in TARGETS)
