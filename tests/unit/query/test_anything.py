"""Whatever stands in the files, the answer is a project or a list of problems."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacsflow.errors import ProjectError
from pacsflow.query import load
from yaml_folder import FILES, write_files

TABLE = "ID,MRN,Date,Mod,Remarks\n1,007,2015-05-12,CT,x\n2,,20150101-,MR,\n"
QUERY = (
    "level: study\nrows:\n  - {id: A, PatientID: '1', StudyDate: 2015-05-12}\nseries: {include: [{Modality: [CT]}]}\n"
)
PIECES = st.sampled_from(
    [
        b"\0",
        b"\t",
        b"'",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"- ",
        b"\n",
        b",",
        b";",
        b"*",
        b"&a ",
        b"*a",
        b"\xff",
        b"\xc3",
        b"0",
        b"|",
        b"#",
        b"...",
        b"!!int ",
        b"<<: ",
    ]
)


def changed(text, data):
    """The text with a few pieces put in, or taken out."""
    content = text.encode()
    for _ in range(data.draw(st.integers(0, 4))):
        begin = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(begin, min(len(content), begin + 5)))
        content = content[:begin] + data.draw(PIECES | st.binary(max_size=3)) + content[end:]
    return content


@pytest.mark.parametrize("name", [*FILES, "table.csv", "table.json", "table.xlsx"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_only_problems_come_of_a_file_that_was_changed(name, data):
    texts = FILES | {
        "query": QUERY,
        "table.csv": TABLE,
        "table.json": '[{"PatientID": "1", "StudyDate": "*"}]',
        "table.xlsx": "PK",
    }
    with tempfile.TemporaryDirectory() as place:
        folder = write_files(Path(place) / "a", query=f"table: {{file: {name}}}\n" if "." in name else QUERY)
        (folder / (name if "." in name else f"{name}.yaml")).write_bytes(changed(texts[name], data))
        with contextlib.suppress(ProjectError):
            project, rows = load(folder)
            assert rows
            assert project.folder == folder
