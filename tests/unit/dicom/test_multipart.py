"""Multipart answers: a boundary is one where it ends its line, and not where a part's length says that it is content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsflow.dicom.web.multipart import parts
from pacsflow.errors import BrokenError

MARK = b"boundary"
words = st.lists(st.sampled_from([b"\r\n--boundary", b"boundary", b"--", b"\r\n", b"x", b"-", b"\0"]), max_size=8)
endings = st.sampled_from([b"X", b"-x", b"\rx", b"2"])


def answer(contents, *, lengths):
    body = b""
    for content in contents:
        length = b"Content-Length: %d\r\n" % len(content) if lengths else b""
        body += b"--boundary\r\nContent-Type: application/dicom\r\n" + length + b"\r\n" + content + b"\r\n"
    return body + b"--boundary--\r\n"


def read(body, size):
    pieces = iter([body[at : at + size] for at in range(0, len(body), size)])
    return [b"".join(part.content) for part in parts(pieces, MARK)]


@given(st.lists(words.map(b"".join), max_size=4), st.integers(1, 40))
def test_what_a_length_says_is_content_is_not_a_boundary(contents, size):
    contents = [content or b"x" for content in contents]
    assert read(answer(contents, lengths=True), size) == contents


@given(st.lists(endings, min_size=1, max_size=4), st.integers(1, 40))
def test_a_boundary_that_goes_on_is_content(ends, size):
    contents = [b"picture\r\n--boundary" + end + b" more" for end in ends]
    assert read(answer(contents, lengths=False), size) == contents


@pytest.mark.parametrize("missing", range(1, 12))
def test_an_answer_without_its_last_boundary_is_torn(missing):
    body = answer([b"picture"], lengths=False).removesuffix(b"\r\n")
    with pytest.raises(BrokenError):
        read(body[:-missing], 7)
