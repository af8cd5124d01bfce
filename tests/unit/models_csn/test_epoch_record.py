"""What became of an epoch, as a row of numbers."""

from models.csn.training.epoch_record import PANELS, EpochRecord


def test_an_epoch_is_a_row_of_numbers_that_the_panels_find():
    record = EpochRecord(
        epoch=1,
        seconds=12.34,
        learning_rate=0.00025,
        losses={"total": 1.5, "genre": 0.25},
        accuracies={"made up genre": 0.625},
        error=0.375,
    )
    assert record.row() == {
        "epoch": "1",
        "seconds": "12.3",
        "rate": "0.00025",
        "error": "0.3750",
        "loss total": "1.50000",
        "loss genre": "0.25000",
        "accuracy made up genre": "0.6250",
    }
    assert [sum(name.startswith(prefix) for name in record.row()) for prefix in PANELS] == [2, 1]
