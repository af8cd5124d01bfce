"""The log of a run: one row per epoch, whole at any time, and curves beside it."""

import csv

import pytest
from PIL import Image

from models.runs.run_log import CURVES, FILE, RunLog

PANELS = {"loss ": "loss", "accuracy ": "accuracy on validation tracks"}


def row(epoch, **changes):
    return {"epoch": str(epoch), "loss total": "1.5", "loss genre": "0.25", "accuracy genre": "0.625", **changes}


def rows(folder):
    with (folder / FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_epoch_is_a_row(tmp_path):
    RunLog(tmp_path, 0, PANELS).append(row(1))
    assert rows(tmp_path) == [row(1)]


@pytest.mark.parametrize("done", [0, 2, 5])
def test_epochs_after_the_one_that_a_run_goes_on_from_are_dropped(tmp_path, done):
    before = RunLog(tmp_path, 0, PANELS)
    for epoch in (1, 2, 3):
        before.append(row(epoch))
    RunLog(tmp_path, done, PANELS).append(row(9, **{"loss total": "0.1"}))
    kept = [str(epoch) for epoch in (1, 2, 3) if epoch <= done]
    assert [row["epoch"] for row in rows(tmp_path)] == [*kept, "9"]
    assert [row["loss total"] for row in rows(tmp_path)] == [*["1.5"] * len(kept), "0.1"]


def test_a_column_that_comes_later_is_empty_before(tmp_path):
    log = RunLog(tmp_path, 0, PANELS)
    log.append(row(1))
    log.append(row(2, **{"loss styles": "0.75"}))
    assert [row["loss styles"] for row in rows(tmp_path)] == ["", "0.75"]


def test_the_curves_are_a_picture_and_grow_with_the_epochs(tmp_path):
    log = RunLog(tmp_path, 0, PANELS)
    log.append(row(1))
    with Image.open(tmp_path / CURVES) as first:
        first.load()
    log.append(row(2, **{"loss genre": "0.125"}))
    with Image.open(tmp_path / CURVES) as second:
        second.load()
    assert first.size == second.size
    assert min(first.size) > 400
    assert first.tobytes() != second.tobytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [CURVES, FILE]
