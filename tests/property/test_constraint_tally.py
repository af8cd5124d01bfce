"""Who meets which constraints is counted as one would by hand."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.constraints import Condition
from app.filters import AllOf, Not, OneOf
from app.services.constraint_tally import ConstraintTally

numbers = st.sets(st.integers(1, 12))
groups = st.lists(numbers, min_size=1, max_size=5)


class Library:
    """Stands for the catalogue and its memory: filters name the group of tracks that they leave."""

    def __init__(self, met, everybody):
        self.met = met
        self.everybody = everybody

    def allowed_by_each(self, tx, library_id, wheres):
        met = [self.everybody if where == AllOf([]) else self.met[int(where.values[0])] for where in wheres]
        return [np.array(sorted(each), np.int64) for each in met]


def tally(met, everybody=(), *, negated=()):
    conditions = []
    for place in range(len(met)):
        where = OneOf("title", [str(place)])
        found = Not(where) if place in negated else where
        conditions.append(Condition(str(place), "", found, lambda _: ""))
    return ConstraintTally.take(None, Library(met, everybody), "library", conditions)


def as_set(array):
    return set(array.tolist())


@given(groups)
def test_those_who_meet_all_are_in_every_set(met):
    assert as_set(tally(met).who_meets_all()) == set.intersection(*met)


@given(groups, numbers)
def test_near_misses_come_by_how_many_they_break_and_are_indexed(met, indexed):
    levels = list(tally(met).near_misses(np.array(sorted(indexed), np.int64)))
    assert len(levels) == len(met)
    for broken, level in enumerate(levels, 1):
        assert as_set(level) == {n for n in indexed if sum(n not in each for each in met) == broken}


@given(groups, numbers)
def test_a_conflict_is_met_by_nobody_and_names_no_constraint_in_vain(met, own):
    counted = tally(met)
    named = [int(each.condition.name) for each in counted.conflict(np.array(sorted(own), np.int64))]
    rest = set.intersection(*met) - own
    assert bool(named) is not bool(rest)
    if named:
        assert not set.intersection(*(met[place] for place in named)) - own
        for fewer in combinations(named, len(named) - 1):
            assert not fewer or set.intersection(*(met[place] for place in fewer)) - own


@given(groups, numbers)
def test_what_is_left_counts_nobody_of_the_own(met, own):
    counts = [each.count(np.array(sorted(own), np.int64)).left for each in tally(met).met]
    assert counts == [len(each - own) for each in met]


@given(numbers, numbers)
def test_who_does_not_meet_is_everybody_else(everybody, inner):
    assert as_set(tally([inner], everybody, negated={0}).met[0].numbers) == everybody - inner


def test_without_constraints_everybody_may_be_found():
    counted = tally([])
    assert counted.who_meets_all() is None
    assert list(counted.near_misses(np.array([1, 2], np.int64))) == []
