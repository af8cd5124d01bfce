"""Feedback finds what simulated users mean, and the simulation is what it says."""

import json
import sys

import numpy as np
import pytest

from benchmarks import feedback
from benchmarks.feedback import ESTIMATORS, GOAL, MOST, SEVERAL, USERS, Seen, User, measure, ours, result

COUNT = 12


@pytest.fixture(scope="module")
def catalogue():
    return feedback.correlated(6)


@pytest.mark.parametrize("concentration", [0.3, 1.0, 3.0])
def test_feedback_recovers_the_weights_that_are_meant_within_ten_judgements(catalogue, concentration):
    cosines = measure(catalogue, User("best and worst"), ours, concentration, COUNT)
    found = result("correlated", 6, concentration, USERS[0], "ours", cosines)
    assert found.needed <= 10
    assert found.cosines[10] >= GOAL
    assert found.cosines[0] < 0.93


def test_feedback_without_earlier_rounds_does_so_too(catalogue):
    cosines = measure(catalogue, User("best and worst"), feedback.present_only, 1.0, COUNT)
    assert cosines[:, 10].mean() >= GOAL


def test_feedback_bears_some_mistakes(catalogue):
    cosines = measure(catalogue, User("10 % mistakes", mistakes=0.1), ours, 1.0, COUNT)
    assert cosines[:, 10].mean() >= GOAL


def test_it_learns_more_than_the_difference_of_means(catalogue):
    means = [
        measure(catalogue, USERS[0], ESTIMATORS[name], 0.3, COUNT)[:, 6].mean()
        for name in ("ours", "mean difference", "unchanged")
    ]
    assert means == sorted(means, reverse=True)


def test_several_references_are_learnt_together_and_not_the_first_alone(catalogue):
    together, first, common = (
        measure(catalogue, USERS[0], estimate, 1.0, COUNT, references=2)[:, 10].mean()
        for estimate in (ours, feedback.first_only(2), feedback.in_common(2))
    )
    assert together >= GOAL
    assert max(first, common) < 0.85


def test_a_user_judges_the_best_and_the_worst_of_what_was_not_judged():
    worth = np.arange(10.0)
    judged = User("two", 2, 1).judge(worth, np.array([3, 5, 1, 7]), np.random.default_rng(0))
    assert list(judged) == [(True, 7), (True, 5), (False, 1)]
    few = User("two", 2, 1).judge(worth, np.array([3]), np.random.default_rng(0))
    assert list(few) == [(True, 3)]


def test_a_round_holds_what_was_shown_with_its_marks():
    table = np.arange(8.0).reshape(4, 2)
    judged = Seen(np.array([2, 0])).with_mark(0, liked=False).round_of(table)
    assert judged.similarities.tolist() == [[4, 5], [0, 1]]
    assert (judged.liked.tolist(), judged.disliked.tolist()) == ([False, False], [False, True])


def test_the_command_prints_a_table_and_writes_figures(tmp_path, capsys, monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(200, 8))
    np.save(tmp_path / "vectors.npy", vectors)
    options = [
        "--users",
        "1",
        "--vectors",
        tmp_path / "vectors.npy",
        "--spaces",
        "4,4",
        "--json",
        tmp_path / "f.json",
    ]
    monkeypatch.setattr(sys, "argv", ["feedback", *map(str, options)])
    feedback.main()
    assert "best and worst" in capsys.readouterr().out
    rows = json.loads((tmp_path / "f.json").read_text())
    assert {len(row["cosines"]) for row in rows} == {MOST + 1}
    assert len(rows) == 3 + len(USERS) * len(ESTIMATORS) - 1 + 4 * len(SEVERAL)
