from app.api.problems import KINDS, MAX_FAULTS, kind_of, place_of, told_faults
from app.errors import QueueFull, SoundkinError, StorageFull, UploadTooLarge


def every_class(root=SoundkinError):
    yield root
    for child in root.__subclasses__():
        yield from every_class(child)


def test_the_table_has_an_entry_for_every_class_of_the_error_tree():
    missing = [error.__name__ for error in every_class() if error.__module__ == "app.errors" and error not in KINDS]
    assert missing == []


def test_the_nearest_class_decides_about_the_status():
    assert kind_of(StorageFull("full")).status == 507
    assert kind_of(UploadTooLarge("large")).status == 413
    assert kind_of(QueueFull("many", retry_after_s=3)).status == 429


def test_no_error_of_the_caller_is_told_as_one_of_ours():
    for error in every_class():
        kind = KINDS.get(error)
        if kind and kind.status >= 500:
            assert error.__name__ in {
                "SoundkinError", "Transient", "DatabaseUnavailable", "IndexUnavailable", "StorageUnavailable",
                "StorageFull", "Permanent", "IndexCorrupt", "ConfigurationError",
            }  # fmt: skip


def test_places_are_written_as_people_write_paths():
    assert place_of(("body", "terms", 0, "weights", "timbre")) == "body.terms[0].weights.timbre"


def test_of_very_many_faults_the_first_are_told_and_how_many_there_are_more():
    found = [
        {"loc": ("filter", "all", number), "msg": "Input should be a dictionary"} for number in range(MAX_FAULTS)
    ]
    assert len(told_faults(found, "body")) == MAX_FAULTS
    *told, rest = told_faults([*found, *found[:7]], "body")
    assert [fault.place for fault in told] == [f"body.filter.all[{number}]" for number in range(MAX_FAULTS)]
    assert (rest.place, rest.message) == ("body", "7 more faults")
