"""A project whose ledger the first version made: a run goes on with it, and neither asks nor fetches anything again."""

import sqlite3

from pacsflow.ledger import tables
from whole_run import fault, lying, project, run_once


def as_the_first_version_wrote(place):
    """Give a ledger's columns the names of the first version."""
    with sqlite3.connect(place) as connection:
        for table, names in tables.RENAMED.items():
            for old, new in names.items():
                connection.execute(f'ALTER TABLE {table} RENAME COLUMN {new} TO "{old}"')
        connection.execute("UPDATE meta SET value = '1' WHERE name = 'version'")
    connection.close()


def test_what_is_complete_stays_so_and_the_rest_is_fetched(tmp_path):
    with lying(fault("abort", image=3, times=1)) as (pacs, node):
        folder = project(tmp_path, pacs, node, attempts=1)
        first = run_once(folder, pacs)
        as_the_first_version_wrote(tmp_path / "data" / "private" / "ledger.sqlite")
        second = run_once(folder, pacs)
        as_the_first_version_wrote(tmp_path / "data" / "private" / "ledger.sqlite")
        third = run_once(folder, pacs)
    assert [status for status, _ in second.studies] == ["complete"] * 2
    held = sum(number for (status, _), number in first.instances.items() if status == "held")
    assert second.counts["images sent"] == sum(second.instances.values()) - held > 0
    assert second.counts["finds STUDY"] == 0
    assert (third.retrievals, third.counts["finds"], third.out) == (0, 0, second.out)
