"""The log of a run: one row per epoch, whole at any time, and curves beside it."""

import csv

import pytest
from PIL import Image

from models.csn.training.run_log import CURVES, FILE, EpochRecord, RunLog


def record(epoch, **changes):
    fields = {
        "seconds": 12.34,
        "learning_rate": 0.00025,
        "losses": {"total": 1.5, "genre": 0.25},
        "accuracies": {"made up genre": 0.625},
        "error": 0.375,
    }
    return EpochRecord(epoch, **{**fields, **changes})


def rows(folder):
    with (folder / FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_epoch_is_a_row_of_numbers(tmp_path):
    RunLog(tmp_path, 0).append(record(1))
    assert rows(tmp_path) == [
        {
            "epoch": "1",
            "seconds": "12.3",
            "rate": "0.00025",
            "error": "0.3750",
            "loss total": "1.50000",
            "loss genre": "0.25000",
            "accuracy made up genre": "0.6250",
        }
    ]


@pytest.mark.parametrize("done", [0, 2, 5])
def test_epochs_after_the_one_that_a_run_goes_on_from_are_dropped(tmp_path, done):
    with (tmp_path / FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, record(1).row())
        writer.writeheader()
        writer.writerows(record(epoch, error=0.5).row() for epoch in (1, 2, 3))
    RunLog(tmp_path, done).append(record(9, error=0.1))
    kept = [str(epoch) for epoch in (1, 2, 3) if epoch <= done]
    assert [row["epoch"] for row in rows(tmp_path)] == [*kept, "9"]
    assert [float(row["error"]) for row in rows(tmp_path)] == [*[0.5] * len(kept), 0.1]


def test_a_loss_that_comes_later_has_a_column_of_its_own(tmp_path):
    log = RunLog(tmp_path, 0)
    log.append(record(1))
    log.append(record(2, losses={"total": 1.0, "genre": 0.5, "styles": 0.75}))
    assert [row["loss styles"] for row in rows(tmp_path)] == ["", "0.75000"]


def test_the_curves_are_a_picture_and_grow_with_the_epochs(tmp_path):
    log = RunLog(tmp_path, 0)
    log.append(record(1))
    with Image.open(tmp_path / CURVES) as first:
        first.load()
    log.append(record(2, losses={"total": 1.0, "genre": 0.125}))
    with Image.open(tmp_path / CURVES) as second:
        second.load()
    assert first.size == second.size
    assert min(first.size) > 400
    assert first.tobytes() != second.tobytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [CURVES, FILE]
