"""The language of faults.yaml: every kind that can be written does something."""

from typing import get_args

import pytest

from pacsflow.errors import ProjectError
from pacsflow.simpacs.faults import ANSWERS, ASSOCIATION, IMAGES, PLANS, FaultInjector, load_faults
from schemas.simpacs import Fault, Faults

MODELS = get_args(get_args(Fault)[0])


def test_no_kind_of_fault_does_nothing():
    kinds = {model.model_fields["kind"].annotation.__args__[0] for model in MODELS}
    assert kinds == {*ANSWERS, *IMAGES, *PLANS, *ASSOCIATION}


def test_every_field_is_described():
    for model in MODELS:
        assert model.__doc__
        assert all(field.description for name, field in model.model_fields.items() if name != "kind"), model


def test_a_file_of_faults_is_read(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("faults:\n  - {kind: drop-images, every: 4, times: 1}\n  - {kind: no-counts}\n")
    assert [fault.kind for fault in load_faults(path).faults] == ["drop-images", "no-counts"]


def test_all_mistakes_of_a_file_come_at_once(tmp_path):
    path = tmp_path / "faults.yaml"
    path.write_text("faults:\n  - {kind: drop-images, every: 0}\n  - {kind: drop-imges}\n")
    with pytest.raises(ProjectError) as caught:
        load_faults(path)
    assert len(caught.value.problems) == 2
    path.write_text("faults: [")
    with pytest.raises(ProjectError):
        load_faults(path)


def test_a_fault_strikes_each_target_as_often_as_it_says():
    injector = FaultInjector(Faults.model_validate({"faults": [{"kind": "busy", "times": 2}]}))
    [fault] = injector.of("busy")
    assert [injector.applies_now(fault, target) for target in ("a", "a", "b", "a", "b", "b")] == [
        True,
        True,
        True,
        False,
        True,
        False,
    ]
