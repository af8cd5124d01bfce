"""What every database does with weightings."""

from dataclasses import replace

import pytest

from app.domain import DEFAULT_LIBRARY, Library, new_id
from app.errors import Conflict, NotFound
from app.weightings import Weighting


@pytest.fixture
def weightings(database):
    with database.transaction() as tx:
        yield tx.weightings


@pytest.fixture
def other_library(database):
    library = Library(new_id(), "other")
    with database.transaction() as tx:
        tx.catalogue.add_library(library)
    return library.id


def weighting(name="Chill", *, library_id=DEFAULT_LIBRARY, **weights):
    return Weighting(new_id(), library_id, name, "csn", weights or {"genre": 1.0, "mood": -0.25})


def test_weightings_come_back_as_they_were_stored_by_name(weightings):
    added = [weighting("b"), weighting("ä", mood=2.0), weighting("a")]
    for each in added:
        weightings.add(each)
    assert weightings.all(DEFAULT_LIBRARY) == [added[2], added[0], added[1]]
    assert weightings.weighting(DEFAULT_LIBRARY, added[0].id) == added[0]


def test_a_name_is_taken_once_in_a_library_and_the_transaction_goes_on(weightings):
    weightings.add(weighting())
    with pytest.raises(Conflict, match="'Chill'"):
        weightings.add(weighting())
    weightings.add(weighting("other"))
    assert len(weightings.all(DEFAULT_LIBRARY)) == 2


def test_a_weighting_is_replaced_but_for_its_age(weightings):
    first = weighting()
    weightings.add(first)
    changed = replace(weighting("Calm", tempo=1.0), id=first.id)
    weightings.save(changed)
    assert weightings.all(DEFAULT_LIBRARY) == [replace(changed, created_at=first.created_at)]


def test_a_weighting_cannot_take_the_name_of_another_and_the_transaction_goes_on(weightings):
    first, second = weighting("first"), weighting("second")
    for each in (first, second):
        weightings.add(each)
    with pytest.raises(Conflict, match="'first'"):
        weightings.save(replace(second, name="first"))
    assert weightings.all(DEFAULT_LIBRARY) == [first, second]
    weightings.save(replace(first, encoder="hdpgmm"))
    assert weightings.weighting(DEFAULT_LIBRARY, first.id).encoder == "hdpgmm"


def test_a_deleted_weighting_is_gone_and_its_name_free(weightings):
    first = weighting()
    weightings.add(first)
    weightings.delete(DEFAULT_LIBRARY, first.id)
    assert weightings.all(DEFAULT_LIBRARY) == []
    weightings.add(weighting())


def test_another_librarys_weightings_are_as_if_they_were_not_there(other_library, weightings):
    foreign = weighting(library_id=other_library)
    weightings.add(foreign)
    weightings.add(weighting())
    assert len(weightings.all(DEFAULT_LIBRARY)) == 1
    for call in (
        lambda: weightings.weighting(DEFAULT_LIBRARY, foreign.id),
        lambda: weightings.delete(DEFAULT_LIBRARY, foreign.id),
        lambda: weightings.save(replace(foreign, library_id=DEFAULT_LIBRARY)),
        lambda: weightings.weighting(DEFAULT_LIBRARY, "no id"),
        lambda: weightings.delete(DEFAULT_LIBRARY, new_id()),
    ):
        with pytest.raises(NotFound, match="no weighting"):
            call()
    assert weightings.all(other_library) == [foreign]
