"""Writes name_words.json: words of DICOM's dictionaries that are also people's names.

python generate_name_words.py NAMES FAKER > name_words.json

NAMES: the folder of lists of the Python package `names` 0.3.0, which are those of the US census of 1990 (public
domain): surnames of 0.001 % of people and more, given names of 0.005 % and more. FAKER: the folder of `faker` 40.63.0
(MIT), of which the lists of names in German, French, Italian, Spanish, Dutch and English are read. Only words that stand
in the dictionaries are written, and none that imaging_words.json has as anatomy or protocol.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from pacsflow.deid.rules.free_text import plain
from pacsflow.deid.vocabulary import imaging_words, vocabulary

LOCALES = ("de_DE", "de_CH", "de_AT", "fr_FR", "fr_CH", "it_IT", "es_ES", "nl_NL", "nl_BE", "en_GB", "en_US", "pt_PT")
LISTS = ("last_names", "first_names", "first_names_male", "first_names_female")
WORD = re.compile(r"[a-z]{2,}")


def of_census(folder: Path) -> Iterator[str]:
    """Names that are not rare."""
    for name, least in (("dist.all.last", 0.001), ("dist.male.first", 0.005), ("dist.female.first", 0.005)):
        for line in folder.joinpath(name).read_text("ascii").splitlines():
            word, share, *_ = line.split()
            if float(share) >= least:
                yield word.lower()


def of_faker(folder: Path) -> Iterator[str]:
    """Words of the names of several languages."""
    sys.path.insert(0, str(folder))
    for locale in LOCALES:
        provider: Any = import_module(f"faker.providers.person.{locale}").Provider
        for name in chain.from_iterable(getattr(provider, each, ()) for each in LISTS):
            yield from WORD.findall(plain(name))


if __name__ == "__main__":
    names = {*of_census(Path(sys.argv[1])), *of_faker(Path(sys.argv[2]))}
    found = sorted((names & vocabulary()) - imaging_words())
    source = "US census of 1990 by the package names 0.3.0; faker 40.63.0, twelve locales"
    print(json.dumps({"source": source, "names": " ".join(found)}, indent=1))
