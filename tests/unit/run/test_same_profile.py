"""A project goes on under the profile it was begun with; results of other rules are never taken for these."""

import pytest

from pacsflow.errors import LedgerError
from pacsflow.ledger import open_ledger
from pacsflow.ledger.book import agreed
from pacsflow.run.opening import _same_profile
from unit.deid.instances import KEY, cleaner, ct, encoded, read

FIRST = {"7b13d60480bc5220": [], "d4a6dd9fbf005b07": ["clean-descriptors"]}
"""What the first version called two profiles."""


@pytest.mark.parametrize("digest", FIRST)
def test_a_project_of_the_first_version_goes_on_where_it_says_so(digest, tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite", project="p", key=KEY)
    assert agreed(ledger, "profile", digest) == digest
    _same_profile(ledger, cleaner(unlisted="keep", options=FIRST[digest]))
    for other in ({}, {"unlisted": "remove"}, {"unlisted": "keep", "vrs": {"UT": "remove"}}):
        with pytest.raises(LedgerError, match="says something else"):
            _same_profile(ledger, cleaner(options=FIRST[digest], **other))


def test_a_new_project_goes_on_under_its_own_rules_alone(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite", project="p", key=KEY)
    for _ in range(2):
        _same_profile(ledger, cleaner(unlisted="keep"))
    with pytest.raises(LedgerError, match="says something else"):
        _same_profile(ledger, cleaner())


@pytest.mark.parametrize("digest", FIRST)
def test_results_say_under_which_rules_they_were_made(digest):
    new = read(cleaner(unlisted="keep", options=FIRST[digest]).clean(encoded(ct())))
    assert f"profile {digest}" not in list(new.DeidentificationMethod)
