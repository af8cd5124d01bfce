import io

import pytest
import typer
from rich.console import Console

from app.api.explanation_schemas import SegmentResponse
from app.cli.search import DISPENSABLE, _part, _source
from app.cli.track_table import track_table


def row(number, **changed):
    spaces = dict.fromkeys(("timbre", "harmony", "rhythm", "dynamics"), "+0.232")
    row = {"#": str(number), "title": "A song with a rather long name", "artist": "Somebody", "similarity": "0.991"}
    measured = {"length": "0:40", "tempo": "160", "key": "D minor"}
    return row | {"percentile": "97.1", **spaces, "part": "0:05-0:15"} | measured | changed


def printed(rows, width):
    out = io.StringIO()
    Console(file=out, width=width).print(track_table(rows, width, DISPENSABLE))
    return out.getvalue()


def test_a_wide_terminal_shows_every_column():
    text = printed([row(1)], 200)
    for column, cell in row(1).items():
        assert column in text
        assert cell in text


def test_a_terminal_of_80_columns_shows_similarity_and_every_dimension_whole():
    text = printed([row(number) for number in range(1, 21)], 80)
    for whole in ("similarity", "0.991", "timbre", "harmony", "rhythm", "dynamics", "+0.232", "A song with"):
        assert whole in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_column_that_nothing_fills_takes_no_room():
    assert "artist" not in printed([row(1, artist=""), row(2, artist="")], 200)


def test_the_part_closest_to_the_query_is_told_as_a_clock_does():
    segment = SegmentResponse(start_s=65.2, end_s=75.9, similarity=0.9, reference=None)
    assert _part(segment) == "1:05-1:15"
    assert _part(None) == ""


@pytest.mark.parametrize(("reference", "says"), [(".", "is a folder"), ("no-such-track", "There is no file")])
def test_what_is_neither_a_file_nor_an_id_is_not_searched_for(reference, says):
    with pytest.raises(typer.BadParameter, match=says):
        _source(None, reference)
