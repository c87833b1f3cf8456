"""Series to be looked at: those of which images are held, a page at a time, in the order of the rows."""

from filled_ledger import fill, large_project
from pacsflow.run.opening import open_session
from pacsflow.run.people.held_series import held_series, number_held, shown_as_held


def test_series_that_are_held_come_by_pages_in_the_order_of_the_rows(tmp_path):
    with open_session(str(large_project(tmp_path / "p", 5)), action="plan") as run:
        assert number_held(run.ledger) == 0
        fill(run.ledger, 5, unmatched_every=3)  # rows 1 and 4 found nothing
        assert number_held(run.ledger) == 3
        pages = [held_series(run.ledger, run.project, offset=at, limit=2) for at in (0, 2, 4)]
        assert [[one.row for one in page] for page in pages] == [[2, 3], [5], []]
        [one] = pages[1]
        assert (one.modality, len(one.files)) == ("MR", 2)
        assert all(file.is_relative_to(run.staging / one.study / one.series) for file in one.files)


def test_images_that_stay_as_the_node_sent_them_are_not_shown(tmp_path):
    with open_session(str(large_project(tmp_path / "p", 2)), action="plan") as run:
        fill(run.ledger, 2)
        as_sent = run.project.deid.model_copy(update={"base": "none"})
        kept = run.project.__class__(**{**vars(run.project), "deid": as_sent})
        assert not shown_as_held(kept)
        assert held_series(run.ledger, kept) == []
