import csv
import json

import pytest

from models.datasets.dim_sim import COLUMNS, read_dim_sim
from models.datasets.triplet import Excerpt
from models.errors import DatasetInvalid

ALL_COLUMNS = (
    *COLUMNS,
    "anchor_start_samples",
    "song1_start_samples",
    "song2_start_samples",
    "sampling_rate",
    "clip_lengths_samples",
)


def row(name, votes, **changes):
    cells = dict.fromkeys(ALL_COLUMNS, "0")
    cells |= {f"{role}_id": f"TR{role.upper()}" for role in ("anchor", "song1", "song2")}
    cells |= {"triplet_id": name, "anchor_start_seconds": "1.5", "clip_lengths_seconds": "3.0"}
    cells |= {"song1_vote": str(votes[0]), "song2_vote": str(votes[1])}
    return cells | changes


def write(path, rows, columns=ALL_COLUMNS):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def faults(path):
    with pytest.raises(DatasetInvalid) as refused:
        read_dim_sim(path)
    return list(refused.value.faults)


def test_the_majority_says_which_song_is_more_alike(tmp_path):
    first, second = read_dim_sim(write(tmp_path / "raw.csv", [row("t1", (9, 1)), row("t2", (2, 6))]))
    assert first.anchor == Excerpt("TRANCHOR", 1.5, 3.0)
    assert (first.positive.track, first.negative.track) == ("TRSONG1", "TRSONG2")
    assert (first.votes, first.agreement) == (10, 0.9)
    assert (second.positive.track, second.negative.track) == ("TRSONG2", "TRSONG1")
    assert (second.votes, second.agreement) == (8, 0.75)


def test_the_clean_list_gives_decisions(tmp_path):
    (triplet,) = read_dim_sim(write(tmp_path / "clean.csv", [row("t1", (0, 1))]))
    assert (triplet.positive.track, triplet.votes, triplet.agreement) == ("TRSONG2", 1, 1.0)


def test_a_draw_says_nothing(tmp_path):
    assert [
        found.id
        for found in read_dim_sim(
            write(tmp_path / "x.csv", [row("t1", (5, 5)), row("t2", (0, 0)), row("t3", (3, 2))])
        )
    ] == ["t3"]


def test_a_small_majority_can_be_left_out(tmp_path):
    path = write(tmp_path / "x.csv", [row("t1", (9, 1)), row("t2", (6, 4))])
    assert [found.id for found in read_dim_sim(path, min_agreement=0.9)] == ["t1"]


def test_votes_of_several_rows_are_summed(tmp_path):
    (triplet,) = read_dim_sim(write(tmp_path / "x.csv", [row("t1", (1, 0)), row("t1", (0, 1)), row("t1", (1, 0))]))
    assert (triplet.positive.track, triplet.votes) == ("TRSONG1", 3)


def test_json_by_rows_and_by_columns_reads_as_csv(tmp_path):
    rows = [row("t1", (9, 1)), row("t2", (2, 6))]
    expected = read_dim_sim(write(tmp_path / "x.csv", rows))
    by_rows, by_columns = tmp_path / "rows.json", tmp_path / "columns.json"
    numbers = [
        {name: float(cell) if cell.replace(".", "").isdigit() else cell for name, cell in one.items()}
        for one in rows
    ]
    by_rows.write_text(json.dumps(numbers))
    by_columns.write_text(
        json.dumps({name: {str(n): one[name] for n, one in enumerate(rows)} for name in ALL_COLUMNS})
    )
    assert read_dim_sim(by_rows) == expected
    assert read_dim_sim(by_columns) == expected


def test_every_fault_is_named(tmp_path):
    rows = [
        row("t1", ("x", 1)),
        row("t2", (-1, 1)),
        row("t3", (1, 0), clip_lengths_seconds="0"),
        row("t4", (1, 0)),
        row("t4", (1, 0), song1_id="TROTHER"),
    ]
    found = faults(write(tmp_path / "x.csv", rows))
    assert [fault.split(":")[0] for fault in found] == ["line 2", "line 3", "line 4", "line 6"]
    assert faults(write(tmp_path / "y.csv", [row("t1", (1, 0))], ALL_COLUMNS[2:])) == [
        "there is no column triplet_id",
        "there is no column anchor_id",
    ]


def test_json_of_another_form_is_refused(tmp_path):
    path = tmp_path / "x.json"
    for content, fault in (
        ("[1]", "expected a list of rows"),
        ("{", "Expecting"),
        ("[]", "no triplet"),
        ('[{"triplet_id": 1}]', "row 1: there is no column"),
    ):
        path.write_text(content)
        assert fault in faults(path)[0]
    path.write_text('{"triplet_id": {"0": "t1"}}')
    assert "there is no column anchor_id" in faults(path)
