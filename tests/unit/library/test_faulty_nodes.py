"""Datasets of nodes that misbehave: all of them, each once, or an error at the end; never silence."""

import pytest

import pacsflow
from pacsflow.errors import IncompleteError, PacsTransientError
from whole_run import IMAGES, fault, lying

PASSING = [
    fault("drop-images", times=1),
    fault("success-none-sent", times=1),
    fault("abort", times=1),
    fault("abort", how="close", times=1),
    fault("busy", times=1),
    fault("busy", status="C000", times=1),
    fault("duplicate-images"),
    fault("wrong-patient"),
]
LASTING = [
    fault("drop-images"),
    fault("success-none-sent"),
    fault("all-failed-but-success"),
    fault("abort"),
    fault("busy"),
    fault("busy", status="C000"),
    fault("offline"),
    fault("higher-counts"),
]


def node_of(fields):
    wait = {"attempts": 3, "wait": {"first": 0, "max": 0}}
    return {"host": "127.0.0.1", "timeouts": {"connect": 20, "response": 30, "idle": 60}, "retries": wait, **fields}


def named(faults):
    return [f"{one['kind']}-{one.get('how', one.get('status', ''))}".strip("-") for one in faults]


def taken(pacs, fields):
    """SOP Instance UIDs that came of the first two studies, and the error at the end."""
    came, error = [], None
    with pacsflow.connect(**node_of(fields)) as connection:
        try:
            came.extend(
                str(one.SOPInstanceUID) for one in connection.datasets(list(pacs.archive.studies)[:2], raw=True)
            )
        except IncompleteError as told:
            error = told
    return came, error


def wanted(pacs):
    studies = list(pacs.archive.studies.values())[:2]
    return {i.uid for study in studies for series in study.make_series() for i in series.instances}


@pytest.mark.parametrize("method", ["c-get", "c-move"])
@pytest.mark.parametrize("passing", PASSING, ids=named(PASSING))
def test_all_come_each_once_where_the_fault_passes(passing, method):
    with lying(passing, method=method) as (pacs, fields):
        came, error = taken(pacs, fields)
        assert len(came) == len(set(came)) == 2 * IMAGES
        assert set(came) == wanted(pacs)
    assert error is None


@pytest.mark.parametrize("lasting", LASTING, ids=named(LASTING))
def test_what_does_not_come_is_an_error_with_its_number(lasting):
    with lying(lasting) as (pacs, fields):
        came, error = taken(pacs, fields)
        assert set(came) <= wanted(pacs)
        assert len(came) == len(set(came))
        assert error is not None
        assert error.reasons
        assert error.missing == 2 * IMAGES - len(came)
        said = f"{error} {error.reasons} {error.fix}"
        for study in pacs.archive.studies.values():
            assert not any(study.attributes[name] in said for name in ("StudyInstanceUID", "PatientID", "PatientName"))


@pytest.mark.parametrize(
    "spoilt",
    [fault("truncated-pixels"), fault("corrupt-header"), fault("ignored-keys", keys=["StudyInstanceUID"])],
    ids=lambda one: one["kind"],
)
def test_whatever_comes_is_of_what_was_asked_for(spoilt):
    with lying(spoilt) as (pacs, fields):
        came, error = taken(pacs, fields)
        assert set(came) <= wanted(pacs)
        assert error is not None or set(came) == wanted(pacs)


def test_a_node_that_does_not_answer_is_an_error_at_once():
    with lying() as (pacs, fields), pytest.raises(PacsTransientError):
        taken(pacs, {**fields, "port": 1})
