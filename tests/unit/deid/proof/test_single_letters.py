"""A name of one letter and a title of one letter are no finding: pixels hold such pairs by chance."""

import pytest

from pacsflow.deid.proof.spoken import terms_of

NAME = 0x00100010


def told(name: str, text: str) -> set[str]:
    terms = terms_of(((NAME, name.encode()),), frozenset(), b"ISO_IR 192")
    return {term.text for term in terms.told_in(text.encode())}


@pytest.mark.parametrize("name", ["O'Connor^Siobhan", "D'Angelo^Maria", "Lee^M^J"])
def test_two_single_letters_are_no_finding(name):
    for letter in "abcdefghijklmnopqrstuvwxyz":
        for text in (f"\x80?\nm {letter}\n", f"M.{letter}", f"x M/{letter} y"):
            assert told(name, text) == set()


@pytest.mark.parametrize("text", ["seen by Dr. O", "O'Connor", "S. OConnor", "o connor", "Connor, Siobhan", "Mr O"])
def test_the_name_itself_still_is(text):
    assert told("O'Connor^Siobhan", text)


def test_a_short_name_is_found_behind_one_letter_too():
    assert told("Li^Wei", "M. Li")
