"""The page: all there, no patient named, nothing fetched from elsewhere."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from pacsflow.ledger.outcomes import Delivery
from pacsflow.ledger.traffic import HourOfTraffic, Slowed
from pacsflow.report.page import OPEN_ROWS_SHOWN, PICTURES_SHOWN, ROWS_SHOWN, render, write_page
from pacsflow.report.records import Look, RunSummary
from reported import row, series, study

PNG = b"\x89PNG not really"
DONE = Delivery("folder 1", "done", "", "", (("sub-1/x.dcm", "aa", 1),))
SECOND = series(
    "2", converted=("refused", "gantry-tilt: 14 degrees"), warnings=("look",), refused={"burned-in text": 1}
)
STUDY = study(
    "0123456789abcdef",
    "P1",
    "complete",
    replace(series("1", 2, converted=("done", "")), size=1_500_000),
    SECOND,
    deliveries=(DONE,),
)
ROWS = (
    row(1, "A-1", "complete", "", STUDY, cells={"x": "Tessa"}),
    row(2, "A-2", "held", "two studies"),
    row(3, "3", "unmatched", "nothing there"),
)
RUN = RunSummary(
    "lung-ct",
    "partly",
    datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    datetime(2026, 1, 2, 5, 6, tzinfo=UTC),
    ROWS,
    (STUDY,),
    title="A <script>alert(1)</script> title",
    profile=("Names go.",),
    looks={"series1": Look("T1 <b>", PNG), "series2": Look("T2")},
)


class Reader(HTMLParser):
    """Collects tags with their attributes, and the visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words += data + " "


def words(run: RunSummary) -> str:
    return " ".join(Reader(render(run)).words.split())


def test_the_page_is_well_formed_and_asks_for_nothing() -> None:
    page = Reader(render(RUN))
    assert page.open == []
    sources = [a[k] for _, a in page.tags for k in ("src", "href", "action") if k in a and not a[k].startswith("#row-")]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?://|@import|url\(", render(RUN))


def test_texts_are_shown_and_not_run() -> None:
    page = Reader(render(RUN))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "A <script>alert(1)</script> title" in page.words


def test_cells_of_the_user_s_table_are_not_on_the_page() -> None:
    assert "Tessa" not in render(RUN)


def test_what_wants_attention_comes_before_the_table() -> None:
    text = words(RUN)
    order = ["Held for a person", "row 2 (A-2) two studies", "Unmatched rows", "row 3 nothing there", "Not converted",
             "series 2 gantry-tilt: 14 degrees", "Warnings", "burned-in text", "Pictures", "Rows all 3"]  # fmt: skip
    places = [text.index(words_) for words_ in order]
    assert places == sorted(places)


def test_the_way_is_counted_in_its_own_things() -> None:
    text = words(RUN)
    for words_ in (
        "Found 2 of 3 rows",
        "Fetched 1 of 1 study",
        "De-identified 3 of 4 images",
        "Converted 1 of 2 series",
        "Delivered 1 of 1 study",
        "1.5 MB",
        "2 h 2 min",
    ):
        assert words_ in text


def test_a_row_that_failed_before_it_had_a_study_was_not_found() -> None:
    early, late = row(4, "4", "failed", "PACS down"), row(5, "5", "failed", "cut off", STUDY)
    assert "Found 1 of 2 rows" in words(replace(RUN, rows=(early, late)))


def test_a_series_without_a_description_is_called_by_its_number() -> None:
    assert "MR series 1 2 images P1" in words(replace(RUN, looks={"series1": Look("", PNG)}))


def test_a_run_without_conversion_has_no_such_step() -> None:
    bare = replace(STUDY, series=(series("1", 3),))
    assert "Converted" not in words(replace(RUN, studies=(bare,)))


def test_a_failed_delivery_is_told() -> None:
    failed = replace(STUDY, deliveries=(DONE, Delivery("dicom 2", "failed", "", "refused")))
    text = words(replace(RUN, studies=(failed,)))
    assert "Not delivered" in text
    assert "dicom 2: refused" in text
    assert "Delivered 0 of 1 study" in text


def test_identifiable_data_is_reported_loudly() -> None:
    assert "Identifiable data." not in words(RUN)
    loud = words(replace(RUN, identifiable=True, profile=()))
    assert "Identifiable data." in loud
    assert "names no patient" not in loud


def test_large_runs_are_counted_beyond_what_is_shown() -> None:
    rows = tuple(row(n, "", "unmatched" if n % 2 else "complete") for n in range(ROWS_SHOWN + 7))
    many = replace(STUDY, series=(STUDY.series[0],) * (PICTURES_SHOWN + 3))
    text = words(replace(RUN, rows=rows, studies=(many,)))
    assert f"and {ROWS_SHOWN + 7 - OPEN_ROWS_SHOWN:,} more rows".replace(",", " ") in text
    assert "row 2001" not in text, "of so many only open ones are shown"
    assert "and 3 more series" in text


def test_an_empty_run_has_a_page_too(tmp_path) -> None:
    path = write_page(RunSummary("p", "complete", RUN.started, RUN.started, (), ()), tmp_path / "report.html")
    assert "Found 0 of 0 rows" in " ".join(Reader(path.read_text()).words.split())


def hour(number, *, node="main", **facts):
    names = {"queries": "find", "size": "bytes"}
    counts = Counter({names.get(name, name): n for name, n in facts.items()})
    return HourOfTraffic(datetime(2026, 1, 1, tzinfo=UTC) + number * timedelta(hours=1), node, counts)


def test_what_was_asked_is_shown_by_the_hour(tmp_path):
    hours = (hour(0, queries=12, retrievals=3, images=900, size=450_000_000), hour(3, queries=24, images=1800))
    slow = tuple(Slowed(RUN.started, "main", why, 1, 0.5) for why in ("silent", "rejected", "silent"))
    page = Reader(render(replace(RUN, hours=hours, slowdowns=slow)))
    words = " ".join(page.words.split())
    assert "Thu 1 Jan 2026, 00:00 12 3 900 450.0 MB" in words
    assert "slowed down 3 times: silent (2), rejected (1)" in words
    heights = [attrs["style"] for tag, attrs in page.tags if tag == "i" and "height" in (attrs.get("style") or "")]
    assert heights == [f"height:{share}%" for share in ("50.0", "50.0", "0.0", "0.0", "0.0", "0.0", "100.0", "100.0")]


def test_only_the_last_hours_are_shown_and_the_others_counted():
    words = " ".join(
        Reader(render(replace(RUN, hours=tuple(hour(n, images=n) for n in range(0, 200, 2))))).words.split()
    )
    assert "and 52 earlier hours" in words
    assert "Fri 9 Jan 2026, 06:00" in words


def test_nodes_are_named_where_there_are_several():
    words = Reader(render(replace(RUN, hours=(hour(0), hour(0, node="archive"))))).words
    assert "archive" in words
    assert "main" not in Reader(render(replace(RUN, hours=(hour(0),)))).words


def test_a_run_outside_the_hours_says_why():
    words = " ".join(Reader(render(replace(RUN, outside_hours="the clinic waits"))).words.split())
    assert "asked outside the hours of the node: the clinic waits" in words


def test_what_to_do_is_reported_once():
    assert "What to do:" not in words(RUN)
    assert words(replace(RUN, fixes=("open the port",))).count("What to do: open the port") == 1
