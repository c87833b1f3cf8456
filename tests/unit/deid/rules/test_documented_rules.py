"""docs/deid.md says what is done."""

import re

import pytest
from pydicom.uid import CTImageStorage

from documents import ROOT
from pacsflow.deid.compile_rules import Compiler, table
from pacsflow.deid.encoding.dictionary import parse_tag
from pacsflow.deid.rules import iod_types, private_sets, risky_pixels
from pacsflow.deid.rules.free_text import Scrubber
from pacsflow.deid.rules.marking import OPTION_CODE
from schemas.deid import DeidProfile

TEXT = (ROOT / "docs" / "deid.md").read_text("utf-8")
WORDS = {
    "Pseudonym": "pseudonym",
    "Remove": "removed",
    "Empty": "emptied",
    "Dummy": "dummy",
    "Uid": "new UID",
    "Date": "moved",
    "Clean": "cleaned",
    "Nested": "items cleaned",
    "Number": "kept",
    "Terms": "kept",
    "Text": "cleaned",
    "Age": "kept, over 89 years cut to 90",
}
ROWS = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ?([^|]*) ?\|$", TEXT.partition("## Which rule")[0], re.MULTILINE)


def done(keyword: str, *options: str) -> str:
    """What is done to an attribute of a CT image, in the page's words."""
    profile = DeidProfile.model_validate({"key": "${env:X}", "options": options})
    rules = Compiler(profile).rules(iod_types.resolver(CTImageStorage))
    action = rules.actions.get(parse_tag(keyword)[0])
    return WORDS[type(action).__name__] if action else "kept"


@pytest.mark.parametrize(("keyword", "alone", "with_option"), ROWS)
def test_what_the_page_says_of_an_attribute_is_done(keyword, alone, with_option):
    told = dict(re.findall(r"`([\w-]+)`: ([^;]+?)(?:;|$)", with_option.strip()))
    assert done(keyword) == alone
    for option in OPTION_CODE:
        assert done(keyword, option) == told.get(option, alone), option


def test_the_page_has_attributes():
    assert len(ROWS) > 30
    assert table()["edition"] in TEXT


def test_each_option_stands_with_its_code():
    section = TEXT.partition("## The ten options")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([\w-]+)` \| (\d+) \|", section, re.MULTILINE) == [
        (option, OPTION_CODE[option]) for option in table()["options"]
    ]


def test_each_private_set_is_told():
    section = TEXT.partition("## Private elements")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([\w.-]+)` \|", section, re.MULTILINE)) == private_sets.names()


def test_the_images_at_risk_are_those_that_are_refused():
    section = " ".join(TEXT.partition("## Pixels")[2].partition("\n## ")[0].split())
    screens, films = (part.partition(";")[0].partition(", unless")[0] for part in section.split("- modality ")[1:])
    assert screens.split(", ") == sorted(risky_pixels.SCREENS)
    assert films.split(", ") == sorted(risky_pixels.FILMS)
    assert tuple(section.partition("in any case, ")[2].partition(";")[0].split(", ")) == risky_pixels.WORDS
    shown, made = (section.partition(before)[2].partition(";")[0] for before in ("Modality says: ", "is NO: "))
    assert shown.split(", ") == list(risky_pixels.SCREEN_CLASSES)
    assert made.split(", ") == list(risky_pixels.FILM_CLASSES)


def test_the_example_of_free_text_comes_out_as_shown():
    before, after = re.search(r"`([^`]+)` becomes `([^`]+)`", TEXT).groups()
    assert Scrubber.of(["Müller^Anna"]).clean(before.encode("utf-8"), ["utf-8"]).decode() == after
