"""A-ASSOCIATE-RJ in words: each combination of PS3.8 Table 9-21, and numbers that it does not have."""

import pytest

from pacsflow.rejections import Rejection

TABLE = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognised",
    (1, 7): "called AE title not recognised",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
LASTING = {1: "permanent", 2: "transient"}


@pytest.mark.parametrize("result", LASTING)
@pytest.mark.parametrize("where", TABLE)
def test_each_combination_of_the_table_is_told_in_words(where, result):
    rejection = Rejection(result, *where, calling="OURS", called="THEIRS")
    assert TABLE[where] in rejection.why
    assert rejection.why.endswith(f"({LASTING[result]})")
    assert rejection.passes == (result == 2)
    fix = rejection.fix("here")
    if where == (1, 3):
        assert "OURS" in fix
        assert "here" in fix
    elif where == (1, 7):
        assert "THEIRS is not it" in fix
    else:
        assert ("try later" in fix) == (result == 2)
        assert ("ask the PACS administrator" in fix) == (result == 1)
    assert rejection.crowded == (result == 2 and where[0] == 3)


@pytest.mark.parametrize("where", [(1, 4), (1, 10), (2, 3), (3, 0), (3, 7), (0, 0), (9, 9)])
@pytest.mark.parametrize("result", [1, 2])
def test_reserved_numbers_are_told_as_they_came(where, result):
    rejection = Rejection(result, *where, calling="OURS", called="THEIRS")
    assert f"source {where[0]}, reason {where[1]}" in rejection.why
    assert rejection.fix("here")
