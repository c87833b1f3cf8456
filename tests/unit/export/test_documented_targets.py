"""docs/targets.md shows what can be written."""

from typing import get_args

import pytest
from ruamel.yaml import YAML

from documents import ROOT, blocks
from pacsflow.export import TARGETS
from schemas.export import Export, Target

PAGE = ROOT / "docs" / "targets.md"


@pytest.mark.parametrize("block", blocks(PAGE, "yaml"), ids=lambda block: block.text.split("\n")[1].strip())
def test_each_example_is_right(block):
    assert Export.model_validate(YAML(typ="safe").load(block.text)).targets


def test_each_kind_that_can_be_written_is_delivered_to():
    models = get_args(get_args(Target)[0])
    assert {kind for model in models for kind in get_args(model.model_fields["kind"].annotation)} == TARGETS.keys()


def test_each_kind_has_its_section():
    text = PAGE.read_text("utf-8")
    assert all(f"\n## {kind}\n" in text for kind in TARGETS)
