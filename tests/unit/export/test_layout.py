"""Layout templates that cannot work are told before anything is fetched."""

import pytest

from schemas.export import Folder
from schemas.layout import check_layout


@pytest.mark.parametrize(
    "layout",
    [
        Folder.model_fields["layout"].default,
        "{series}",
        "{modality}/{patient}_{study_date}/{series_number:03d}",
        "row {row}/{study}/{series_description}",
        "{{literal}}-{series}",
    ],
)
def test_layouts_that_work(layout: str) -> None:
    assert check_layout(layout) is None


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("{patinet}/{series}", "unknown field {patinet}"),
        ("{patient:05d}/{series}", "format does not fit"),
        ("{series_number:zz}", "format does not fit"),
        ("{series", "not a template"),
        ("{}/{series}", "unknown field {}"),
        ("{patient.__class__}/{series}", "unknown field"),
        ("{patient[0]}/{series}", "unknown field"),
        ("{patient!r}/{series}", "width"),
        ("{series_number:{patient}}", "width"),
        ("/abs/{series}", "relative path"),
        ("{patient}/../{series}", "relative path"),
        ("{patient}//{series}", "relative path"),
        ("{patient}/{series}/", "relative path"),
        ("C:\\out\\{series}", "relative path"),
        ("a\x07/{series}", "control"),
        ("sub-{patient}/ses-{session}", "all series of a study into one folder"),
        ("{series_number:9999d}", "160"),
    ],
)
def test_layouts_that_do_not(layout: str, words: str) -> None:
    assert words in (check_layout(layout) or "")
