from pathlib import Path

import numpy as np
import pytest

from models.datasets.track import Dataset, LabelledTrack
from models.errors import EvaluationImpossible
from models.evaluate.estimators import Estimates, evaluate_estimators, key_scores, tempo_scores
from models.evaluate.family_hearing import family_rows
from models.evaluate.report import RANDOM, WORST
from models.evaluate.system import CLIP_RATE_HZ, Clip
from models.evaluate.systems.estimator import ESTIMATORS, EstimatorSystem, tempo_points, tonic_points
from models.metrics.bootstrap import Resampling

KEYS = ("C major", "A minor", "F# major", "D minor", "G major", "E minor")


def labelled(count=60):
    generator = np.random.default_rng(1)
    return Dataset(
        "made",
        tuple(
            LabelledTrack(
                str(number),
                Path(str(number)),
                tempo_bpm=float(generator.uniform(60, 180)),
                key=KEYS[number % 6],
            )
            for number in range(count)
        ),
    )


def figures(report, task, system):
    (row,) = (row for row in report.rows if (row.task, row.system) == (task, system))
    return {measure: found.value for measure, found in row.figures.items()}


def truth(dataset):
    return Estimates(
        "oracle", np.array([track.tempo_bpm for track in dataset.tracks]), [track.key for track in dataset.tracks]
    )


def test_the_truth_scores_one_everywhere_and_the_worst_zero():
    dataset = labelled()
    report = evaluate_estimators(dataset, [truth(dataset)], Resampling(20))
    for task in ("tempo", "key"):
        assert set(figures(report, task, "oracle").values()) == {1.0}
        assert set(figures(report, task, WORST).values()) == {0.0}
        assert figures(report, task, RANDOM) != figures(report, task, "oracle")


def test_double_tempo_is_wrong_for_accuracy_1_and_right_for_accuracy_2():
    scores = tempo_scores(np.array([90.0, 90.0, 90.0, 90.0]), np.array([180.0, 30.0, 120.0, 0.0]))
    assert scores["accuracy 1, 4 %"].tolist() == [0, 0, 0, 0]
    assert scores["accuracy 2 (any octave), 4 %"].tolist() == [1, 1, 0, 0]


def test_the_tolerance_is_a_share_of_the_true_tempo():
    scores = tempo_scores(np.array([100.0, 100.0, 100.0]), np.array([103.9, 104.2, 108.2]))
    assert scores["accuracy 1, 4 %"].tolist() == [1, 0, 0]
    assert scores["accuracy 1, 8 %"].tolist() == [1, 1, 0]


def test_keys_are_scored_as_mirex_does():
    found = ("C major", "G major", "A minor", "C minor", "D major", "")
    assert key_scores(["C major"] * 6, found)["weighted score"].tolist() == [1, 0.5, 0.3, 0.2, 0, 0]
    assert key_scores(["C major"] * 6, found)["tonic"].tolist() == [1, 0, 0, 1, 0, 0]


def test_a_missing_estimate_counts_as_wrong():
    dataset = labelled()
    nothing = Estimates("mute", np.zeros(len(dataset)), [""] * len(dataset))
    report = evaluate_estimators(dataset, [nothing], Resampling(20))
    assert set(figures(report, "tempo", "mute").values()) | set(figures(report, "key", "mute").values()) == {0.0}


def test_only_labelled_tracks_count():
    dataset = labelled()
    unlabelled = LabelledTrack("none", Path("none"))
    both = Dataset("made", (unlabelled, *dataset.tracks))
    oracle = truth(dataset)
    found = Estimates("oracle", np.concatenate([[999.0], oracle.tempi_bpm]), ["B minor", *oracle.keys])
    assert figures(evaluate_estimators(both, [found], Resampling(20)), "tempo", "oracle")["accuracy 1, 4 %"] == 1


def test_a_dataset_without_tempo_and_key_cannot_be_asked():
    bare = Dataset("bare", (LabelledTrack("a", Path("a")),))
    with pytest.raises(EvaluationImpossible, match="bare has a tempo_bpm or a key"):
        evaluate_estimators(bare, [], Resampling(20))


def test_tempi_an_octave_apart_are_one_point_and_a_tritone_lies_opposite():
    points = tempo_points(np.array([60.0, 120.0, 60 * 2**0.5, 0.0]))
    np.testing.assert_allclose(points[0], points[1], atol=1e-12)
    np.testing.assert_allclose(points[0], -points[2], atol=1e-12)
    assert not points[3].any()


def test_fifths_are_neighbours_parallel_keys_equal_and_tritones_opposite():
    points = tonic_points(["C major", "C minor", "G major", "F# major", ""])
    similarity = points @ points[0]
    assert similarity[1] == pytest.approx(1)
    assert similarity[2] == pytest.approx(np.cos(2 * np.pi / 12))
    assert similarity[3] == pytest.approx(-1)
    assert similarity[4] == 0


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_hears_the_tempo_of_a_click_and_the_key_of_a_chord(name):
    time_s = np.arange(CLIP_RATE_HZ * 12) / CLIP_RATE_HZ
    chord = sum(np.sin(2 * np.pi * hertz * time_s) for hertz in (261.63, 329.63, 392.0))
    waveform = (chord * np.exp(-8 * (time_s % 0.5))).astype(np.float32) / 4
    system = EstimatorSystem(name)
    measured = system.measure(Clip(LabelledTrack("a", Path("a")), waveform))
    assert float(measured["tempo_bpm"]) == pytest.approx(120, rel=0.04)
    assert str(measured["key"]) == "C major"
    assert system.embed([measured, measured], np.ones(2, bool)).similarity(np.array([0])).tolist()[0] == (
        pytest.approx([1, 1])
    )


def played_by(families):
    return Dataset(
        "made",
        tuple(
            LabelledTrack(str(number), Path(str(number)), tags={"instrument": frozenset([family])})
            for number, family in enumerate(families)
        ),
    )


def test_a_tagger_that_hears_the_instruments_has_an_area_of_one_and_its_opposite_none():
    dataset = played_by(["piano", "guitar", "harp", "piano", "guitar"] * 6)
    hears = {
        family: np.array([float(family in track.tags["instrument"]) for track in dataset.tracks])
        for family in ("piano", "guitar")
    }
    deaf = {family: 1 - score for family, score in hears.items()}
    rows = {row.system: row.figures for row in family_rows(dataset, {"hears": hears, "deaf": deaf}, Resampling(30))}
    assert {measure: found.value for measure, found in rows["hears"].items()} == {
        "macro AUC": 1,
        "guitar": 1,
        "piano": 1,
    }
    assert rows["deaf"]["macro AUC"].value == 0
    assert 0.2 < rows[RANDOM]["macro AUC"].value < 0.8
    assert rows[WORST]["macro AUC"].value == 0


def test_families_that_a_tagger_has_no_word_for_are_left_open():
    dataset = played_by(["piano", "harp"] * 10)
    flat = np.zeros(20)
    found = family_rows(dataset, {"one": {"piano": flat}, "two": {"harp": flat}}, Resampling(30))
    rows = {row.system: row.figures for row in found}
    assert rows["one"]["macro AUC"].value == rows["one"]["piano"].value == 0.5
    assert np.isnan(rows["one"]["harp"].value)


def test_instruments_without_a_word_or_too_rare_are_not_asked_about():
    dataset = played_by(["piano"] * 18 + ["harp"] * 2)
    assert family_rows(dataset, {"one": {"harp": np.zeros(20), "organ": np.zeros(20)}}, Resampling(10)) == []
