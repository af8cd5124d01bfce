"""However the network cuts a multipart body, the same parts come out."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.upload import Parts
from app.errors import InvalidRequest

BOUNDARY = b"b0undary"


def body(content, metadata):
    return b"".join([
        b'--b0undary\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n', metadata,
        b'\r\n--b0undary\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n',
        b"Content-Type: audio/wav\r\n\r\n", content, b"\r\n--b0undary--\r\n",
    ])  # fmt: skip


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


# Pieces of the boundary in the content are what a parser gets wrong.
contents = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"b0undary", b"\r\n--b0undar", b"RIFF", b"\0"]),
    min_size=1,
    max_size=30,
).map(b"".join)


@given(
    content=contents,
    metadata=st.binary(max_size=20).filter(lambda data: b"\r" not in data),
    places=st.lists(st.integers(0, 10_000), max_size=20),
)
def test_cuts_make_no_difference(content, metadata, places):
    if b"\r\n--b0undary" in content:
        return
    parts = Parts(BOUNDARY, frozenset({"metadata"}))
    received = b""
    for chunk in cut(body(content, metadata), places):
        parts.feed(chunk)
        received += parts.take()
    parts.check_complete(len(received))
    assert received == content
    assert parts.filename == "a.wav"


@given(data=st.binary(max_size=300), places=st.lists(st.integers(0, 300), max_size=5))
def test_whatever_comes_is_refused_in_words(data, places):
    with pytest.raises(InvalidRequest):
        receive(Parts(BOUNDARY, frozenset()), cut(data, places))


def receive(parts, chunks):
    for chunk in chunks:
        parts.feed(chunk)
    parts.check_complete(1)
