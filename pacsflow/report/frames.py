"""Tables for programs: CSV and Parquet of the same columns, with the same types in both."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pacsflow.staging import whole_file


def write_frame(
    folder: Path,
    names: tuple[str, str],
    headings: Sequence[str],
    lines: Sequence[Mapping[str, Any]],
    *,
    numeric: Collection[str],
    mode: int,
) -> None:
    """Write the lines as CSV and as Parquet (`names`, in that order): columns of numbers as float, others as text.

    What a line does not say is empty in the CSV and null in the Parquet file.
    """
    import pandas as pd

    columns = {
        name: pd.Series([line.get(name) for line in lines], dtype="float64" if name in numeric else "string")
        for name in headings
    }
    frame = pd.DataFrame(columns)
    with whole_file(folder / names[0], mode) as half:
        frame.to_csv(half, index=False)
    with whole_file(folder / names[1], mode) as half:
        frame.to_parquet(half, index=False, engine="pyarrow")
