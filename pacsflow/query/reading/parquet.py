"""Parquet, where pyarrow is installed."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

from pacsflow.extras import missing
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import Cell, RawTable, Reading, moment, table_of


def read_parquet(file: Path, name: str, _how: Reading) -> RawTable:
    """The table, a named index too; lines count the rows, the headings being line 0. Raises FaultError, OSError."""
    if lacking := missing("pyarrow"):
        raise FaultError(*lacking)
    import pandas as pd

    try:
        stored = pd.read_parquet(file)
        named = [name for name in stored.index.names if name is not None]
        frame = stored.reset_index(named, allow_duplicates=True)
        records = list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))
    except OSError:
        raise
    except Exception:  # noqa: BLE001 it fails in many ways at what is damaged
        raise FaultError("is not a parquet file", "write it again") from None
    heads = (0, [Cell(str(column)) for column in frame.columns])
    lines = ((number, [*map(_cell, row)]) for number, row in enumerate(records, start=1))
    return replace(table_of(name, [heads, *lines], Reading(heading_row=0)), places={})


def _cell(value: Any) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, dt.date | dt.time):
        return moment(value)
    if isinstance(value, str):
        return Cell(value)
    if isinstance(value, float) and value.is_integer():  # a column of whole numbers with gaps
        return Cell(str(int(value)), "number")
    return Cell(str(value), "number" if isinstance(value, int | float) and not isinstance(value, bool) else "odd")
