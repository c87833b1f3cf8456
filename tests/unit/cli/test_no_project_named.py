"""Commands for several projects say what is missing by its own name, not by another command's."""

import pytest

from pacsflow.cli.deploy import chosen
from pacsflow.errors import ProjectError


def test_what_is_missing_is_the_argument():
    with pytest.raises(ProjectError) as caught:
        chosen(None, None)
    assert str(caught.value).startswith("PROJECT: no project is named")
