import pytest

from app.api.ranges import ByteRange, RangeUnsatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=10-9999", (10, 100)),
        ("bytes=-30", (70, 100)),
        ("bytes=-3000", (0, 100)),
        ("bytes=99-99", (99, 100)),
    ],
)
def test_a_single_range_is_understood(header, expected):
    found = parse_range(header, 100)
    assert found == ByteRange(*expected, 100)
    assert found.content_range == f"bytes {expected[0]}-{expected[1] - 1}/100"


@pytest.mark.parametrize("header", [None, "", "bytes=-", "bytes=5-4", "bytes=a-b", "rows=1-2", "bytes=0-1,5-6"])
def test_what_is_not_understood_gets_the_whole(header):
    assert parse_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_is_unsatisfiable(header):
    with pytest.raises(RangeUnsatisfiable):
        parse_range(header, 100)


def test_every_range_of_nothing_is_unsatisfiable():
    with pytest.raises(RangeUnsatisfiable):
        parse_range("bytes=0-", 0)
