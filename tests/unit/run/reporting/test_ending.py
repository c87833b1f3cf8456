"""When a run is red, and what its end is called."""

import itertools

import pytest
from pydantic import ValidationError

from pacsflow.run.reporting.ending import ending_of, needs_a_person
from schemas.project import Alert, Notification, Schedule, Smtp

TROUBLES = ("failed", "incomplete", "undelivered", "partial", "offline", "unmatched", "held")


def ending(rows, **policy):
    finished = not set(rows) - {"complete", "sent", "refused", "dropped"}
    return ending_of(rows, Alert.model_validate(policy), finished=finished, message="numbers")


def test_by_default_rows_that_need_a_person_make_a_run_red_and_others_do_not():
    red = {status for status in TROUBLES if ending({"complete": 5, status: 1}).red}
    assert red == {"failed", "incomplete", "undelivered", "held"}
    assert not ending({"complete": 5, "refused": 1}).red


@pytest.mark.parametrize("asked", [on for n in range(3) for on in itertools.combinations(TROUBLES, n)])
def test_a_run_is_red_exactly_by_the_statuses_that_are_named(asked):
    for status in TROUBLES:
        assert ending({"complete": 1, status: 2}, on=list(asked)).red == (status in asked)


@pytest.mark.parametrize(
    ("above", "troubled", "red"),
    [
        ({"rows": 2}, 2, False),
        ({"rows": 2}, 3, True),
        ({"percent": 10}, 10, False),
        ({"percent": 10}, 11, True),
        ({"rows": 50, "percent": 10}, 11, True),
        ({"rows": 5, "percent": 50}, 6, True),
        ({"rows": 0}, 1, True),
        ({}, 1, True),
        ({}, 0, False),
    ],
)
def test_so_many_rows_are_borne(above, troubled, red):
    rows = {"complete": 100 - troubled, "failed": troubled}
    assert needs_a_person(rows, Alert.model_validate({"above": above})) == red


def test_the_name_says_the_worst_reason_and_of_a_red_run_one_that_made_it_red():
    assert ending({"held": 1, "failed": 2}).name == "Failed rows"
    assert ending({"held": 1, "failed": 2}, on=["held"]).name == "Held rows"
    assert ending({"unmatched": 1}).name == "Unmatched rows"
    assert ending({"found": 1}).name == "Rows left"
    assert ending({"complete": 1}).name == "Done"


def test_what_is_told_of():
    assert ending({"complete": 1}).kinds == {"done"}
    assert ending({"held": 1}).kinds == {"left", "held", "failed"}
    assert ending({"unmatched": 1}).kinds == {"left"}
    assert ending({"held": 1}, on=[]).kinds == {"left", "held"}


SMTP = {"host": "smtp.example.org", "sender": "pacs@example.org"}


@pytest.mark.parametrize(
    ("model", "fields", "about"),
    [
        (Notification, {"email": "a@example.org"}, "needs `smtp`"),
        (Notification, {}, "either `email` or `webhook`"),
        (Notification, {"email": "a@example.org", "webhook": "https://a", "smtp": SMTP}, "either `email` or `webhook`"),
        (Notification, {"webhook": "ftp://a"}, "webhook"),
        (Notification, {"email": "a@example.org\nBcc: b@example.org", "smtp": SMTP}, "email"),
        (Notification, {"email": "a@example.org, b@example.org", "smtp": SMTP}, "email"),
        (Smtp, {**SMTP, "security": "none"}, "on this machine only"),
        (Smtp, {**SMTP, "user": "a"}, "go together"),
        (Smtp, {**SMTP, "user": "a", "password": "secret"}, "password"),
        (Schedule, {}, "either `cron` or `every_minutes`"),
        (Schedule, {"cron": "0 20 * * *", "every_minutes": 5}, "either `cron` or `every_minutes`"),
        (Schedule, {"cron": "0 20 * * *", "timezone": "Europe/Zuerich"}, "is not a time zone"),
    ],
)
def test_what_cannot_be_meant_is_refused(model, fields, about):
    with pytest.raises(ValidationError, match=about):
        model.model_validate(fields)
